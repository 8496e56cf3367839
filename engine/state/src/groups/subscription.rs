//! The one place that looks into a member's opaque metadata: which topics a consumer group
//! subscribes to, so that offsets in use are neither deleted nor expired. Reads the version 0
//! prefix that all versions of the consumer protocol share. Source: Kafka's
//! `ClassicGroup.computeSubscribedTopics`, `ConsumerProtocolSubscription`.

use super::group::Group;
use engine_base::codec::{DecodeError, Reader};
use std::collections::BTreeSet;

/// The protocol type of Kafka's consumers.
const CONSUMER: &str = "consumer";

impl Group {
    pub(super) fn is_consumer(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER)
    }

    /// The topics of all members, unless the group is not one of consumers or speaks what we do
    /// not understand.
    pub(super) fn subscriptions(&self) -> Option<BTreeSet<&str>> {
        if !self.is_consumer() {
            return None;
        }
        let mut topics = BTreeSet::new();
        for member in self.members().values() {
            let metadata = member.metadata(self.protocol.as_deref()?)?;
            subscription(metadata, &mut topics).ok()?;
        }
        Some(topics)
    }

    /// True too if the group is of consumers whose topics we do not know.
    pub(super) fn subscribes_to(&self, topic: &str) -> bool {
        match self.subscriptions() {
            Some(topics) => topics.contains(topic),
            None => self.is_consumer(),
        }
    }
}

fn subscription<'a>(bytes: &'a [u8], topics: &mut BTreeSet<&'a str>) -> Result<(), DecodeError> {
    let mut reader = Reader::new(bytes);
    if reader.i16()? < 0 {
        return Err(DecodeError::Value);
    }
    let count = reader.nullable_count()?.ok_or(DecodeError::Length)?;
    for _ in 0..count {
        topics.insert(reader.string()?);
    }
    reader.nullable_bytes()?;
    Ok(())
}
