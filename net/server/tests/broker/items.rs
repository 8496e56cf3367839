//! Requests of many items: what is refused, who waits, and that order and answers stay right.

use crate::harness::{
    Answer, Client, MS, batch, fetch, machine, one_offset, parts, produce, serve,
};
use engine_base::Uuid;
use engine_io::Env;
use net_server::work::{HEAVY_WAIT_MAX_MS, WEIGHT_MAX};
use net_wire::ErrorCode;
use net_wire::generated::api_versions::ApiVersionsRequest;
use net_wire::generated::describe_configs::{DescribeConfigsRequest, DescribeConfigsResource};
use net_wire::generated::describe_groups::DescribeGroupsRequest;
use net_wire::generated::describe_topic_partitions::{
    DescribeTopicPartitionsRequest, TopicRequest,
};
use net_wire::generated::find_coordinator::FindCoordinatorRequest;
use net_wire::generated::join_group::{JoinGroupRequest, JoinGroupRequestProtocol};
use net_wire::generated::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic,
};
use net_wire::generated::metadata::{MetadataRequest, MetadataRequestTopic};
use net_wire::generated::offset_fetch::{OffsetFetchRequest, OffsetFetchRequestGroup};
use net_wire::generated::produce::ProduceRequest;
use net_wire::generated::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};

/// Bare items that one request may hold.
const ITEMS_MAX: usize = WEIGHT_MAX / engine_base::codec::ITEM_WEIGHT;

fn quick() -> ApiVersionsRequest<'static> {
    ApiVersionsRequest { client_software_name: "test", client_software_version: "1" }
}

fn describe(count: usize) -> DescribeGroupsRequest<'static> {
    DescribeGroupsRequest { groups: vec![""; count].into(), ..Default::default() }
}

#[test]
fn more_items_than_anyone_needs_end_the_connection() {
    let machine = machine(60);
    serve(&machine, 2, &[], async |broker| {
        let client = broker.connect().await;
        let most = client.call(5, &describe(ITEMS_MAX)).await;
        assert_eq!(most.read::<DescribeGroupsRequest>(5).groups.len(), 1, "one name, one answer");
        let others = broker.connect().await;
        for request in [describe(ITEMS_MAX + 1), describe(20 << 20)] {
            let client = broker.connect().await;
            client.send(3, &quick()).await;
            client.send(5, &request).await;
            assert!(client.receive().await.is_some(), "what came before is answered");
            assert!(client.receive().await.is_none(), "and then it is over");
        }
        // Few items may be as much by their names.
        let long = "x".repeat(32_000);
        let groups = vec![&*long; WEIGHT_MAX / 32_000 + 1].into();
        let client = broker.connect().await;
        client.send(5, &DescribeGroupsRequest { groups, ..Default::default() }).await;
        assert!(client.receive().await.is_none());
        others.call(3, &quick()).await;
    });
}

#[test]
fn the_most_partitions_of_a_fetch_are_answered() {
    let machine = machine(61);
    serve(&machine, 2, &[], async |broker| {
        let topic = broker.create("t", 2).await;
        broker.connect().await.put(topic, 1, b"x").await.unwrap();
        let client = broker.connect().await;
        let last = i32::try_from(ITEMS_MAX).unwrap() - 1;
        // All but two do not exist; one is named twice, and the last time counts.
        let mut all: Vec<(i32, i64)> = (1..last).map(|index| (index, 0)).collect();
        all.push((1, 1));
        let (_, found) = parts(&client.call(13, &fetch(topic, &all, 60_000)).await, 13);
        assert_eq!(found.len(), all.len() - 1);
        assert_eq!((found[0].partition, found[0].error), (1, 0));
        assert!(found[0].values.is_empty(), "from offset 1 there is nothing");
        let unknown = ErrorCode::UnknownTopicOrPartition.code();
        assert!(found[1..].iter().all(|part| part.error == unknown));
    });
}

#[test]
fn requests_behind_a_heavy_one_stay_in_order() {
    for shards in 1..=3 {
        let machine = machine(62);
        serve(&machine, shards, &[], async |broker| {
            let topic = broker.create("t", 1).await;
            let (client, other) = (broker.connect().await, broker.connect().await);
            // Somebody else's heavy request goes first, so that this one has to wait.
            other.send(5, &describe(ITEMS_MAX)).await;
            let batch = batch(1, &[b"x"]);
            let mut all: Vec<(i32, &[u8])> = (1..3_000).map(|index| (index, &*batch)).collect();
            all.push((0, &*batch));
            client.send(13, &produce(topic, &all, 1)).await;
            client.send(13, &produce(topic, &[(0, &batch)], 1)).await;
            let answer = client.receive().await.unwrap();
            let body = answer.read::<ProduceRequest>(13);
            let first = body.responses.iter().next().unwrap().partition_responses;
            assert_eq!(first.iter().last().unwrap().base_offset, 0);
            assert_eq!(one_offset(&client.receive().await.unwrap()), Ok(1));
        });
    }
}

