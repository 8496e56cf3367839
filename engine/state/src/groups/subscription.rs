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

    /// Which topics the group subscribes to. Walks all members: ask once, not for each topic.
    pub(super) fn subscriptions(&self) -> Subscriptions<'_> {
        if !self.is_consumer() {
            return Subscriptions::None;
        }
        self.subscribed_topics().map_or(Subscriptions::Unknown, Subscriptions::Topics)
    }

    fn subscribed_topics(&self) -> Option<BTreeSet<&str>> {
        let mut topics = BTreeSet::new();
        for member in self.members().values() {
            let metadata = member.metadata(self.protocol.as_deref()?)?;
            subscription(metadata, &mut topics).ok()?;
        }
        Some(topics)
    }
}

/// What a group subscribes to.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Subscriptions<'a> {
    /// It is not a group of consumers.
    None,
    /// It is one, and speaks what we do not understand.
    Unknown,
    Topics(BTreeSet<&'a str>),
}

impl Subscriptions<'_> {
    /// To be safe, what is not understood may name any topic.
    pub fn contains(&self, topic: &str) -> bool {
        match self {
            Subscriptions::None => false,
            Subscriptions::Unknown => true,
            Subscriptions::Topics(topics) => topics.contains(topic),
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

#[cfg(test)]
mod tests {
    use super::subscription;
    use std::collections::BTreeSet;

    #[test]
    fn only_the_common_prefix_of_all_versions_is_read() {
        let read = |bytes: &[u8]| {
            let mut topics = BTreeSet::new();
            subscription(bytes, &mut topics).ok().map(|()| topics.len())
        };
        let two = [0, 0, 0, 0, 0, 2, 0, 1, b'a', 0, 1, b'b', 0xFF, 0xFF, 0xFF, 0xFF];
        assert_eq!(read(&two), Some(2));
        let mut newer = two.to_vec();
        newer[1] = 3;
        newer.extend([1, 2, 3]);
        assert_eq!(read(&newer), Some(2), "fields of later versions follow");
        for len in 0..two.len() {
            assert_eq!(read(&two[..len]), None, "cut to {len}");
        }
        assert_eq!(read(&[0xFF, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]), None);
        assert_eq!(read(&[0, 0, 0x7F, 0xFF, 0xFF, 0xFF]), None, "a count beyond the bytes");
    }
}
