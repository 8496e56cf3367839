//! Where partitions start and end, as the broker says.

use crate::Failure;
use crate::client::Client;
use crate::error;
use crate::leaders::Leaders;
use engine_base::message::Message as _;
use net_wire::generated::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic,
};

pub const LIST_OFFSETS_VERSION: i16 = 5;

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
            let index = partition.partition_index;
            error::check(partition.error_code, || format!("list offsets of partition {index}"))?;
            found.insert(index, partition.offset);
        }
    }
    let offset = |partition: &i32| {
        let missing = || format!("list offsets says nothing of partition {partition}").into();
        found.get(partition).copied().ok_or_else(missing)
    };
    partitions.iter().map(offset).collect()
}

/// Of partitions 0 to `partitions`, asked of their leaders.
pub fn of_all(
    leaders: &Leaders,
    topic: &str,
    partitions: u16,
    end: End,
) -> Result<Vec<i64>, Failure> {
    let mut found = vec![0; usize::from(partitions)];
    for broker in 0..leaders.brokers() {
        let led: Vec<i32> = (0..partitions)
            .filter(|partition| leaders.of(usize::from(*partition)) == broker)
            .map(i32::from)
            .collect();
        let mut client = Client::connect(leaders.address(broker))?;
        for (partition, offset) in led.iter().zip(list(&mut client, topic, &led, end)?) {
            found[usize::try_from(*partition)?] = offset;
        }
    }
    Ok(found)
}

/// Of one partition.
pub fn of(client: &mut Client, topic: &str, partition: i32, end: End) -> Result<i64, Failure> {
    let found = list(client, topic, &[partition], end)?;
    found.first().copied().ok_or_else(|| "list offsets said nothing".into())
}
