//! The producers of one partition. The append path asks `check` before it gives a batch an offset
//! and calls `append` in the same turn, so that the next batch is judged against this one even
//! while it is not yet durable. What always holds: at most `producers_max` entries.
//! Source: Kafka's `ProducerStateManager` and `ProducerAppendInfo` (4.3).
//!
//! Kafka 4.3 has no "unknown producer" answer for idempotent writes: a producer without an entry is
//! accepted at any sequence, because its entry may have expired or been deleted with its records.

use super::entry::{KeptBatch, NO_EPOCH, ProducerEntry, sequence_plus};
use engine_base::{Offset, ProducerEpoch, ProducerId};
use hashbrown::HashMap;

/// Default of `producer.id.expiration.ms`.
pub const EXPIRATION_MS_DEFAULT: i64 = 86_400_000;
/// Producers remembered per partition. Beyond it those that wrote longest ago are forgotten, which
/// costs them duplicate detection, not writes. Kafka has no such limit and can be filled by clients
/// that ask for a new producer id for each record.
pub const PRODUCERS_MAX_DEFAULT: usize = 65_536;

/// The producer fields of a batch that is about to be appended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProducerBatch {
    pub producer_id: ProducerId,
    pub epoch: ProducerEpoch,
    pub base_sequence: i32,
    /// Record count minus one.
    pub last_offset_delta: i32,
}

impl ProducerBatch {
    pub fn last_sequence(&self) -> i32 {
        sequence_plus(self.base_sequence, self.last_offset_delta)
    }
}

/// What to do with a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProducerCheck {
    /// Append it, then call [`ProducerTable::append`].
    Accept,
    /// It was appended before, as this range. Answer with `base_offset` once `last_offset` has the
    /// durability that was asked for: the first append may still be in flight.
    Duplicate { base_offset: Offset, last_offset: Offset, timestamp_ms: i64 },
    /// A batch before it is missing.
    OutOfOrderSequence,
    /// A newer instance of the producer has written.
    InvalidProducerEpoch,
}

/// All producers of one partition.
#[derive(Clone, Debug)]
pub struct ProducerTable {
    entries: HashMap<ProducerId, ProducerEntry>,
    expiration_ms: i64,
    producers_max: usize,
}

impl Default for ProducerTable {
    fn default() -> Self {
        ProducerTable::new(EXPIRATION_MS_DEFAULT, PRODUCERS_MAX_DEFAULT)
    }
}

