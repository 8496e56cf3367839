//! Consumer groups through their hosts: any shard asks, the shard of the offsets partition answers,
//! and what it answered is on stable media.

use crate::harness::{Cluster, Node, S, machine};
use bytes::Bytes;
use engine_io::Env;
use engine_io::memory::{DiskCall, Effect, Fault, Halt, When};
use engine_shard::{ControllerCall, GroupAnswer, GroupCall, OFFSETS_TOPIC, TopicName};
use engine_state::groups::{
    CommitPartition, CommitRequest, CommitTopic, FetchRequest, FetchTopic, GroupError, GroupState,
    JoinReply, JoinRequest, LeavingMember, ListFilter, Protocol, Reply, SyncReply, SyncRequest,
};
use futures_util::future::join;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

async fn join_as(shard: &S, group: &str, member: &str) -> JoinReply {
    let request = JoinRequest {
        group_id: group.to_owned(),
        member_id: member.to_owned(),
        instance_id: None,
        client_id: "c".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 20_000,
        protocol_type: "consumer".to_owned(),
        protocols: vec![Protocol { name: "range".to_owned(), metadata: Bytes::from_static(b"m") }],
        require_known_member_id: true,
        supports_skip_assignment: true,
        random: u128::from_be_bytes(shard.random_bytes()),
    };
    match shard.group(group, GroupCall::Join(request)).await {
        GroupAnswer::Reply(Reply::Join(reply)) => reply,
        answer => panic!("{answer:?}"),
    }
}

/// Joins as a new member: first an id, then the group.
async fn join_new(shard: &S, group: &str) -> JoinReply {
    let first = join_as(shard, group, "").await;
    assert_eq!(first.error, Some(GroupError::MemberIdRequired));
    let joined = join_as(shard, group, &first.member_id).await;
    assert_eq!((joined.error, &joined.member_id), (None, &first.member_id));
    joined
}

async fn sync(shard: &S, group: &str, joined: &JoinReply, assign: &[(&str, &str)]) -> SyncReply {
    let request = SyncRequest {
        group_id: group.to_owned(),
        generation: joined.generation,
        member_id: joined.member_id.clone(),
        instance_id: None,
        protocol_type: Some("consumer".to_owned()),
        protocol_name: Some("range".to_owned()),
        assignments: assign
            .iter()
            .map(|(member, bytes)| ((*member).to_owned(), Bytes::from((*bytes).to_owned())))
            .collect(),
    };
    match shard.group(group, GroupCall::Sync(request)).await {
        GroupAnswer::Reply(Reply::Sync(reply)) => reply,
        answer => panic!("{answer:?}"),
    }
}

async fn heartbeat(shard: &S, group: &str, joined: &JoinReply) -> Result<(), GroupError> {
    let call = GroupCall::Heartbeat {
        group_id: group.to_owned(),
        generation: joined.generation,
        member_id: joined.member_id.clone(),
        instance_id: None,
    };
    match shard.group(group, call).await {
        GroupAnswer::Heartbeat(result) => result,
        answer => panic!("{answer:?}"),
    }
}

pub fn commit_request(group: &str, topic: &str, offset: i64) -> CommitRequest {
    CommitRequest {
        group_id: group.to_owned(),
        generation: -1,
        member_id: String::new(),
        instance_id: None,
        retention_ms: None,
        reports_missing_group: true,
        topics: vec![CommitTopic {
            name: topic.to_owned(),
            topic_id: engine_base::Uuid::ZERO,
            partitions: vec![CommitPartition {
                index: 0,
                offset,
                leader_epoch: -1,
                metadata: Some(format!("at {offset}")),
            }],
        }],
    }
}

pub async fn send_commit(shard: &S, request: CommitRequest) -> Option<GroupError> {
    let group = request.group_id.clone();
    match shard.group(&group, GroupCall::Commit(request)).await {
        GroupAnswer::Reply(Reply::Commit(topics)) => topics[0].partitions[0].error,
        GroupAnswer::Failed(error) => Some(error),
        answer => panic!("{answer:?}"),
    }
}

/// Commits without membership.
pub async fn commit(shard: &S, group: &str, topic: &str, offset: i64) -> Option<GroupError> {
    send_commit(shard, commit_request(group, topic, offset)).await
}

/// The committed offset of partition 0, -1 for none. Waits while the coordinator loads.
pub async fn committed(shard: &S, group: &str, topic: &str) -> i64 {
    loop {
        let topics = vec![FetchTopic {
            name: topic.to_owned(),
            topic_id: engine_base::Uuid::ZERO,
            partitions: vec![0],
        }];
        let request = FetchRequest {
            group_id: group.to_owned(),
            topics: Some(topics),
            require_stable: false,
        };
        match shard.group(group, GroupCall::Fetch(request)).await {
            GroupAnswer::Reply(Reply::Fetch(reply)) if reply.error.is_none() => {
                let partition = &reply.topics[0].partitions[0];
                let metadata = format!("at {}", partition.offset);
                let expected = if partition.offset < 0 { "" } else { &metadata };
                assert_eq!(partition.metadata, expected);
                return partition.offset;
            }
            GroupAnswer::Reply(Reply::Fetch(reply)) => {
                assert_eq!(reply.error, Some(GroupError::CoordinatorLoadInProgress));
                shard.env.sleep(MS).await;
            }
            answer => panic!("{answer:?}"),
        }
    }
}

