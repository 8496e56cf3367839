//! What members of a consumer group tell each other through the coordinator: subscriptions and
//! assignments in Kafka's `ConsumerProtocol`, and the range assignor. Pure.
//! Source: Kafka's `ConsumerProtocol`, `RangeAssignor`.

use engine_base::codec::{Reader, Result, Write};
use std::collections::BTreeMap;

pub const PROTOCOL_TYPE: &str = "consumer";
pub const RANGE: &str = "range";

/// Partitions by topic.
pub type Partitions = BTreeMap<String, Vec<i32>>;

/// A subscription, version 0.
pub fn encode_subscription(topics: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    out.put_i16(0);
    out.put_nullable_count(Some(topics.len()));
    topics.iter().for_each(|topic| out.put_string(topic));
    out.put_nullable_bytes(None);
    out
}

/// The topics of a subscription of any version: later ones only add fields.
pub fn decode_subscription(bytes: &[u8]) -> Result<Vec<String>> {
    let mut reader = Reader::new(bytes);
    reader.i16()?;
    let mut topics = Vec::new();
    for _ in 0..reader.nullable_count()?.unwrap_or(0) {
        topics.push(reader.string()?.to_owned());
    }
    Ok(topics)
}

/// An assignment, version 0.
pub fn encode_assignment(partitions: &Partitions) -> Vec<u8> {
    let mut out = Vec::new();
    out.put_i16(0);
    out.put_nullable_count(Some(partitions.len()));
    for (topic, indexes) in partitions {
        out.put_string(topic);
        out.put_nullable_count(Some(indexes.len()));
        indexes.iter().for_each(|index| out.put_i32(*index));
    }
    out.put_nullable_bytes(None);
    out
}

/// The partitions of an assignment of any version. Empty bytes are an empty assignment.
pub fn decode_assignment(bytes: &[u8]) -> Result<Partitions> {
    let mut partitions = Partitions::new();
    if bytes.is_empty() {
        return Ok(partitions);
    }
    let mut reader = Reader::new(bytes);
    reader.i16()?;
    for _ in 0..reader.nullable_count()?.unwrap_or(0) {
        let topic = reader.string()?.to_owned();
        let mut indexes = Vec::new();
        for _ in 0..reader.nullable_count()?.unwrap_or(0) {
            indexes.push(reader.i32()?);
        }
        partitions.insert(topic, indexes);
    }
    Ok(partitions)
}

/// A member of the group as its leader sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    pub id: String,
    pub instance_id: Option<String>,
    pub topics: Vec<String>,
}

/// Each topic's partitions in runs, one for each member that wants the topic, in order of their
/// ids; the first members get one more where it does not divide. Static members come first.
pub fn assign_range(
    members: &[Member],
    partition_counts: &BTreeMap<String, i32>,
) -> BTreeMap<String, Partitions> {
    let mut ordered: Vec<&Member> = members.iter().collect();
    ordered.sort_by(|a, b| match (&a.instance_id, &b.instance_id) {
        (Some(a), Some(b)) => a.cmp(b),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => a.id.cmp(&b.id),
    });
    let mut assigned: BTreeMap<String, Partitions> =
        members.iter().map(|member| (member.id.clone(), Partitions::new())).collect();
    for (topic, count) in partition_counts {
        let wanting: Vec<&&Member> =
            ordered.iter().filter(|member| member.topics.contains(topic)).collect();
        let Ok(member_count) = i32::try_from(wanting.len()) else { continue };
        if member_count == 0 {
            continue;
        }
        let (each, extra) = (count / member_count, count % member_count);
        let mut start = 0;
        for (place, member) in (0i32..).zip(wanting) {
            let end = start + each + i32::from(place < extra);
            if end > start {
                let partitions = assigned.entry(member.id.clone()).or_default();
                partitions.insert(topic.clone(), (start..end).collect());
            }
            start = end;
        }
    }
    assigned
}

#[cfg(test)]
mod tests {
    use super::{
        Member, Partitions, assign_range, decode_assignment, decode_subscription,
        encode_assignment, encode_subscription,
    };
    use std::collections::BTreeMap;

    #[test]
    fn messages_round_trip() {
        let bytes = encode_subscription(&["a", "b"]);
        assert_eq!(bytes, b"\0\0\0\0\0\x02\0\x01a\0\x01b\xFF\xFF\xFF\xFF");
        assert_eq!(decode_subscription(&bytes), Ok(vec!["a".to_owned(), "b".to_owned()]));
        let partitions = Partitions::from([("t".to_owned(), vec![0, 2])]);
        let bytes = encode_assignment(&partitions);
        assert_eq!(decode_assignment(&bytes), Ok(partitions));
        assert_eq!(decode_assignment(&[]), Ok(Partitions::new()));
        for cut in 1..bytes.len() - 4 {
            assert!(decode_assignment(&bytes[..cut]).is_err(), "{cut}");
        }
    }

    type Given<'a> = [(&'a str, &'a [(&'a str, &'a [i32])])];

    fn check(members: &[(&str, Option<&str>, &[&str])], expected: &Given<'_>) {
        let members: Vec<Member> = members
            .iter()
            .map(|(id, instance_id, topics)| Member {
                id: (*id).to_owned(),
                instance_id: instance_id.map(str::to_owned),
                topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            })
            .collect();
        let counts = BTreeMap::from([("t".to_owned(), 3), ("u".to_owned(), 2)]);
        let expected: BTreeMap<String, Partitions> = expected
            .iter()
            .map(|(id, topics)| {
                let of = topics.iter().map(|(topic, list)| ((*topic).to_owned(), list.to_vec()));
                ((*id).to_owned(), of.collect())
            })
            .collect();
        assert_eq!(assign_range(&members, &counts), expected);
    }

    #[test]
    fn ranges_are_kafkas() {
        check(&[("a", None, &["t"])], &[("a", &[("t", &[0, 1, 2])])]);
        check(
            &[("b", None, &["t", "u"]), ("a", None, &["t", "u"])],
            &[("a", &[("t", &[0, 1]), ("u", &[0])]), ("b", &[("t", &[2]), ("u", &[1])])],
        );
        // Static members go first, whatever their member ids are.
        check(
            &[("a", None, &["t"]), ("z", Some("1"), &["t"])],
            &[("a", &[("t", &[2])]), ("z", &[("t", &[0, 1])])],
        );
        check(
            &[("a", None, &["u"]), ("b", None, &["u"]), ("c", None, &["u"])],
            &[("a", &[("u", &[0])]), ("b", &[("u", &[1])]), ("c", &[])],
        );
    }
}