impl ProducerTable {
    pub fn new(expiration_ms: i64, producers_max: usize) -> Self {
        assert!(producers_max > 0);
        ProducerTable { entries: HashMap::new(), expiration_ms, producers_max }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn get(&self, producer_id: ProducerId) -> Option<&ProducerEntry> {
        self.entries.get(&producer_id)
    }

    /// All entries by rising producer id: what a snapshot holds.
    pub fn sorted(&self) -> Vec<&ProducerEntry> {
        let mut entries: Vec<&ProducerEntry> = self.entries.values().collect();
        entries.sort_unstable_by_key(|entry| entry.producer_id);
        entries
    }

    /// Judges a client's batch. The caller has refused negative producer ids, epochs and
    /// sequences before.
    pub fn check(&self, batch: &ProducerBatch) -> ProducerCheck {
        assert!(batch.producer_id.0 >= 0 && batch.base_sequence >= 0);
        assert!(batch.last_offset_delta >= 0);
        let Some(entry) = self.entries.get(&batch.producer_id) else {
            return ProducerCheck::Accept;
        };
        if let Some(kept) = entry.find(batch.epoch, batch.base_sequence, batch.last_sequence()) {
            return ProducerCheck::Duplicate {
                base_offset: kept.base_offset(),
                last_offset: kept.last_offset,
                timestamp_ms: kept.timestamp_ms,
            };
        }
        if batch.epoch < entry.epoch {
            return ProducerCheck::InvalidProducerEpoch;
        }
        let in_order = if entry.epoch == NO_EPOCH {
            true
        } else if batch.epoch != entry.epoch {
            batch.base_sequence == 0
        } else {
            follows(entry.last_sequence(), batch.base_sequence)
        };
        if in_order { ProducerCheck::Accept } else { ProducerCheck::OutOfOrderSequence }
    }

    /// Records a batch that was given offsets, by a client's append or read back by recovery.
    /// `timestamp_ms` is the batch's largest timestamp.
    pub fn append(&mut self, batch: &ProducerBatch, base_offset: Offset, timestamp_ms: i64) {
        assert!(batch.producer_id.0 >= 0);
        let kept = KeptBatch {
            last_sequence: batch.last_sequence(),
            last_offset: base_offset.plus(i64::from(batch.last_offset_delta)),
            offset_delta: batch.last_offset_delta,
            timestamp_ms,
        };
        if let Some(entry) = self.entries.get_mut(&batch.producer_id) {
            entry.push(batch.epoch, kept);
            return;
        }
        self.make_room();
        let mut entry = ProducerEntry::new(batch.producer_id);
        entry.push(batch.epoch, kept);
        self.entries.insert(batch.producer_id, entry);
    }

    /// Puts back an entry read from a snapshot unless it has expired.
    pub fn restore(&mut self, entry: ProducerEntry, now_ms: i64) {
        if !self.expired(&entry, now_ms) {
            self.make_room();
            self.entries.insert(entry.producer_id, entry);
        }
    }

    /// Forgets producers idle for `producer.id.expiration.ms`, by the timestamps of their records
    /// as Kafka does. Returns how many.
    pub fn expire(&mut self, now_ms: i64) -> usize {
        let before = self.entries.len();
        let limit = self.expiration_ms;
        self.entries.retain(|_, entry| !idle(entry, now_ms, limit));
        before - self.entries.len()
    }

    /// Forgets everything: the log was truncated, recovery replays what is left.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    fn expired(&self, entry: &ProducerEntry, now_ms: i64) -> bool {
        idle(entry, now_ms, self.expiration_ms)
    }

    /// Drops an eighth of the producers, those whose last batch lies furthest back, once the table
    /// is full; so the search is paid for by many appends.
    fn make_room(&mut self) {
        if self.entries.len() < self.producers_max {
            return;
        }
        let mut offsets: Vec<i64> = self.entries.values().filter_map(last_offset_if_idle).collect();
        if offsets.is_empty() {
            return;
        }
        let index = (offsets.len() / 8).min(offsets.len() - 1);
        let (_, limit, _) = offsets.select_nth_unstable(index);
        let limit = *limit;
        self.entries.retain(|_, entry| last_offset_if_idle(entry).is_none_or(|last| last > limit));
    }
}

/// The offset of the last batch, or nothing while a transaction is open.
fn last_offset_if_idle(entry: &ProducerEntry) -> Option<i64> {
    match entry.open_transaction {
        Some(_) => None,
        None => Some(entry.last_batch().map_or(-1, |batch| batch.last_offset.0)),
    }
}

fn idle(entry: &ProducerEntry, now_ms: i64, limit_ms: i64) -> bool {
    entry.open_transaction.is_none() && now_ms.saturating_sub(entry.last_timestamp_ms) >= limit_ms
}

fn follows(last: i32, next: i32) -> bool {
    last.checked_add(1).unwrap_or(0) == next
}

#[cfg(test)]
mod tests {
    use super::{ProducerBatch, ProducerCheck, ProducerTable};
    use engine_base::{Offset, ProducerEpoch, ProducerId};

    fn batch(id: i64, epoch: i16, base_sequence: i32, count: i32) -> ProducerBatch {
        ProducerBatch {
            producer_id: ProducerId(id),
            epoch: ProducerEpoch(epoch),
            base_sequence,
            last_offset_delta: count - 1,
        }
    }

    /// A table whose producer 1 has written `batches` from offset 100 on.
    fn table(batches: &[(i16, i32, i32)]) -> ProducerTable {
        let mut table = ProducerTable::default();
        let mut offset = 100;
        for (epoch, base_sequence, count) in batches {
            let batch = batch(1, *epoch, *base_sequence, *count);
            table.append(&batch, Offset(offset), 1000 + offset);
            offset += i64::from(*count);
        }
        table
    }