#[test]
fn a_heavy_fetch_waits_no_longer_than_by_default() {
    let machine = machine(63);
    serve(&machine, 1, &[], async |broker| {
        let topic = broker.create("t", 1_100).await;
        let all: Vec<(i32, i64)> = (0..1_100).map(|index| (index, 0)).collect();
        let client = broker.connect().await;
        let begun = broker.env.now();
        let most = u128::try_from(HEAVY_WAIT_MAX_MS).unwrap();
        client.call(13, &fetch(topic, &all, 60_000)).await;
        let took = broker.env.now().since(begun).as_millis();
        assert!((most..most + 50).contains(&took), "{took} ms");
        // As many in a session are as heavy, however short the request; or in both together.
        for (kept, added) in [(1_100, 0), (600, 500)] {
            let mut request = fetch(topic, &all[..kept], 0);
            request.session_epoch = 0;
            let (session_id, _) = parts(&client.call(13, &request).await, 13);
            let begun = broker.env.now();
            let next = net_wire::generated::fetch::FetchRequest {
                session_id,
                session_epoch: 1,
                ..fetch(topic, &all[kept..kept + added], 60_000)
            };
            client.call(13, &next).await;
            let took = broker.env.now().since(begun).as_millis();
            assert!((most..most + 50).contains(&took), "{took} ms");
        }
    });
}

#[test]
fn peers_that_go_while_they_wait_leave_their_place() {
    let machine = machine(64);
    serve(&machine, 1, &[], async |broker| {
        let topic = broker.create("t", 1_100).await;
        // Each of these holds a share for half a second, and all together more than there is.
        let all: Vec<(i32, i64)> = (0..1_100).cycle().take(60_000).zip(0..).collect();
        for _ in 0..20 {
            let client = broker.connect().await;
            client.send(12, &named(topic, &all)).await;
        }
        let client = broker.connect().await;
        client.send(5, &describe(ITEMS_MAX)).await;
        assert!(client.receive_within(2_000 * MS).await.flatten().is_some());
    });
}

/// A fetch of a topic that is there, by a name; nobody reads the answer.
fn named(topic: Uuid, all: &[(i32, i64)]) -> net_wire::generated::fetch::FetchRequest<'static> {
    let mut request = fetch(topic, all, 60_000);
    let partitions = request.topics.iter().next().unwrap().partitions;
    let partitions = partitions.iter().collect();
    request.topics = vec![net_wire::generated::fetch::FetchTopic {
        topic: "t",
        partitions,
        ..Default::default()
    }]
    .into();
    request
}

#[test]
fn no_more_topics_are_made_at_once_than_by_one_request() {
    let machine = machine(66);
    serve(&machine, 1, &[], async |broker| {
        let client = broker.connect().await;
        let names: Vec<String> = (0..10_001).map(|index| format!("t{index}")).collect();
        let request = MetadataRequest {
            topics: Some(
                names
                    .iter()
                    .map(|name| MetadataRequestTopic { name: Some(name), ..Default::default() })
                    .collect(),
            ),
            allow_auto_topic_creation: true,
            ..Default::default()
        };
        let answer = client.call(12, &request).await;
        let body = answer.read::<MetadataRequest>(12);
        let unknown = ErrorCode::UnknownTopicOrPartition.code();
        assert!(body.topics.iter().all(|topic| topic.error_code == unknown));
        assert_eq!(client.try_create("large", 10_001).await, None);
        let answer = client.call(12, &MetadataRequest { topics: None, ..Default::default() }).await;
        assert_eq!(answer.read::<MetadataRequest>(12).topics.len(), 0);
    });
}

fn join(member_id: &str, count: usize) -> JoinGroupRequest<'_> {
    let protocol = JoinGroupRequestProtocol { name: "", metadata: b"" };
    JoinGroupRequest {
        group_id: "g",
        member_id,
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 60_000,
        protocol_type: "consumer",
        protocols: vec![protocol; count].into(),
        ..Default::default()
    }
}

/// Member id and generation of an answer to a join.
fn joined(answer: &Answer) -> (String, i32) {
    let body = answer.read::<JoinGroupRequest>(3);
    assert_eq!(body.error_code, 0);
    (body.member_id.to_owned(), body.generation_id)
}

