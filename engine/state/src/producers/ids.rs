//! Producer ids, as one shard gives them out to answer InitProducerId. A block is reserved durably in
//! the metadata log (`metadata::producer_ids`) before any of it is given out, so no id is ever given
//! twice, whatever crashes. Source: Kafka's `RPCProducerIdManager`.

use crate::metadata::producer_ids::ProducerIdBlock;
use engine_base::ProducerId;
use std::ops::Range;

/// The next block is asked for when this share of the current one, in percent, is used.
const PREFETCH_PERCENT: i64 = 90;

/// Gives out ids of granted blocks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProducerIds {
    current: Range<i64>,
    prefetch_at: i64,
    next: Option<ProducerIdBlock>,
    asked: bool,
}

impl ProducerIds {
    /// The next id, or nothing until a block is granted; then the request waits, or is answered
    /// with Kafka's retriable COORDINATOR_LOAD_IN_PROGRESS.
    pub fn claim(&mut self) -> Option<ProducerId> {
        if self.current.is_empty()
            && let Some(block) = self.next.take()
        {
            self.current = block.first..block.first + block.len;
            self.prefetch_at = block.first + block.len * PREFETCH_PERCENT / 100;
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
    pub fn granted(&mut self, block: ProducerIdBlock) -> bool {
        self.asked = false;
        let valid = block.first >= self.current.end
            && block.len > 0
            && block.first.checked_add(block.len).is_some();
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
    use super::ProducerIds;
    use crate::metadata::producer_ids::{PRODUCER_ID_BLOCK_LEN, ProducerIdBlock};

    #[test]
    fn ids_are_never_given_twice() {
        let mut next = 0;
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
                let block = ProducerIdBlock { first: next, len: PRODUCER_ID_BLOCK_LEN };
                next += block.len;
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
        assert!(ids.granted(ProducerIdBlock { first: 7000, len: 2 }));
        assert_eq!(ids.claim().map(|id| id.0), Some(7000));
        assert!(!ids.granted(ProducerIdBlock { first: 7001, len: 5 }), "overlaps");
        assert_eq!(ids.claim().map(|id| id.0), Some(7001));
        assert_eq!(ids.claim(), None);
    }
}
