//! A disk without room: what clients are told, what goes on meanwhile, and that all of it passes.

use crate::harness::{
    Broker, Client, MS, batch, fetch, machine, one_offset, parts, produce, serve,
};
use engine_base::Uuid;
use engine_io::Env;
use net_wire::ErrorCode;
use net_wire::generated::metadata::MetadataRequest;
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

/// A topic's partitions have nothing on disk before their first records, which the journal has room
/// for: the topic is there and works until that is full.
#[test]
fn a_topic_made_on_a_full_disk_takes_what_the_journal_has_room_for() {
    for shards in 1..=2 {
        let machine = machine(71);
        serve(&machine, shards, &[], async |broker| {
            broker.create("before", 1).await;
            let client = broker.connect().await;
            leave_room(broker, 0);
            let Some(topic) = client.try_create("t", 1).await else {
                panic!("the metadata log has room in its journal");
            };
            let (_, found) = parts(&client.call(13, &fetch(topic, &[(0, 0)], 0)).await, 13);
            assert_eq!((found[0].error, found[0].high_watermark), (0, 0));
            let taken = fill(&client, topic).await;
            assert!(taken > 0, "the journal had room");
            broker.sleep(2_000 * MS).await;
            let refused = Err(ErrorCode::KafkaStorageError.code());
            assert_eq!(try_put(&client, topic, &[7; 30_000]).await, refused);
            broker.control().set_capacity(ROOM);
            broker.sleep(3_000 * MS).await;
            assert_eq!(client.put(topic, 0, b"x").await, Ok(taken));
            let last = fetch(topic, &[(0, taken)], 0);
            let (_, found) = parts(&client.call(13, &last).await, 13);
            assert_eq!(found[0].values, [(taken, b"x".to_vec())]);
        });
    }
}