#[test]
fn parked_members_hold_up_nobody() {
    let machine = machine(67);
    serve(&machine, 1, &[], async |broker| {
        let find = FindCoordinatorRequest { key: "g", ..Default::default() };
        broker.connect().await.call(3, &find).await;
        broker.sleep(1_000 * MS).await;
        let (leader, follower) = (broker.connect().await, broker.connect().await);
        let (id, _) = joined(&leader.call(3, &join("", 1)).await);
        // As many protocols as fit are of a light request; more end the connection.
        follower.send(3, &join("", 1_000)).await;
        assert!(follower.receive_within(100 * MS).await.is_none());
        let refused = broker.connect().await;
        refused.send(3, &join("", 2_000)).await;
        assert!(matches!(refused.receive_within(100 * MS).await, Some(None)));
        joined(&leader.call(3, &join(&id, 1)).await);
        let (member_id, generation_id) = joined(&follower.receive().await.unwrap());
        // The items of one that waits for its leader are out of the way.
        let assignment = SyncGroupRequestAssignment { member_id: "m", assignment: b"" };
        let sync = SyncGroupRequest {
            group_id: "g",
            generation_id,
            member_id: &member_id,
            assignments: vec![assignment; 100_000].into(),
            ..Default::default()
        };
        follower.send(2, &sync).await;
        assert!(follower.receive_within(100 * MS).await.is_none());
        let client = broker.connect().await;
        client.send(5, &describe(ITEMS_MAX)).await;
        assert!(client.receive_within(500 * MS).await.flatten().is_some());
        assert!(follower.receive_within(MS).await.is_none(), "it waits still");
    });
}

#[test]
fn pages_are_as_long_as_the_configuration_allows() {
    let machine = machine(68);
    serve(&machine, 1, &["max.request.partition.size.limit=3"], async |broker| {
        broker.create("t", 5).await;
        let request = DescribeTopicPartitionsRequest {
            topics: vec![TopicRequest { name: "t" }].into(),
            response_partition_limit: 2_000,
            cursor: None,
        };
        let answer = broker.connect().await.call(0, &request).await;
        let body = answer.read::<DescribeTopicPartitionsRequest>(0);
        assert_eq!(body.topics.iter().next().unwrap().partitions.len(), 3);
        assert_eq!(body.next_cursor.map(|cursor| cursor.partition_index), Some(3));
    });
}

#[test]
fn much_is_told_once() {
    let machine = machine(65);
    serve(&machine, 2, &[], async |broker| {
        broker.create("t", 1).await;
        let client = broker.connect().await;
        let configs = |kind, names: &[&'static str]| DescribeConfigsRequest {
            resources: names
                .iter()
                .map(|name| DescribeConfigsResource {
                    resource_type: kind,
                    resource_name: name,
                    configuration_keys: None,
                })
                .collect(),
            ..Default::default()
        };
        let count = async |client: &Client, request: DescribeConfigsRequest<'_>| {
            let answer = client.call(4, &request).await;
            answer.read::<DescribeConfigsRequest>(4).results.len()
        };
        assert_eq!(count(&client, configs(2, &["t", "t", "u", "t"])).await, 2);
        assert_eq!(count(&client, configs(4, &["1", "01", "+1", "", "x"])).await, 3);
        let whole = OffsetFetchRequestGroup { group_id: "g", topics: None, ..Default::default() };
        let request =
            OffsetFetchRequest { groups: vec![whole.clone(), whole].into(), ..Default::default() };
        let answer = client.call(9, &request).await;
        assert_eq!(answer.read::<OffsetFetchRequest>(9).groups.len(), 1);
        let partition = |partition_index| ListOffsetsPartition {
            partition_index,
            current_leader_epoch: -1,
            timestamp: -1,
        };
        let topic = ListOffsetsTopic {
            name: "t",
            partitions: vec![partition(0), partition(7), partition(7)].into(),
        };
        let request =
            ListOffsetsRequest { replica_id: -1, topics: vec![topic].into(), ..Default::default() };
        let answer = client.call(7, &request).await;
        let body = answer.read::<ListOffsetsRequest>(7);
        let partitions = body.topics.iter().next().unwrap().partitions;
        let codes: Vec<i16> = partitions.iter().map(|found| found.error_code).collect();
        let repeated = ErrorCode::InvalidRequest.code();
        assert_eq!(codes, [0, repeated, repeated], "as in Kafka");
        let topic = MetadataRequestTopic { name: Some("t"), ..Default::default() };
        let request = MetadataRequest {
            topics: Some(vec![topic.clone(), topic].into()),
            ..Default::default()
        };
        let answer = client.call(12, &request).await;
        assert_eq!(answer.read::<MetadataRequest>(12).topics.len(), 1);
    });
}
