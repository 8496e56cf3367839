//! Bugs that the crash tests plant to prove that they would be found. In all other builds
//! [`is_on`] is constantly false and costs nothing.

/// A mistake somebody could make here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bug {
    /// Answer acks=all without a sync of the journal.
    SkipJournalSync,
    /// Write the last, partial block as zeros.
    ForgetTail,
    /// Free journal files before the segments hold what is in them.
    RecycleEarly,
    /// Redo what journals of earlier processes hold.
    IgnoreRuns,
    /// Do not sync the directory of a new segment.
    SkipDirSync,
    /// Do not name partitions without a directory in the journal.
    ForgetNames,
}

#[cfg(test)]
std::thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

#[cfg(test)]
pub(crate) fn set(bug: Option<Bug>) {
    PLANTED.set(bug);
}

#[cfg(test)]
pub(crate) fn is_on(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

#[cfg(not(test))]
#[inline(always)]
pub(crate) const fn is_on(_: Bug) -> bool {
    false
}
