//! Faults of the simulated disk, as rules over path, call and time: scripted (the n-th call) or
//! drawn from the machine's chance. Consulted once per call by [`disk`](super::disk).

use super::random::{Random, nanos};
use std::io;
use std::path::Path;
use std::time::Duration;

/// A kind of call to the disk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum DiskCall {
    Read,
    Write,
    Sync,
    SyncDir,
    Allocate,
    SetLen,
    Open,
    Rename,
    Remove,
    CreateDir,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// `EIO`. A failed write may have happened in part; a failed sync drops what was dirty.
    Io,
    /// `ENOSPC`, whatever room there is.
    NoSpace,
    /// `EROFS`: what ext4 turns to after an error of its journal.
    ReadOnly,
    /// `EMFILE`, for opening.
    TooManyFiles,
}

impl Failure {
    pub(super) fn error(self) -> io::Error {
        io::Error::from_raw_os_error(match self {
            Failure::Io => libc::EIO,
            Failure::NoSpace => libc::ENOSPC,
            Failure::ReadOnly => libc::EROFS,
            Failure::TooManyFiles => libc::EMFILE,
        })
    }
}

/// Which of the calls that a rule matches it strikes. Counted per rule, from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    Always,
    Nth(u64),
    /// The n-th and all later ones.
    From(u64),
    First(u64),
    PerMillion(u32),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    Fail(Failure),
    /// The call takes this much longer.
    Delay(Duration),
    /// The completion is held until the test releases it. No effect on calls without one
    /// (`*_cached`).
    Park,
    /// The call reports success and does nothing: a lost write, a lying sync.
    Lose,
    /// A write goes to this position instead (direct writes: aligned) and reports success.
    Misdirect(u64),
    /// Nothing: the rule only counts.
    Count,
}

/// One rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The whole path, in which `*` stands for any text.
    pub path: String,
    /// `None` for every call.
    pub call: Option<DiskCall>,
    pub when: When,
    pub effect: Effect,
}

impl Fault {
    pub fn new(path: &str, call: DiskCall, when: When, effect: Effect) -> Fault {
        Fault { path: path.to_owned(), call: Some(call), when, effect }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FaultId(u64);

/// What all rules together say about one call.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Verdict {
    pub failure: Option<Failure>,
    /// Nanoseconds.
    pub delay: u64,
    pub park: bool,
    pub lose: bool,
    /// Where a write really goes.
    pub misdirect: Option<u64>,
}

struct Rule {
    id: FaultId,
    fault: Fault,
    matched: u64,
    struck: u64,
    active: bool,
}

#[derive(Default)]
pub(super) struct Faults {
    /// Healed rules stay, for their counters.
    rules: Vec<Rule>,
}

impl Faults {
    pub fn inject(&mut self, fault: Fault) -> FaultId {
        let id = FaultId(u64::try_from(self.rules.len()).expect("memory is smaller than 2^64"));
        self.rules.push(Rule { id, fault, matched: 0, struck: 0, active: true });
        id
    }

    pub fn heal(&mut self, id: FaultId) {
        self.rules.iter_mut().filter(|rule| rule.id == id).for_each(|rule| rule.active = false);
    }

    pub fn heal_all(&mut self) {
        self.rules.iter_mut().for_each(|rule| rule.active = false);
    }

    pub fn struck(&self, id: FaultId) -> u64 {
        self.rules.iter().find(|rule| rule.id == id).map_or(0, |rule| rule.struck)
    }

    pub fn decide(&mut self, path: &Path, call: DiskCall, random: &mut Random) -> Verdict {
        let mut verdict = Verdict::default();
        for rule in self.rules.iter_mut().filter(|rule| rule.active) {
            let fault = &rule.fault;
            if fault.call.is_some_and(|wanted| wanted != call)
                || !glob(fault.path.as_bytes(), path.as_os_str().as_encoded_bytes())
            {
                continue;
            }
            rule.matched += 1;
            let strikes = match fault.when {
                When::Always => true,
                When::Nth(count) => rule.matched == count,
                When::From(count) => rule.matched >= count,
                When::First(count) => rule.matched <= count,
                When::PerMillion(rate) => random.chance(rate),
            };
            if !strikes {
                continue;
            }
            rule.struck += 1;
            match fault.effect {
                Effect::Fail(failure) => verdict.failure = verdict.failure.or(Some(failure)),
                Effect::Delay(delay) => verdict.delay = verdict.delay.saturating_add(nanos(delay)),
                Effect::Park => verdict.park = true,
                Effect::Lose => verdict.lose = true,
                Effect::Misdirect(position) => verdict.misdirect = Some(position),
                Effect::Count => {}
            }
        }
        verdict
    }
}

/// Whether `text` matches `pattern`, in which `*` stands for any text.
pub(super) fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut pos) = (0, 0);
    // Where to go on when the text after the last star turns out to need more.
    let mut retry: Option<(usize, usize)> = None;
    while pos < text.len() {
        if pattern.get(at) == Some(&b'*') {
            retry = Some((at + 1, pos));
            at += 1;
        } else if pattern.get(at) == Some(&text[pos]) {
            at += 1;
            pos += 1;
        } else if let Some((star, taken)) = retry {
            retry = Some((star, taken + 1));
            at = star;
            pos = taken + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::{DiskCall, Effect, Failure, Fault, Faults, When, glob};
    use crate::memory::random::Random;
    use std::path::Path;

    #[test]
    fn globs() {
        let cases = [
            ("*", "", true),
            ("*", "/a/b", true),
            ("/a", "/a", true),
            ("/a", "/ab", false),
            ("*.log", "/t-0/00.log", true),
            ("*.log", "/t-0/00.logs", false),
            ("/t-*/*.log", "/t-0/00.log", true),
            ("*ab*ab", "aabab", true),
            ("*ab*ab", "aab", false),
            ("", "a", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(glob(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn rules_count_their_own_calls() {
        let mut random = Random::new(1);
        let mut faults = Faults::default();
        let fail = Effect::Fail(Failure::Io);
        let second = faults.inject(Fault::new("/a*", DiskCall::Write, When::Nth(2), fail));
        let later = faults.inject(Fault::new("*", DiskCall::Write, When::From(4), Effect::Park));
        let mut decide = |path: &str, call| {
            let verdict = faults.decide(Path::new(path), call, &mut random);
            (verdict.failure, verdict.park)
        };
        assert_eq!(decide("/a", DiskCall::Write), (None, false));
        assert_eq!(decide("/a", DiskCall::Read), (None, false));
        assert_eq!(decide("/b", DiskCall::Write), (None, false));
        assert_eq!(decide("/a", DiskCall::Write), (Some(Failure::Io), false));
        assert_eq!(decide("/a", DiskCall::Write), (None, true));
        assert_eq!((faults.struck(second), faults.struck(later)), (1, 1));
        faults.heal_all();
        assert!(!faults.decide(Path::new("/a"), DiskCall::Write, &mut random).park);
    }
}
