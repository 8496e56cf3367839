//! DeleteTopics as a pure function (`ControllerApis.deleteTopics`).

use super::error::{Refusal, RefusalKind};
use super::image::{Image, TopicImage};
use super::record::Record;
use super::rules::Rules;
use engine_base::Uuid;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A topic to delete, named one way or the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TopicRef<'a> {
    Name(&'a str),
    Id(Uuid),
}

/// A topic that will be gone once the record is applied.
#[derive(Clone, PartialEq, Debug)]
pub struct DeletedTopic {
    /// As it is now: whose partitions must go.
    pub topic: Arc<TopicImage>,
    pub record: Record,
}

/// The outcome for each topic in the order asked for.
pub fn delete_topics(
    image: &Image,
    topics: &[TopicRef<'_>],
    rules: &Rules<'_>,
) -> Vec<Result<DeletedTopic, Refusal>> {
    let mut seen = BTreeSet::new();
    let mut repeated = BTreeSet::new();
    for topic in topics {
        if !seen.insert(*topic) {
            repeated.insert(*topic);
        }
    }
    // Named by id and by name is twice as well.
    let mut deleted = BTreeSet::new();
    let mut delete = |asked: &TopicRef<'_>| {
        if !rules.topics_can_be_deleted {
            return Err(Refusal::plain(RefusalKind::TopicDeletionDisabled));
        }
        let (missing, what) = match asked {
            TopicRef::Name(_) => (RefusalKind::UnknownTopicOrPartition, "name"),
            TopicRef::Id(_) => (RefusalKind::UnknownTopicId, "id"),
        };
        let twice =
            || Refusal::new(RefusalKind::InvalidRequest, format!("Duplicate topic {what}."));
        if repeated.contains(asked) {
            return Err(twice());
        }
        let topic = match asked {
            TopicRef::Name(name) => image.topic(name),
            TopicRef::Id(id) => image.topic_by_id(id),
        };
        let topic = topic.ok_or_else(|| Refusal::plain(missing))?;
        if !deleted.insert(topic.id) {
            return Err(twice());
        }
        let record = Record::RemoveTopic { id: topic.id };
        Ok(DeletedTopic { topic: Arc::clone(topic), record })
    };
    topics.iter().map(&mut delete).collect()
}
