//! A disk without room: what clients are told, what goes on meanwhile, and that all of it passes.

use crate::harness::{
    Broker, Client, MS, batch, fetch, machine, one_offset, parts, produce, serve,
};
use engine_base::Uuid;
use engine_io::Env;
use net_wire::ErrorCode;
use net_wire::generated::fetch::FetchRequest;
use net_wire::generated::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use net_wire::generated::metadata::{MetadataRequest, MetadataRequestTopic};
use std::time::Duration;

const ROOM: u64 = 1 << 40;
/// An answer that takes longer hangs.
const SOON: Duration = Duration::from_secs(2);

/// Leaves so many bytes free on the disk.
fn leave_room(broker: &Broker, bytes: u64) {
    let free = broker.env.free_bytes(std::path::Path::new("/data")).unwrap();
    broker.control().set_capacity(ROOM - free + bytes);
}

async fn try_put(client: &Client, topic: Uuid, value: &[u8]) -> Result<i64, i16> {
    let batch = batch(1, &[value]);
    client.send(13, &produce(topic, &[(0, &batch)], -1)).await;
    one_offset(&client.receive_within(SOON).await.expect("in time").expect("an answer"))
}

/// Appends until the broker says that there is no room; how many were taken.
async fn fill(client: &Client, topic: Uuid) -> i64 {
    for _ in 0..10_000 {
        match try_put(client, topic, &[7; 30_000]).await {
            Ok(_) => {}
            Err(code) => {
                assert_eq!(code, ErrorCode::KafkaStorageError.code());
                let found = parts(&client.call(13, &fetch(topic, &[(0, 0)], 0)).await, 13).1;
                return found[0].high_watermark;
            }
        }
    }
    panic!("the disk never gets full");
}

#[test]
fn a_full_disk_is_told_as_a_storage_error_and_passes() {
    for shards in 1..=2 {
        let machine = machine(70);
        serve(&machine, shards, &[], async |broker| {
            let topic = broker.create("t", 1).await;
            let client = broker.connect().await;
            let mut count = 0;
            for _ in 0..2 {
                leave_room(broker, 4 << 20);
                let taken = fill(&client, topic).await;
                assert!(taken > count, "some were taken first");
                count = taken;
                // Reads go on, old and new ones, and so does all else.
                let reader = broker.connect().await;
                let found = parts(&reader.call(13, &fetch(topic, &[(0, 0)], 0)).await, 13).1;
                assert_eq!((found[0].error, found[0].values.is_empty()), (0, false));
                let last = fetch(topic, &[(0, count - 1)], 0);
                let found = parts(&reader.call(13, &last).await, 13).1;
                assert_eq!(found[0].values.len(), 1);
                reader.call(12, &MetadataRequest::default()).await;
                broker.sleep(3_000 * MS).await;
                // As soon as there is room, without a restart.
                broker.control().set_capacity(ROOM);
                let begun = broker.env.now();
                while try_put(&client, topic, b"again").await.is_err() {
                    broker.sleep(50 * MS).await;
                    assert!(broker.env.now().since(begun) < 5_000 * MS, "it does not resume");
                }
                count += 1;
            }
            let found = parts(&client.call(13, &fetch(topic, &[(0, count - 1)], 0)).await, 13).1;
            assert_eq!(found[0].values, [(count - 1, b"again".to_vec())]);
        });
    }
}

/// Codes of Fetch, ListOffsets and Produce for the first partition of a topic.
async fn codes(client: &Client, name: &'static str, topic: Uuid) -> [i16; 3] {
    client.send(13, &fetch(topic, &[(0, 0)], 60_000)).await;
    let answer = client.receive_within(SOON).await.expect("no wait for records").unwrap();
    let body = answer.read::<FetchRequest>(13);
    let fetched = body.responses.iter().next().unwrap().partitions.iter().next().unwrap();
    let wanted =
        ListOffsetsPartition { partition_index: 0, current_leader_epoch: -1, timestamp: -1 };
    let request = ListOffsetsRequest {
        replica_id: -1,
        topics: vec![ListOffsetsTopic { name, partitions: vec![wanted].into() }].into(),
        ..ListOffsetsRequest::default()
    };
    let answer = client.call(7, &request).await;
    let body = answer.read::<ListOffsetsRequest>(7);
    let listed = body.topics.iter().next().unwrap().partitions.iter().next().unwrap();
    let put = try_put(client, topic, b"x").await.err().unwrap_or_default();
    [fetched.error_code, listed.error_code, put]
}

#[test]
fn a_topic_made_on_a_full_disk_is_offline_until_there_is_room() {
    for shards in 1..=2 {
        let machine = machine(71);
        serve(&machine, shards, &[], async |broker| {
            broker.create("before", 1).await;
            let client = broker.connect().await;
            leave_room(broker, 0);
            // As in Kafka a topic is there once its records are; its directory is another matter.
            let Some(topic) = client.try_create("t", 1).await else {
                panic!("the metadata log has room in its journal");
            };
            let asked = MetadataRequestTopic { name: Some("t"), ..Default::default() };
            let request =
                MetadataRequest { topics: Some(vec![asked].into()), ..Default::default() };
            let answer = client.call(12, &request).await;
            let body = answer.read::<MetadataRequest>(12);
            let told = body.topics.iter().next().unwrap();
            assert_eq!((told.error_code, told.partitions.len()), (0, 1));
            let storage = ErrorCode::KafkaStorageError.code();
            assert_eq!(codes(&client, "t", topic).await, [storage; 3]);
            broker.sleep(2_000 * MS).await;
            assert_eq!(codes(&client, "t", topic).await, [storage; 3]);
            broker.control().set_capacity(ROOM);
            broker.sleep(3_000 * MS).await;
            assert_eq!(client.put(topic, 0, b"x").await, Ok(0));
            let (_, found) = parts(&client.call(13, &fetch(topic, &[(0, 0)], 0)).await, 13);
            assert_eq!(found[0].values, [(0, b"x".to_vec())]);
        });
    }
}
