//! Blocks of producer ids (`ProducerIdControlManager`): a broker gets a thousand at a time, and an
//! id is never given twice, for the block is in the log before its first id is used.

use super::error::{Refusal, RefusalKind};
use super::image::Image;
use super::record::Record;

pub const PRODUCER_ID_BLOCK_LEN: i64 = 1000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProducerIdBlock {
    pub first: i64,
    pub len: i64,
}

/// The next block for a broker of this epoch, and the record that must be durable first.
pub fn allocate_producer_ids(
    image: &Image,
    broker_id: i32,
    broker_epoch: i64,
) -> Result<(Record, ProducerIdBlock), Refusal> {
    if image.broker(broker_id).is_none_or(|broker| broker.epoch != broker_epoch) {
        return Err(Refusal::plain(RefusalKind::StaleBrokerEpoch));
    }
    let first = image.producer_ids().next;
    let Some(next) = first.checked_add(PRODUCER_ID_BLOCK_LEN) else {
        let why = "Exhausted all producerIds as the next block's end producerId has exceeded the \
                   int64 type limit";
        return Err(Refusal::new(RefusalKind::ProducerIdsExhausted, why));
    };
    let block = ProducerIdBlock { first, len: PRODUCER_ID_BLOCK_LEN };
    Ok((Record::ProducerIds { broker_id, broker_epoch, next }, block))
}
