//! How much of the log the answers of one shard's connections hold. What a fetch read stays in memory
//! until its peer has taken it, and a peer may take its time: the fetches of a shard share a budget,
//! one that begins may read its part of what is left, and peers that take nothing are let go when the
//! budget is short. Lives on its shard.

use std::cell::Cell;
use std::rc::Rc;

/// What a fetch may always read, in bytes; beyond it, always one whole batch.
const SHARE_BYTES_MIN: usize = 64 << 10;

/// The budget of one shard.
pub struct AnswerMemory {
    limit_bytes: usize,
    used_bytes: Cell<usize>,
    /// Fetches that are reading or waiting for records.
    reading: Cell<usize>,
}

impl AnswerMemory {
    pub fn new(limit_bytes: usize) -> Rc<Self> {
        Rc::new(AnswerMemory { limit_bytes, used_bytes: Cell::new(0), reading: Cell::new(0) })
    }

    /// More is held than half of the budget: peers that do not read are let go.
    pub fn under_pressure(&self) -> bool {
        self.used_bytes.get() > self.limit_bytes / 2
    }

    /// A fetch begins.
    pub fn begin(self: &Rc<Self>) -> Held {
        self.reading.set(self.reading.get() + 1);
        Held { memory: self.clone(), bytes: None }
    }
}

/// What one fetch holds, from its beginning until its answer is sent.
pub struct Held {
    memory: Rc<AnswerMemory>,
    /// `None` while it reads.
    bytes: Option<usize>,
}

impl Held {
    /// What this fetch may read.
    pub fn share_bytes(&self) -> usize {
        let memory = &self.memory;
        let left = memory.limit_bytes.saturating_sub(memory.used_bytes.get());
        (left / memory.reading.get().max(1)).max(SHARE_BYTES_MIN)
    }

    /// It has read `bytes` and waits for its peer to take them.
    pub fn has_read(&mut self, bytes: usize) {
        assert!(self.bytes.is_none(), "a fetch reads once");
        let memory = &self.memory;
        memory.reading.set(memory.reading.get() - 1);
        memory.used_bytes.set(memory.used_bytes.get() + bytes);
        self.bytes = Some(bytes);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let memory = &self.memory;
        match self.bytes {
            None => memory.reading.set(memory.reading.get() - 1),
            Some(bytes) => memory.used_bytes.set(memory.used_bytes.get() - bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AnswerMemory, SHARE_BYTES_MIN};

    #[test]
    fn fetches_share_what_is_left_and_give_it_back() {
        let memory = AnswerMemory::new(8 << 20);
        let mut first = memory.begin();
        assert_eq!(first.share_bytes(), 8 << 20);
        let second = memory.begin();
        assert_eq!(second.share_bytes(), 4 << 20);
        first.has_read(6 << 20);
        assert!(memory.under_pressure());
        assert_eq!(second.share_bytes(), 2 << 20);
        let mut third = memory.begin();
        third.has_read(3 << 20);
        assert_eq!(second.share_bytes(), SHARE_BYTES_MIN, "some progress is always possible");
        drop((first, second, third));
        assert!(!memory.under_pressure());
        assert_eq!(memory.begin().share_bytes(), 8 << 20);
    }
}