    #[test]
    fn kafkas_rules() {
        use ProducerCheck::{Accept, InvalidProducerEpoch, OutOfOrderSequence};
        let many: Vec<(i16, i32, i32)> = (0..7).map(|index| (3, index * 2, 2)).collect();
        let end = [(0, i32::MAX - 1, 2)];
        let over = [(0, i32::MAX - 1, 4)];
        let duplicate = |base: i64, count: i64| ProducerCheck::Duplicate {
            base_offset: Offset(base),
            last_offset: Offset(base + count - 1),
            timestamp_ms: 1000 + base,
        };
        type Batch = (i16, i32, i32);
        #[rustfmt::skip]
        let cases: &[(&str, &[Batch], Batch, ProducerCheck)] = &[
            ("no entry, first sequence", &[], (0, 0, 1), Accept),
            ("no entry, any sequence", &[], (5, 4711, 1), Accept),
            ("next", &[(0, 0, 5)], (0, 5, 1), Accept),
            ("gap", &[(0, 0, 5)], (0, 6, 1), OutOfOrderSequence),
            ("duplicate", &[(0, 0, 5)], (0, 0, 5), duplicate(100, 5)),
            ("same base, other length", &[(0, 0, 5)], (0, 0, 4), OutOfOrderSequence),
            ("oldest of five is a duplicate", &many, (3, 4, 2), duplicate(104, 2)),
            ("sixth from the end is out of order", &many, (3, 2, 2), OutOfOrderSequence),
            ("newest is a duplicate", &many, (3, 12, 2), duplicate(112, 2)),
            ("new epoch starts at zero", &many, (4, 0, 1), Accept),
            ("new epoch elsewhere", &many, (4, 14, 1), OutOfOrderSequence),
            ("old epoch", &many, (2, 14, 1), InvalidProducerEpoch),
            ("old epoch, sequence zero", &many, (2, 0, 1), InvalidProducerEpoch),
            ("wraps to zero", &end, (0, 0, 1), Accept),
            ("does not wrap to one", &end, (0, 1, 1), OutOfOrderSequence),
            ("wrapped inside a batch", &over, (0, 2, 1), Accept),
            ("duplicate of a wrapped batch", &over, (0, i32::MAX - 1, 4), duplicate(100, 4)),
        ];
        for (name, history, (epoch, base, count), expected) in cases {
            assert_eq!(table(history).check(&batch(1, *epoch, *base, *count)), *expected, "{name}");
        }
    }

    #[test]
    fn idle_producers_expire() {
        let mut table = ProducerTable::new(1000, 10);
        table.append(&batch(1, 0, 0, 1), Offset(0), 5000);
        table.append(&batch(2, 0, 0, 1), Offset(1), 5500);
        assert_eq!(table.expire(5999), 0);
        assert_eq!(table.expire(6000), 1);
        assert!(table.get(ProducerId(1)).is_none());
        assert!(table.get(ProducerId(2)).is_some());
        let entry = table.get(ProducerId(2)).cloned().expect("just seen");
        table.clear();
        table.restore(entry.clone(), 6500);
        assert!(table.is_empty());
        table.restore(entry, 6499);
        assert_eq!(table.len(), 1);
    }

    #[test]
    fn a_full_table_forgets_the_longest_silent() {
        let mut table = ProducerTable::new(i64::MAX, 16);
        for id in 0..1000 {
            table.append(&batch(id, 0, 0, 1), Offset(id), 0);
            // Producer 3 keeps writing and must survive.
            if id >= 3 {
                let sequence = i32::try_from(id - 2).expect("small");
                table.append(&batch(3, 0, sequence, 1), Offset(id), 0);
            }
            assert!(table.len() <= 16);
        }
        assert!(table.get(ProducerId(3)).is_some());
        assert!(table.get(ProducerId(999)).is_some());
        assert!(table.get(ProducerId(4)).is_none());
    }
}