async fn state(shard: &S, group: &str) -> Option<GroupState> {
    match shard.group(group, GroupCall::Describe(group.to_owned())).await {
        GroupAnswer::Described(group) => group.map(|group| group.state),
        answer => panic!("{answer:?}"),
    }
}

/// Two members that are stable in the group, joined through different shards: leader and follower.
async fn two_members(cluster: &Cluster, group: &str) -> (JoinReply, JoinReply) {
    let (one, two) = (cluster.shard(0), cluster.shard(1));
    let alone = join_new(&one, group).await;
    assert_eq!(sync(&one, group, &alone, &[(&alone.member_id, "all")]).await.assignment, "all");
    // The second member's join starts a rebalance, which the first learns by its heartbeat.
    let rejoin = async {
        while heartbeat(&one, group, &alone).await.is_ok() {
            one.env.sleep(100 * MS).await;
        }
        join_as(&one, group, &alone.member_id).await
    };
    let (second, first) = join(join_new(&two, group), rejoin).await;
    assert_eq!((first.generation, second.generation), (2, 2));
    assert_eq!((&first.leader, &second.leader), (&alone.member_id, &alone.member_id));
    assert_eq!((first.members.len(), second.members.len()), (2, 0));
    let plan = [(&*first.member_id, "left"), (&*second.member_id, "right")];
    let (follower, leader) =
        join(sync(&two, group, &second, &[]), sync(&one, group, &first, &plan)).await;
    assert_eq!((&*leader.assignment, &*follower.assignment), (&b"left"[..], &b"right"[..]));
    (first, second)
}

#[test]
fn members_join_sync_beat_and_leave_through_any_shard() {
    for shards in 1..=3 {
        let machine = machine(60);
        Node::of(shards).live(&machine, async |cluster| {
            assert!(cluster.shard(0).ensure_offsets_topic().await);
            for group in ["g", "h", "some other", "x"] {
                let (first, second) = two_members(cluster, group).await;
                for shard in cluster.all() {
                    assert_eq!(heartbeat(&shard, group, &first).await, Ok(()));
                    assert_eq!(state(&shard, group).await, Some(GroupState::Stable));
                    let old = JoinReply { generation: 1, ..second.clone() };
                    let error = heartbeat(&shard, group, &old).await;
                    assert_eq!(error, Err(GroupError::IllegalGeneration));
                }
                let mut request = commit_request(group, "t", 5);
                request.member_id = second.member_id.clone();
                request.generation = 1;
                let shard = cluster.shard(2);
                let old = send_commit(&shard, request.clone()).await;
                assert_eq!(old, Some(GroupError::IllegalGeneration));
                request.generation = 2;
                assert_eq!(send_commit(&shard, request).await, None);
                for joined in [&first, &second] {
                    let member =
                        LeavingMember { member_id: joined.member_id.clone(), instance_id: None };
                    let members = vec![member];
                    let call = GroupCall::Leave { group_id: group.to_owned(), members };
                    let answer = shard.group(group, call).await;
                    let GroupAnswer::Reply(Reply::Leave(reply)) = answer else {
                        panic!("{answer:?}")
                    };
                    assert_eq!((reply.error, reply.members[0].error), (None, None));
                }
                assert_eq!(state(&shard, group).await, Some(GroupState::Empty));
                assert_eq!(committed(&shard, group, "t").await, 5);
            }
            let (groups, loading) = cluster.shard(1).list_groups(ListFilter::default()).await;
            let mut names: Vec<_> = groups.iter().map(|group| &*group.group_id).collect();
            names.sort_unstable();
            assert_eq!((names, loading), (vec!["g", "h", "some other", "x"], false));
        });
    }
}

#[test]
fn without_the_offsets_topic_there_is_no_coordinator() {
    let machine = machine(61);
    Node::of(2).live(&machine, async |cluster| {
        let shard = cluster.shard(1);
        assert_eq!(commit(&shard, "g", "t", 1).await, Some(GroupError::NotCoordinator));
        assert!(shard.list_groups(ListFilter::default()).await.0.is_empty());
        // All who need it may make it at once.
        let makers = cluster.all().into_iter().chain(cluster.all());
        let made = makers.map(async |shard: S| shard.ensure_offsets_topic().await);
        assert_eq!(futures_util::future::join_all(made).await, [true; 4]);
        let image = shard.image();
        assert_eq!(image.topic(OFFSETS_TOPIC).map(|topic| topic.partitions.len()), Some(5));
        assert_eq!(commit(&shard, "g", "t", 1).await, None);
    });
}

#[test]
fn the_offsets_topic_comes_to_be_whatever_the_dice_say() {
    // One in 64 draws makes no id that Kafka would use.
    for seed in 0..300 {
        let machine = machine(seed);
        let node = Node { offsets_partitions: 1, ..Node::of(1) };
        node.live(&machine, async |cluster| {
            assert!(cluster.shard(0).ensure_offsets_topic().await, "seed {seed}");
        });
    }
}

