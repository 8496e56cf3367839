//! What a partition remembers of one producer: its epoch and its newest five batches, so that a
//! batch sent again is answered with the offsets it already has. Fixed size, no allocation.
//! Source: Kafka's `ProducerStateEntry` and `BatchMetadata`.

use engine_base::{Offset, ProducerEpoch, ProducerId};

/// Batches remembered per producer; a client has at most this many requests in flight.
pub const BATCHES_KEPT: usize = 5;

/// "No epoch seen yet": any first sequence is accepted.
pub const NO_EPOCH: ProducerEpoch = ProducerEpoch(-1);
/// The sequence before the first.
pub const NO_SEQUENCE: i32 = -1;
/// "No timestamp", as in Kafka's record format.
pub const NO_TIMESTAMP: i64 = -1;

/// One appended batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeptBatch {
    pub last_sequence: i32,
    pub last_offset: Offset,
    /// Last offset minus base offset.
    pub offset_delta: i32,
    /// Largest timestamp of the batch, milliseconds.
    pub timestamp_ms: i64,
}

impl KeptBatch {
    const EMPTY: KeptBatch = KeptBatch {
        last_sequence: NO_SEQUENCE,
        last_offset: Offset(-1),
        offset_delta: 0,
        timestamp_ms: NO_TIMESTAMP,
    };

    pub fn base_offset(&self) -> Offset {
        Offset(self.last_offset.0 - i64::from(self.offset_delta))
    }

    pub fn base_sequence(&self) -> i32 {
        sequence_minus(self.last_sequence, self.offset_delta)
    }
}

/// The state of one producer in one partition. Owned by its `ProducerTable`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProducerEntry {
    pub producer_id: ProducerId,
    pub epoch: ProducerEpoch,
    /// Epoch of the transaction coordinator that wrote the last marker, -1 if none.
    pub coordinator_epoch: i32,
    /// Timestamp of the newest batch or marker, milliseconds; the base of expiry.
    pub last_timestamp_ms: i64,
    /// First offset of the open transaction.
    pub open_transaction: Option<Offset>,
    /// The newest batches, oldest first, in `batches[..count]`.
    batches: [KeptBatch; BATCHES_KEPT],
    count: usize,
}

impl ProducerEntry {
    pub fn new(producer_id: ProducerId) -> Self {
        ProducerEntry {
            producer_id,
            epoch: NO_EPOCH,
            coordinator_epoch: -1,
            last_timestamp_ms: NO_TIMESTAMP,
            open_transaction: None,
            batches: [KeptBatch::EMPTY; BATCHES_KEPT],
            count: 0,
        }
    }

    /// Kept batches, oldest first.
    pub fn batches(&self) -> &[KeptBatch] {
        &self.batches[..self.count]
    }

    pub fn last_batch(&self) -> Option<&KeptBatch> {
        self.batches().last()
    }

    /// Last sequence appended in the current epoch, -1 if none is known.
    pub fn last_sequence(&self) -> i32 {
        self.last_batch().map_or(NO_SEQUENCE, |batch| batch.last_sequence)
    }

    /// The kept batch with exactly this range of sequences in the current epoch.
    pub fn find(&self, epoch: ProducerEpoch, base: i32, last: i32) -> Option<&KeptBatch> {
        if epoch != self.epoch {
            return None;
        }
        self.batches()
            .iter()
            .find(|batch| batch.base_sequence() == base && batch.last_sequence == last)
    }

    /// Becomes `later`, a newer state of the same producer, and keeps what it knew before.
    pub(super) fn follow(&mut self, later: ProducerEntry) {
        assert_eq!(self.producer_id, later.producer_id);
        let mut merged = self.clone();
        later.batches().iter().for_each(|batch| merged.push(later.epoch, *batch));
        *self = ProducerEntry { batches: merged.batches, count: merged.count, ..later };
    }

    /// Remembers an appended batch; the oldest gives way, a new epoch forgets all earlier ones.
    pub fn push(&mut self, epoch: ProducerEpoch, batch: KeptBatch) {
        assert!(batch.offset_delta >= 0, "a batch holds at least one offset");
        if epoch != self.epoch {
            self.batches = [KeptBatch::EMPTY; BATCHES_KEPT];
            self.count = 0;
            self.epoch = epoch;
        }
        if self.count == BATCHES_KEPT {
            self.batches.copy_within(1.., 0);
            self.count -= 1;
        }
        self.batches[self.count] = batch;
        self.count += 1;
        self.last_timestamp_ms = batch.timestamp_ms;
    }
}

/// The sequence `delta` after `sequence`; sequences wrap from `i32::MAX` to 0.
pub fn sequence_plus(sequence: i32, delta: i32) -> i32 {
    assert!(delta >= 0);
    match sequence.checked_add(delta) {
        Some(sum) => sum,
        None => delta - (i32::MAX - sequence) - 1,
    }
}

/// The sequence `delta` before `sequence`, the inverse of [`sequence_plus`].
pub fn sequence_minus(sequence: i32, delta: i32) -> i32 {
    assert!(delta >= 0);
    if sequence < delta { i32::MAX - (delta - sequence - 1) } else { sequence - delta }
}

#[cfg(test)]
mod tests {
    use super::{KeptBatch, ProducerEntry, sequence_minus, sequence_plus};
    use engine_base::{Offset, ProducerEpoch, ProducerId};

    #[test]
    fn sequences_wrap_both_ways() {
        for (base, delta, last) in [
            (0, 0, 0),
            (0, 9, 9),
            (i32::MAX, 0, i32::MAX),
            (i32::MAX, 1, 0),
            (i32::MAX - 1, 3, 1),
            (i32::MAX - 4, 4, i32::MAX),
        ] {
            assert_eq!(sequence_plus(base, delta), last, "{base} + {delta}");
            assert_eq!(sequence_minus(last, delta), base, "{last} - {delta}");
        }
    }

    #[test]
    fn five_batches_are_kept_and_an_epoch_forgets_them() {
        let mut entry = ProducerEntry::new(ProducerId(7));
        for index in 0..8 {
            let batch = KeptBatch {
                last_sequence: index,
                last_offset: Offset(i64::from(index) * 10),
                offset_delta: 0,
                timestamp_ms: i64::from(index),
            };
            entry.push(ProducerEpoch(0), batch);
        }
        let kept: Vec<i32> = entry.batches().iter().map(|batch| batch.last_sequence).collect();
        assert_eq!(kept, [3, 4, 5, 6, 7]);
        assert!(entry.find(ProducerEpoch(0), 3, 3).is_some());
        assert!(entry.find(ProducerEpoch(0), 2, 2).is_none());
        assert!(entry.find(ProducerEpoch(1), 3, 3).is_none());
        let first = KeptBatch {
            last_sequence: 0,
            last_offset: Offset(99),
            offset_delta: 0,
            timestamp_ms: 50,
        };
        entry.push(ProducerEpoch(1), first);
        assert_eq!(entry.batches(), [first]);
        assert_eq!(entry.last_timestamp_ms, 50);
    }
}
