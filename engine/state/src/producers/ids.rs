//! Producer ids. A block of 1000 is reserved durably in the metadata log (`ProducerIdsRecord` holds
//! the first id after it) before any of it is given out, so no id is ever given twice, whatever
//! crashes. `IdBlocks` is the log's side, on shard 0; `ProducerIds` is the side that answers
//! InitProducerId, one per shard. Source: Kafka's `ProducerIdControlManager`, `ProducerIdsBlock`,
//! `RPCProducerIdManager`.

use engine_base::ProducerId;
use std::ops::Range;

/// Ids per block, as in Kafka.
pub const BLOCK_IDS: i64 = 1000;
/// The next block is asked for when this share of the current one, in percent, is used.
const PREFETCH_PERCENT: i64 = 90;

/// A durably reserved range of ids.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IdBlock {
    pub first: i64,
    pub count: i64,
}

impl IdBlock {
    /// First id after the block: `nextProducerId` of the record that reserves it.
    pub fn next_producer_id(&self) -> i64 {
        self.first.checked_add(self.count).expect("blocks end below 2^63")
    }
}

/// Which ids the metadata log has reserved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IdBlocks {
    next_producer_id: i64,
}

impl IdBlocks {
    /// The block to reserve next, or nothing when the 63 bits are used up. The caller writes the
    /// record, calls `replay` and hands the block out once the record is durable.
    pub fn next_block(&self) -> Option<IdBlock> {
        let block = IdBlock { first: self.next_producer_id, count: BLOCK_IDS };
        block.first.checked_add(block.count).map(|_| block)
    }

    /// Applies a `ProducerIdsRecord`. False, and no change, if it does not move forward.
    pub fn replay(&mut self, next_producer_id: i64) -> bool {
        let forward = next_producer_id > self.next_producer_id;
        if forward {
            self.next_producer_id = next_producer_id;
        }
        forward
    }
}

/// Gives out ids of granted blocks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProducerIds {
    current: Range<i64>,
    prefetch_at: i64,
    next: Option<IdBlock>,
    asked: bool,
}

impl ProducerIds {
    /// The next id, or nothing until a block is granted; then the request waits, or is answered
    /// with Kafka's retriable COORDINATOR_LOAD_IN_PROGRESS.
    pub fn claim(&mut self) -> Option<ProducerId> {
        if self.current.is_empty()
            && let Some(block) = self.next.take()
        {
            self.current = block.first..block.next_producer_id();
            self.prefetch_at = block.first + block.count * PREFETCH_PERCENT / 100;
        }
        self.current.next().map(ProducerId)
    }

    /// True when a block should be asked for; stays false until that request ends in `granted` or
    /// `refused`. To be called after each `claim`.
    pub fn ask(&mut self) -> bool {
        let low = self.current.is_empty() || self.current.start > self.prefetch_at;
        let ask = low && self.next.is_none() && !self.asked;
        self.asked |= ask;
        ask
    }

    /// A block is durably ours. False if it is not beyond all earlier ones: it is not used.
    pub fn granted(&mut self, block: IdBlock) -> bool {
        self.asked = false;
        let valid = block.first >= self.current.end
            && block.count > 0
            && block.first.checked_add(block.count).is_some();
        if valid && self.next.is_none() {
            self.next = Some(block);
        }
        valid
    }

    /// The request for a block failed; the next `ask` may send another.
    pub fn refused(&mut self) {
        self.asked = false;
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK_IDS, IdBlock, IdBlocks, ProducerIds};

    #[test]
    fn ids_are_never_given_twice() {
        let mut log = IdBlocks::default();
        let mut shards = [ProducerIds::default(), ProducerIds::default()];
        let mut seen = std::collections::BTreeSet::new();
        for round in 0..5000 {
            let ids = &mut shards[round % 2];
            match ids.claim() {
                Some(id) => assert!(seen.insert(id), "{id} twice"),
                None => assert!(round < 2, "a block is asked for before the last one ends"),
            }
            if ids.ask() {
                assert!(!ids.ask(), "one request at a time");
                let block = log.next_block().expect("ids are left");
                assert!(log.replay(block.next_producer_id()));
                assert!(ids.granted(block));
            }
        }
        assert_eq!(seen.len(), 4998);
    }

    #[test]
    fn a_refused_request_is_asked_again() {
        let mut ids = ProducerIds::default();
        assert_eq!(ids.claim(), None);
        assert!(ids.ask());
        ids.refused();
        assert!(ids.ask());
        assert!(ids.granted(IdBlock { first: 7000, count: 2 }));
        assert_eq!(ids.claim().map(|id| id.0), Some(7000));
        assert!(!ids.granted(IdBlock { first: 7001, count: 5 }), "overlaps");
        assert_eq!(ids.claim().map(|id| id.0), Some(7001));
        assert_eq!(ids.claim(), None);
    }

    #[test]
    fn the_log_only_moves_forward_and_ends() {
        let mut log = IdBlocks::default();
        assert!(log.replay(5000));
        assert!(!log.replay(5000));
        assert!(!log.replay(4000));
        assert_eq!(log.next_block(), Some(IdBlock { first: 5000, count: BLOCK_IDS }));
        assert!(log.replay(i64::MAX - 10));
        assert_eq!(log.next_block(), None);
    }
}
