//! Produce and Fetch end to end: round trips, sessions, waiting, and that a seed decides all.

use crate::harness::{
    Answer, Client, MS, Part, batch, fetch, machine, one_offset, parts, produce, serve,
};
use engine_base::Uuid;
use net_wire::ErrorCode;
use net_wire::generated::fetch::{FetchRequest, FetchResponse, ForgottenTopic};
use net_wire::generated::find_coordinator::FindCoordinatorRequest;
use net_wire::generated::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use net_wire::generated::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use net_wire::generated::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use net_wire::generated::produce::{PartitionProduceData, ProduceRequest, TopicProduceData};
use net_wire::{Records, Request};

#[test]
fn records_go_in_and_out_through_any_connection() {
    for shards in 1..=3 {
        let machine = machine(20);
        let topic = serve(&machine, shards, &[], async |broker| {
            let topic = broker.create("t", 6).await;
            for round in 0..6u8 {
                let client = broker.connect().await;
                let batch = batch(1, &[&[round], b"second"]);
                let all: Vec<(i32, &[u8])> = (0..6).map(|index| (index, &*batch)).collect();
                for acks in [1, -1] {
                    let answer = client.call(13, &produce(topic, &all, acks)).await;
                    let body = answer.read::<ProduceRequest>(13);
                    let answered = body.responses.iter().next().unwrap().partition_responses;
                    for (index, part) in (0..).zip(&answered) {
                        let expected = i64::from(round) * 4 + 2 * i64::from(acks == -1);
                        assert_eq!((part.index, part.error_code), (index, 0));
                        assert_eq!((part.base_offset, part.log_start_offset), (expected, 0));
                    }
                }
            }
            topic
        });
        serve(&machine, shards, &[], async |broker| {
            let client = broker.connect().await;
            let all: Vec<(i32, i64)> = (0..6).map(|index| (index, i64::from(index))).collect();
            let (session, found) = parts(&client.call(13, &fetch(topic, &all, 500)).await, 13);
            assert_eq!((session, found.len()), (0, 6));
            for part in found {
                // A fetch from inside a batch gets all of it.
                let first = i64::from(part.partition) / 2 * 2;
                assert_eq!((part.error, part.high_watermark), (0, 24));
                assert_eq!(part.values.len(), usize::try_from(24 - first).unwrap());
                assert_eq!(part.values[0].0, first);
            }
        });
    }
}

#[test]
fn names_serve_as_well_as_ids() {
    let machine = machine(21);
    serve(&machine, 2, &[], async |broker| {
        broker.create("t", 2).await;
        let client = broker.connect().await;
        for version in 3..=12 {
            let batch = batch(1, &[b"x"]);
            let data = PartitionProduceData { index: 1, records: Records::Slice(&batch) };
            let topic = TopicProduceData {
                name: "t",
                partition_data: vec![data].into(),
                ..TopicProduceData::default()
            };
            let request = ProduceRequest {
                acks: -1,
                timeout_ms: 1000,
                topic_data: vec![topic].into(),
                ..ProduceRequest::default()
            };
            let answer = client.call(version, &request).await;
            let body = answer.read::<ProduceRequest>(version);
            let part = body.responses.iter().next().unwrap().partition_responses;
            let part = part.iter().next().unwrap();
            assert_eq!((part.error_code, part.base_offset), (0, i64::from(version) - 3));
        }
        for version in 4..=12 {
            let by_name = FetchRequest {
                topics: fetch(Uuid::ZERO, &[(1, 3)], 0)
                    .topics
                    .iter()
                    .map(|topic| net_wire::generated::fetch::FetchTopic { topic: "t", ..topic })
                    .collect(),
                ..fetch(Uuid::ZERO, &[], 0)
            };
            let found = parts(&client.call(version, &by_name).await, version).1;
            assert_eq!(found[0].values.len(), 7);
        }
    });
}