#[test]
fn a_silent_member_is_removed_when_its_session_ends() {
    for shards in 1..=2 {
        let machine = machine(62);
        Node::of(shards).live(&machine, async |cluster| {
            cluster.shard(0).ensure_offsets_topic().await;
            let (first, second) = two_members(cluster, "g").await;
            let shard = cluster.shard(1);
            for _ in 0..4 {
                shard.env.sleep(2_400 * MS).await;
                assert_eq!(heartbeat(&shard, "g", &first).await, Ok(()));
            }
            shard.env.sleep(500 * MS).await;
            let beat = heartbeat(&shard, "g", &first).await;
            assert_eq!(beat, Err(GroupError::RebalanceInProgress), "the other was removed");
            let again = join_as(&shard, "g", &first.member_id).await;
            assert_eq!((again.error, again.members.len(), again.generation), (None, 1, 3));
            let gone = heartbeat(&shard, "g", &second).await;
            assert_eq!(gone, Err(GroupError::UnknownMemberId));
        });
    }
}

#[test]
fn groups_and_offsets_survive_clean_stops_and_kills() {
    for (shards, kill) in [(1, false), (2, false), (2, true), (3, true)] {
        let machine = machine(63);
        let node = Node::of(shards);
        let joined = std::cell::RefCell::new(None);
        let halt = Halt::After(Duration::from_secs(8));
        let ended = node.live_until(&machine, halt, async |cluster| {
            cluster.shard(0).ensure_offsets_topic().await;
            joined.replace(Some(two_members(cluster, "g").await));
            for number in 0..20 {
                let group = format!("group {number}");
                for offset in 0..3 {
                    assert_eq!(commit(&cluster.shard(1), &group, "t", offset + number).await, None);
                }
            }
            if kill {
                cluster.env().sleep(100_000 * MS).await;
            }
        });
        assert_ne!(ended, kill);
        machine.kill();
        let (first, second) = joined.take().unwrap();
        node.live(&machine, async |cluster| {
            assert_eq!(cluster.clean, !kill);
            let shard = cluster.shard(usize::from(shards) - 1);
            for number in 0..20 {
                let group = format!("group {number}");
                assert_eq!(committed(&shard, &group, "t").await, number + 2);
            }
            // Members go on as if nothing had happened.
            assert_eq!(heartbeat(&shard, "g", &first).await, Ok(()));
            assert_eq!(heartbeat(&shard, "g", &second).await, Ok(()));
            assert_eq!(sync(&shard, "g", &second, &[]).await.assignment, "right");
        });
    }
}

#[test]
fn a_commit_is_answered_when_it_is_durable() {
    let machine = machine(64);
    Node::of(2).live(&machine, async |cluster| {
        let shard = cluster.shard(1);
        shard.ensure_offsets_topic().await;
        assert_eq!(commit(&shard, "g", "t", 1).await, None);
        let slow = Effect::Delay(300 * MS);
        cluster.control().inject(Fault::new("*", DiskCall::Sync, When::Always, slow));
        for group in ["g", "h"] {
            let begun = shard.env.now();
            assert_eq!(commit(&shard, group, "t", 7).await, None);
            assert!(shard.env.now().since(begun) >= 300 * MS);
        }
    });
}

#[test]
fn offsets_of_a_deleted_topic_go_and_those_of_others_stay() {
    let machine = machine(65);
    let node = Node::of(2);
    node.live(&machine, async |cluster| {
        let shard = cluster.shard(1);
        shard.ensure_offsets_topic().await;
        for topic in ["gone", "kept"] {
            cluster.create(topic, 1).await;
            for group in ["a", "b", "c"] {
                assert_eq!(commit(&shard, group, topic, 9).await, None);
            }
        }
        let gone = TopicName::Name("gone".to_owned());
        shard.control(ControllerCall::DeleteTopics(vec![gone])).await;
    });
    node.live(&machine, async |cluster| {
        for group in ["a", "b", "c"] {
            assert_eq!(committed(&cluster.shard(0), group, "kept").await, 9);
            assert_eq!(committed(&cluster.shard(0), group, "gone").await, -1);
        }
    });
}

#[test]
fn a_call_given_up_changes_nothing_for_others() {
    let machine = machine(66);
    Node::of(2).live(&machine, async |cluster| {
        let shard = cluster.shard(1);
        shard.ensure_offsets_topic().await;
        for group in ["a", "b", "c", "d"] {
            let mut commits = Box::pin(commit(&shard, group, "t", 3));
            let polled = futures_util::poll!(commits.as_mut());
            assert!(polled.is_pending());
            drop(commits);
            shard.env.sleep(50 * MS).await;
            assert_eq!(committed(&shard, group, "t").await, 3, "it was begun and so it is done");
        }
        let id = cluster.topic(OFFSETS_TOPIC);
        for partition in 0..5 {
            // The offsets topic is a topic like others, for whoever reads it.
            let found = crate::harness::read_all(&shard, crate::harness::at(id, partition)).await;
            assert!(found.len() <= 4);
        }
    });
}
