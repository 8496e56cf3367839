//! Committed offsets of all groups of one `__consumer_offsets` partition, in memory. Lives with the
//! groups' `Coordinator`, which alone changes it. What always holds: an entry is as durable as the
//! record it came from, and a newer record is never undone by an older one whose append ended
//! later. Source: Kafka's `OffsetMetadataManager.Offsets` and `OffsetAndMetadata`.

use engine_base::Uuid;
use std::collections::BTreeMap;
use std::rc::Rc;

/// One committed offset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommittedOffset {
    pub offset: i64,
    /// -1 if the client gave none.
    pub leader_epoch: i32,
    pub metadata: Box<str>,
    pub commit_timestamp_ms: i64,
    /// Only from clients that name a retention (OffsetCommit 2 to 4).
    pub expire_timestamp_ms: Option<i64>,
    /// Zero if the client committed by name.
    pub topic_id: Uuid,
    /// Order of the record in the log: rises with every record, see [`OffsetStore::put`].
    pub order: u64,
}

/// The partitions of one topic.
pub type PartitionOffsets = BTreeMap<i32, CommittedOffset>;
/// The topics of one group.
pub type TopicOffsets = BTreeMap<Rc<str>, PartitionOffsets>;

/// Group, topic, partition.
#[derive(Debug, Default)]
pub struct OffsetStore {
    groups: BTreeMap<Rc<str>, TopicOffsets>,
}

impl OffsetStore {
    pub fn group(&self, group: &str) -> Option<&TopicOffsets> {
        self.groups.get(group)
    }

    pub fn get(&self, group: &str, topic: &str, partition: i32) -> Option<&CommittedOffset> {
        self.groups.get(group)?.get(topic)?.get(&partition)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Rc<str>, &TopicOffsets)> {
        self.groups.iter()
    }

    /// Stores `entry` unless a later record is already applied.
    pub fn put(
        &mut self,
        group: &Rc<str>,
        topic: &Rc<str>,
        partition: i32,
        entry: CommittedOffset,
    ) {
        let topics = match self.groups.get_mut(group) {
            Some(topics) => topics,
            None => self.groups.entry(Rc::clone(group)).or_default(),
        };
        let partitions = match topics.get_mut(topic) {
            Some(partitions) => partitions,
            None => topics.entry(Rc::clone(topic)).or_default(),
        };
        let newest = partitions.get(&partition).is_none_or(|known| known.order <= entry.order);
        if newest {
            partitions.insert(partition, entry);
        }
    }

    /// Applies a tombstone of order `order`: an entry of a later record stays.
    pub fn remove(&mut self, group: &str, topic: &str, partition: i32, order: u64) {
        let Some(topics) = self.groups.get_mut(group) else { return };
        let Some(partitions) = topics.get_mut(topic) else { return };
        if partitions.get(&partition).is_some_and(|known| known.order <= order) {
            partitions.remove(&partition);
        }
        if partitions.is_empty() {
            topics.remove(topic);
        }
        if topics.is_empty() {
            self.groups.remove(group);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CommittedOffset, OffsetStore};
    use engine_base::Uuid;
    use std::rc::Rc;

    fn entry(offset: i64, order: u64) -> CommittedOffset {
        CommittedOffset {
            offset,
            leader_epoch: -1,
            metadata: "".into(),
            commit_timestamp_ms: 0,
            expire_timestamp_ms: None,
            topic_id: Uuid::ZERO,
            order,
        }
    }

    #[test]
    fn the_order_of_the_log_wins_over_the_order_of_completion() {
        let (group, topic): (Rc<str>, Rc<str>) = ("g".into(), "t".into());
        let mut store = OffsetStore::default();
        store.put(&group, &topic, 0, entry(20, 2));
        store.put(&group, &topic, 0, entry(10, 1));
        assert_eq!(store.get("g", "t", 0).map(|entry| entry.offset), Some(20));
        store.remove("g", "t", 0, 1);
        assert!(store.get("g", "t", 0).is_some(), "an older tombstone");
        store.put(&group, &topic, 0, entry(5, 3));
        assert_eq!(store.get("g", "t", 0).map(|entry| entry.offset), Some(5), "a wanted rewind");
        store.remove("g", "t", 0, 4);
        assert!(store.group("g").is_none(), "empty groups take no memory");
    }
}