#[test]
fn what_is_wrong_is_told_partition_by_partition() {
    let machine = machine(22);
    serve(&machine, 2, &[], async |broker| {
        let topic = broker.create("t", 2).await;
        let client = broker.connect().await;
        let good = batch(1, &[b"x"]);
        let mut torn = good.clone();
        *torn.last_mut().unwrap() ^= 1;
        let all = [(0, &*good), (1, &*torn), (5, &*good)];
        let answer = client.call(13, &produce(topic, &all, -1)).await;
        let body = answer.read::<ProduceRequest>(13);
        let codes: Vec<i16> = body
            .responses
            .iter()
            .next()
            .unwrap()
            .partition_responses
            .iter()
            .map(|part| part.error_code)
            .collect();
        let expected =
            [ErrorCode::None, ErrorCode::CorruptMessage, ErrorCode::UnknownTopicOrPartition];
        assert_eq!(codes, expected.map(|code| code.code()));
        let unknown = Uuid::from_bytes([9; 16]);
        let answer = client.call(13, &produce(unknown, &[(0, &good)], -1)).await;
        assert_eq!(one_offset(&answer), Err(ErrorCode::UnknownTopicId.code()));
        let answer = client.call(13, &produce(topic, &[(0, &good)], 2)).await;
        assert_eq!(one_offset(&answer), Err(ErrorCode::InvalidRequiredAcks.code()));
        let found =
            parts(&client.call(13, &fetch(topic, &[(0, 0), (1, 9), (7, 0)], 60_000)).await, 13).1;
        let codes: Vec<i16> = found.iter().map(|part| part.error).collect();
        let expected =
            [ErrorCode::None, ErrorCode::OffsetOutOfRange, ErrorCode::UnknownTopicOrPartition];
        assert_eq!(codes, expected.map(|code| code.code()));
        assert_eq!(found[0].values.len(), 1);
    });
}

#[test]
fn a_fetch_waits_in_virtual_time_and_wakes_on_an_append() {
    for shards in 1..=3 {
        let machine = machine(23);
        serve(&machine, shards, &[], async |broker| {
            let topic = broker.create("t", 3).await;
            let client = broker.connect().await;
            let all = [(0, 0), (1, 0), (2, 0)];
            client.send(13, &fetch(topic, &all, 5_000)).await;
            assert!(client.receive_within(4_990 * MS).await.is_none());
            let answer = client.receive_within(20 * MS).await.unwrap().unwrap();
            assert!(parts(&answer, 13).1.iter().all(|part| part.values.is_empty()));
            client.send(13, &fetch(topic, &all, 60_000)).await;
            broker.sleep(1_000 * MS).await;
            broker.connect().await.put(topic, 2, b"news").await.unwrap();
            let answer = client.receive_within(2 * MS).await.unwrap().unwrap();
            assert_eq!(parts(&answer, 13).1[2].values, [(0, b"news".to_vec())]);
        });
    }
}

/// A request within a session: what changes in it.
fn in_session<'a>(
    session: (i32, i32),
    topic: Uuid,
    changed: &[(i32, i64)],
    forgotten: &[i32],
) -> FetchRequest<'a> {
    let gone = ForgottenTopic {
        topic_id: topic,
        partitions: forgotten.to_vec().into(),
        ..ForgottenTopic::default()
    };
    FetchRequest {
        session_id: session.0,
        session_epoch: session.1,
        forgotten_topics_data: if forgotten.is_empty() { vec![] } else { vec![gone] }.into(),
        ..fetch(topic, changed, 0)
    }
}

fn numbers(found: &[Part]) -> Vec<i32> {
    found.iter().map(|part| part.partition).collect()
}

