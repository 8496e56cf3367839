//! Where partitions start and end, as the broker says.

use crate::Failure;
use crate::client::Client;
use engine_base::message::Message as _;
use net_wire::ErrorCode;
use net_wire::generated::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic,
};

const LIST_OFFSETS_VERSION: i16 = 5;

/// The times that stand for the ends of a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    Earliest,
    Latest,
}

impl End {
    fn timestamp(self) -> i64 {
        match self {
            End::Earliest => -2,
            End::Latest => -1,
        }
    }
}

/// The offset of each partition, in the order asked for.
pub fn list(
    client: &mut Client,
    topic: &str,
    partitions: &[i32],
    end: End,
) -> Result<Vec<i64>, Failure> {
    let wanted = partitions.iter().map(|partition| ListOffsetsPartition {
        partition_index: *partition,
        current_leader_epoch: -1,
        timestamp: end.timestamp(),
    });
    let wanted = ListOffsetsTopic { name: topic, partitions: wanted.collect::<Vec<_>>().into() };
    let request =
        ListOffsetsRequest { replica_id: -1, topics: vec![wanted].into(), ..Default::default() };
    let answer = client.call(LIST_OFFSETS_VERSION, &request)?;
    let response = ListOffsetsResponse::decode(answer.body(), LIST_OFFSETS_VERSION)?;
    let mut found = std::collections::HashMap::new();
    for topic in response.topics.iter() {
        for partition in topic.partitions.iter() {
            let (index, code) = (partition.partition_index, partition.error_code);
            if code != 0 {
                let name = ErrorCode::from_code(code);
                return Err(format!("list offsets of partition {index}: {code} {name:?}").into());
            }
            found.insert(index, partition.offset);
        }
    }
    let offset = |partition: &i32| {
        let missing = || format!("list offsets says nothing of partition {partition}").into();
        found.get(partition).copied().ok_or_else(missing)
    };
    partitions.iter().map(offset).collect()
}

/// Of one partition.
pub fn of(client: &mut Client, topic: &str, partition: i32, end: End) -> Result<i64, Failure> {
    let found = list(client, topic, &[partition], end)?;
    found.first().copied().ok_or_else(|| "list offsets said nothing".into())
}