#[test]
fn an_incremental_fetch_tells_only_what_changed() {
    for shards in 1..=3 {
        let machine = machine(24);
        serve(&machine, shards, &[], async |broker| {
            let topic = broker.create("t", 4).await;
            let (client, writer) = (broker.connect().await, broker.connect().await);
            let all = [(0, 0), (1, 0), (2, 0), (3, 0)];
            let ask = async |request: FetchRequest| parts(&client.call(13, &request).await, 13);
            let (id, found) = ask(in_session((0, 0), topic, &all, &[])).await;
            assert!(id > 0);
            assert_eq!(numbers(&found), [0, 1, 2, 3]);
            // Nothing asked, nothing new, nothing told.
            assert_eq!(ask(in_session((id, 1), topic, &[], &[])).await, (id, vec![]));
            writer.put(topic, 2, b"a").await.unwrap();
            let (_, found) = ask(in_session((id, 2), topic, &[], &[])).await;
            assert_eq!(numbers(&found), [2]);
            assert_eq!(found[0].values, [(0, b"a".to_vec())]);
            // The client's position is what it last said: it gets the same again until it moves.
            let (_, found) = ask(in_session((id, 3), topic, &[], &[])).await;
            assert_eq!(numbers(&found), [2]);
            let (_, found) = ask(in_session((id, 4), topic, &[(2, 1)], &[])).await;
            assert_eq!(found, []);
            writer.put(topic, 1, b"b").await.unwrap();
            writer.put(topic, 3, b"c").await.unwrap();
            let (_, found) = ask(in_session((id, 5), topic, &[], &[1])).await;
            assert_eq!(numbers(&found), [3], "1 was taken out of the session");
            // A repeated or skipped epoch, and a session nobody has.
            for session in [(id, 5), (id, 9)] {
                let answer = client.call(13, &in_session(session, topic, &[], &[])).await;
                let code = ErrorCode::InvalidFetchSessionEpoch.code();
                assert_eq!(response(&answer).error_code, code);
            }
            let answer = client.call(13, &in_session((id ^ 1, 1), topic, &[], &[])).await;
            let code = ErrorCode::FetchSessionIdNotFound.code();
            assert_eq!(response(&answer).error_code, code);
            // The last request of a session ends it.
            let (closed, found) = ask(in_session((id, -1), topic, &[(3, 0)], &[])).await;
            assert_eq!((closed, numbers(&found)), (0, vec![3]));
            let answer = client.call(13, &in_session((id, 6), topic, &[], &[])).await;
            assert_eq!(response(&answer).error_code, code);
        });
    }
}

fn response(answer: &Answer) -> FetchResponse<'_> {
    answer.read::<FetchRequest>(13)
}

#[test]
fn a_session_waits_and_wakes_as_any_fetch() {
    let machine = machine(25);
    serve(&machine, 2, &[], async |broker| {
        let topic = broker.create("t", 2).await;
        let client = broker.connect().await;
        let first = in_session((0, 0), topic, &[(0, 0), (1, 0)], &[]);
        let (id, _) = parts(&client.call(13, &first).await, 13);
        for epoch in 1..5 {
            let partition = epoch % 2;
            let offsets = [(0, i64::from((epoch - 1) / 2)), (1, i64::from(epoch / 2))];
            let waiting = FetchRequest {
                max_wait_ms: 30_000,
                ..in_session((id, epoch), topic, &offsets, &[])
            };
            client.send(13, &waiting).await;
            assert!(client.receive_within(200 * MS).await.is_none());
            broker.connect().await.put(topic, partition, b"x").await.unwrap();
            let answer = client.receive_within(5 * MS).await.unwrap().unwrap();
            let found = parts(&answer, 13).1;
            assert!(numbers(&found).contains(&partition), "{found:?}");
        }
    });
}

async fn list_offset(client: &Client, partition: i32, timestamp: i64) -> (i16, i64) {
    let wanted =
        ListOffsetsPartition { partition_index: partition, current_leader_epoch: -1, timestamp };
    let topic = ListOffsetsTopic { name: "t", partitions: vec![wanted].into() };
    let request = ListOffsetsRequest {
        replica_id: -1,
        topics: vec![topic].into(),
        ..ListOffsetsRequest::default()
    };
    let answer = client.call(7, &request).await;
    let body = answer.read::<ListOffsetsRequest>(7);
    let topic = body.topics.iter().next().unwrap();
    let part = topic.partitions.iter().next().unwrap();
    (part.error_code, part.offset)
}

#[test]
fn offsets_are_listed_and_committed() {
    let machine = machine(26);
    serve(&machine, 3, &[], async |broker| {
        let topic = broker.create("t", 3).await;
        let client = broker.connect().await;
        for partition in 0..3 {
            for _ in 0..=partition {
                client.put(topic, partition, b"x").await.unwrap();
            }
        }
        for partition in 0..3 {
            assert_eq!(list_offset(&client, partition, -2).await, (0, 0));
            assert_eq!(list_offset(&client, partition, -1).await, (0, i64::from(partition) + 1));
            assert_eq!(list_offset(&client, partition, 0).await, (0, 0));
            assert_eq!(list_offset(&client, partition, i64::MAX).await, (0, -1));
        }
        let code = ErrorCode::UnknownTopicOrPartition.code();
        assert_eq!(list_offset(&client, 3, -1).await.0, code);
        for group in ["a", "b", "c", "d", "e"] {
            let find = FindCoordinatorRequest {
                coordinator_keys: vec![group].into(),
                ..FindCoordinatorRequest::default()
            };
            loop {
                let answer = client.call(4, &find).await;
                let body = answer.read::<FindCoordinatorRequest>(4);
                let found = body.coordinators.iter().next().unwrap();
                if found.error_code == 0 {
                    assert_eq!((found.node_id, found.port), (1, 9092));
                    break;
                }
                broker.sleep(10 * MS).await;
            }
            commit_and_fetch(broker.connect().await, group).await;
        }
    });
}

async fn commit_and_fetch(client: Client, group: &str) {
    let part = OffsetCommitRequestPartition {
        partition_index: 1,
        committed_offset: 17,
        committed_leader_epoch: -1,
        committed_metadata: Some("here"),
    };
    let topic = OffsetCommitRequestTopic {
        name: "t",
        partitions: vec![part].into(),
        ..OffsetCommitRequestTopic::default()
    };
    let commit = OffsetCommitRequest {
        group_id: group,
        generation_id_or_member_epoch: -1,
        retention_time_ms: -1,
        topics: vec![topic].into(),
        ..OffsetCommitRequest::default()
    };
    let answer = client.call(8, &commit).await;
    let body = answer.read::<OffsetCommitRequest>(8);
    let topic = body.topics.iter().next().unwrap();
    assert_eq!(topic.partitions.iter().next().unwrap().error_code, 0);
    let topic = OffsetFetchRequestTopics {
        name: "t",
        partition_indexes: vec![0, 1].into(),
        ..OffsetFetchRequestTopics::default()
    };
    let asked = OffsetFetchRequestGroup {
        group_id: group,
        member_epoch: -1,
        topics: Some(vec![topic].into()),
        ..OffsetFetchRequestGroup::default()
    };
    let request =
        OffsetFetchRequest { groups: vec![asked].into(), ..OffsetFetchRequest::default() };
    let answer = client.call(8, &request).await;
    let body = answer.read::<OffsetFetchRequest>(8);
    let found = body.groups.iter().next().unwrap();
    let topic = found.topics.iter().next().unwrap();
    let offsets: Vec<(i64, Option<&str>)> =
        topic.partitions.iter().map(|part| (part.committed_offset, part.metadata)).collect();
    assert_eq!(offsets, [(-1, Some("")), (17, Some("here"))]);
}

#[test]
fn a_seed_decides_everything() {
    let trace = |seed: u64| {
        let machine = machine(seed);
        for life in 0..2 {
            serve(&machine, 3, &[], async |broker| {
                let topic = broker.create(&format!("t-{life}"), 4).await;
                for round in 0..10 {
                    let client = broker.connect().await;
                    client.put(topic, round % 4, b"value").await.unwrap();
                    let request = fetch(topic, &[(0, 0), (1, 0), (2, 0), (3, 0)], 10);
                    client.call(ProduceRequest::API.api().advertised_max, &request).await;
                }
            });
        }
        machine.trace_hash()
    };
    assert_eq!(trace(1), trace(1));
    assert_ne!(trace(1), trace(2));
}
