//! What keeps a broker standing: the memory of requests, idle peers, connections, and the way it
//! stops.

use crate::harness::{
    ADDRESS, Broker, Client, MS, batch, fetch, machine, machine_with, one_offset, parts, produce,
    serve,
};
use engine_io::memory::{Chunking, Options};
use engine_io::{Env, Stream};
use net_wire::generated::api_versions::ApiVersionsRequest;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

fn quick() -> ApiVersionsRequest<'static> {
    ApiVersionsRequest { client_software_name: "test", client_software_version: "1" }
}

/// Opens a connection that announces 50 MiB and sends `bytes` of it.
async fn announce(broker: &Broker, bytes: usize) -> Rc<Client> {
    let client = Rc::new(broker.connect().await);
    let sender = client.clone();
    broker.spawn(async move {
        let mut all = (50u32 << 20).to_be_bytes().to_vec();
        all.resize(4 + bytes, 0);
        // Never taken to the end: the broker closes or stops.
        let _cut = sender.stream.send(vec![all.into()]).await;
    });
    client
}

#[test]
fn strangers_who_announce_much_do_not_stop_others() {
    for sent in [0, 100 << 10, 400 << 10, 2 << 20] {
        let mut options = Options::default();
        options.net.window_bytes = 1 << 20;
        let machine = machine_with(40, options);
        serve(&machine, 2, &["tidemill.request.memory.bytes=4194304"], async |broker| {
            let topic = broker.create("t", 2).await;
            let mut strangers = Vec::new();
            for _ in 0..60 {
                strangers.push(announce(broker, sent).await);
            }
            broker.sleep(100 * MS).await;
            for round in 0..40 {
                let client = broker.connect().await;
                client.send(3, &quick()).await;
                let answer = client.receive_within(20 * MS).await;
                assert!(answer.flatten().is_some(), "round {round} with {sent} bytes");
                let batch = batch(1, &[&[7; 50_000]]);
                client.send(13, &produce(topic, &[(0, &batch), (1, &batch)], -1)).await;
                let answer = client.receive_within(50 * MS).await;
                let answer = answer.flatten().unwrap_or_else(|| panic!("{round} {sent}"));
                assert!(one_offset(&answer).is_ok());
            }
            // A large frame waits for little, and is never let go with those who hold memory.
            let batch = batch(1, &[&[7; 900_000]]);
            for _ in 0..3 {
                let begun = broker.env.now();
                broker.connect().await.call(13, &produce(topic, &[(0, &batch)], -1)).await;
                let took = broker.env.now().since(begun);
                assert!(took < 1_500 * MS, "{took:?} with {sent} bytes");
            }
        });
    }
}

/// Sends `frame` in pieces of `bytes`, one every `pause`, until it is sent or cut off.
async fn drip(broker: &Broker, frame: Vec<u8>, bytes: usize, pause: Duration) -> Rc<Client> {
    let client = Rc::new(broker.connect().await);
    let (sender, env) = (client.clone(), broker.env.clone());
    broker.spawn(async move {
        for piece in frame.chunks(bytes) {
            if sender.stream.send(vec![piece.to_vec().into()]).await.is_err() {
                return;
            }
            env.sleep(pause).await;
        }
    });
    client
}

#[test]
fn dripping_peers_give_their_claims_to_those_that_wait() {
    let mut options = Options::default();
    options.net.window_bytes = 1 << 20;
    options.net.chunking = Chunking::Whole;
    let machine = machine_with(47, options);
    let settings = ["tidemill.request.memory.bytes=16777216", "message.max.bytes=20000000"];
    serve(&machine, 2, &settings, async |broker| {
        let topic = broker.create("t", 2).await;
        // Each holds more than is free to everybody, all together more than there is.
        let mut dripping = Vec::new();
        for index in 0..100 {
            if index == 8 {
                // As long as nobody needs what they hold they keep it.
                broker.sleep(20_000 * MS).await;
                for client in &dripping {
                    let client: &Rc<Client> = client;
                    assert!(client.receive_within(MS).await.is_none());
                }
            }
            let client = announce(broker, 600 << 10).await;
            let (sender, env) = (client.clone(), broker.env.clone());
            broker.spawn(async move {
                env.sleep(200 * MS).await;
                while sender.stream.send(vec![vec![0; 1_000].into()]).await.is_ok() {
                    env.sleep(200 * MS).await;
                }
            });
            dripping.push(client);
        }
        broker.sleep(100 * MS).await;
        // Slow is not dripping: 5 MB at 200 KB a second comes through beside them.
        let large = batch(1, &[&vec![7; 5_000_000]]);
        let slow = broker.connect().await;
        let frame = slow.frame(13, &produce(topic, &[(1, &large)], -1));
        drop(slow);
        let slow = drip(broker, frame, 20_000, 100 * MS).await;
        let mut took = Vec::new();
        for _ in 0..5 {
            let begun = broker.env.now();
            let client = broker.connect().await;
            let answer = client.call(13, &produce(topic, &[(0, &large)], -1)).await;
            assert!(one_offset(&answer).is_ok());
            took.push(broker.env.now().since(begun));
        }
        assert!(took.iter().all(|took| *took < 4_000 * MS), "{took:?}");
        assert!(took[4] < 500 * MS, "they are gone: {took:?}");
        assert_eq!(one_offset(&slow.receive().await.expect("it was not cut off")), Ok(0));
    });
}

#[test]
fn a_frame_larger_than_the_memory_of_requests_is_taken() {
    let machine = machine(41);
    let settings = ["tidemill.request.memory.bytes=1048576", "message.max.bytes=20000000"];
    serve(&machine, 1, &settings, async |broker| {
        let topic = broker.create("t", 1).await;
        let batch = batch(1, &[&vec![7; 5 << 20]]);
        // Several at once: one after another gets its turn.
        let done = Rc::new(Cell::new(0));
        for _ in 0..4 {
            let client = broker.connect().await;
            let frame = client.frame(13, &produce(topic, &[(0, &batch)], -1));
            let done = done.clone();
            broker.spawn(async move {
                client.send_bytes(frame).await;
                assert!(one_offset(&client.receive().await.unwrap()).is_ok());
                done.set(done.get() + 1);
            });
        }
        broker.sleep(20_000 * MS).await;
        assert_eq!(done.get(), 4);
    });
}

#[test]
fn a_frame_in_work_is_held_once_and_no_longer_than_that() {
    let machine = machine(48);
    let settings = [
        "tidemill.request.memory.bytes=1048576",
        "socket.request.max.bytes=10000000",
        "message.max.bytes=9000000",
    ];
    serve(&machine, 1, &settings, async |broker| {
        let topic = broker.create("t", 2).await;
        let large = batch(1, &[&vec![7; 8_000_000]]);
        // The large one takes the last place in work, behind a fetch that waits for long.
        let mut waiting = Vec::new();
        for _ in 0..2 {
            let client = broker.connect().await;
            client.send(13, &fetch(topic, &[(1, 0)], 60_000)).await;
            for _ in 0..62 {
                client.send(3, &quick()).await;
            }
            client.send(13, &produce(topic, &[(0, &large)], -1)).await;
            waiting.push(client);
        }
        broker.sleep(2_000 * MS).await;
        let batch = batch(1, &[&[7; 900_000]]);
        let client = broker.connect().await;
        client.send(13, &produce(topic, &[(0, &batch)], -1)).await;
        let answer = client.receive_within(1_000 * MS).await.flatten().expect("in time");
        assert_eq!(one_offset(&answer), Ok(2), "those before it are done");
        for client in waiting {
            assert!(client.receive_within(MS).await.is_none(), "and wait for their turn");
        }
    });
}

#[test]
fn idle_connections_end_and_others_do_not() {
    let machine = machine(42);
    serve(&machine, 2, &["connections.max.idle.ms=5000"], async |broker| {
        let (idle, silent) = (broker.connect().await, broker.connect().await);
        idle.call(3, &quick()).await;
        let busy = broker.connect().await;
        for _ in 0..12 {
            broker.sleep(400 * MS).await;
            busy.call(3, &quick()).await;
        }
        assert!(idle.receive_within(MS).await.is_none(), "not yet");
        // A shard that had no connection at all looks again after ten seconds.
        for _ in 0..22 {
            broker.sleep(500 * MS).await;
            busy.call(3, &quick()).await;
        }
        for gone in [idle, silent] {
            assert!(matches!(gone.receive_within(MS).await, Some(None)));
        }
        busy.call(3, &quick()).await;
    });
}

#[test]
fn connections_above_the_limit_are_refused_and_room_is_found_again() {
    let machine = machine(43);
    serve(&machine, 1, &["max.connections=5"], async |broker| {
        let mut clients = Vec::new();
        for _ in 0..5 {
            let client = broker.connect().await;
            client.call(3, &quick()).await;
            clients.push(client);
        }
        let refused = broker.connect().await;
        assert!(matches!(refused.receive_within(10 * MS).await, Some(None)));
        clients.pop();
        broker.sleep(10 * MS).await;
        broker.connect().await.call(3, &quick()).await;
        for client in &clients {
            client.call(3, &quick()).await;
        }
    });
}

#[test]
fn a_peer_that_takes_no_answers_holds_up_nobody() {
    let mut options = Options::default();
    options.net.window_bytes = 4 << 10;
    let machine = machine_with(44, options);
    serve(&machine, 2, &[], async |broker| {
        let topic = broker.create("t", 2).await;
        let writer = broker.connect().await;
        for _ in 0..20 {
            writer.put(topic, 0, &[7; 30_000]).await.unwrap();
        }
        let mut deaf = Vec::new();
        for _ in 0..10 {
            let client = Rc::new(broker.connect().await);
            let sender = client.clone();
            broker.spawn(async move {
                loop {
                    let frame = sender.frame(13, &fetch(topic, &[(0, 0)], 0));
                    if sender.stream.send(vec![frame.into()]).await.is_err() {
                        return;
                    }
                }
            });
            deaf.push(client);
        }
        for _ in 0..50 {
            broker.sleep(100 * MS).await;
            let client = broker.connect().await;
            client.send(13, &fetch(topic, &[(0, 19)], 0)).await;
            let answer = client.receive_within(50 * MS).await.flatten().unwrap();
            assert_eq!(parts(&answer, 13).1[0].values.len(), 1);
            client.put(topic, 1, b"x").await.unwrap();
        }
    });
}

/// What a client saw when the broker stopped.
#[derive(Default)]
struct Seen {
    answers: Cell<usize>,
    end_after_ms: RefCell<Option<u128>>,
}

/// Counts answers to the end of the connection, in a task of its own.
fn watch(broker: &Broker, client: Client) -> Rc<Seen> {
    let seen = Rc::new(Seen::default());
    let (into, env, begun) = (seen.clone(), broker.env.clone(), broker.env.now());
    broker.spawn(async move {
        while client.receive().await.is_some() {
            into.answers.set(into.answers.get() + 1);
        }
        into.end_after_ms.replace(Some(env.now().since(begun).as_millis()));
    });
    seen
}

#[test]
fn a_stop_answers_what_is_in_work_and_takes_nothing_new() {
    for shards in 1..=3 {
        let machine = machine(45);
        let (soon, late, idle, new, env) = serve(&machine, shards, &[], async |broker| {
            let topic = broker.create("t", 3).await;
            let all = [(0, 0), (1, 0), (2, 0)];
            let (soon, late) = (broker.connect().await, broker.connect().await);
            let (idle, new) = (broker.connect().await, broker.connect().await);
            soon.send(13, &fetch(topic, &all, 800)).await;
            late.send(13, &fetch(topic, &all, 60_000)).await;
            idle.call(3, &quick()).await;
            broker.sleep(100 * MS).await;
            let late_request = new.frame(3, &quick());
            let env = broker.env.clone();
            let stream = Rc::new(new);
            let (sender, seen_new) = (stream.clone(), Rc::new(Seen::default()));
            let seen = seen_new.clone();
            broker.spawn(async move {
                env.stopped().await;
                env.sleep(20 * MS).await;
                let _cut = sender.stream.send(vec![late_request.into()]).await;
                while sender.receive().await.is_some() {
                    seen.answers.set(seen.answers.get() + 1);
                }
                let refused = env.connect(ADDRESS.parse().unwrap()).await;
                assert!(refused.is_err(), "nobody accepts any more");
                seen.end_after_ms.replace(Some(0));
            });
            let watched = (watch(broker, soon), watch(broker, late), watch(broker, idle));
            (watched.0, watched.1, watched.2, seen_new, broker.env.clone())
        });
        assert_eq!(soon.answers.get(), 1);
        assert_eq!((late.answers.get(), idle.answers.get(), new.answers.get()), (0, 0, 0));
        for seen in [&soon, &late, &idle] {
            let end = seen.end_after_ms.borrow().expect("the connection was closed");
            assert!(end < 4_000, "{end} ms");
        }
        assert!(new.end_after_ms.borrow().is_some());
        drop(env);
    }
}

#[test]
fn what_was_answered_before_the_stop_is_there_after_it() {
    let machine = machine(46);
    let mut count = 0;
    let mut topic = None;
    for life in 0..3u32 {
        let answered = serve(&machine, 1 + u16::try_from(life).unwrap(), &[], async |broker| {
            let id = match topic {
                Some(id) => id,
                None => broker.create("t", 1).await,
            };
            let answered = Rc::new(Cell::new(0));
            for _ in 0..3 {
                let client = broker.connect().await;
                let answered = answered.clone();
                broker.spawn(async move {
                    let batch = batch(1, &[b"x"]);
                    loop {
                        let frame = client.frame(13, &produce(id, &[(0, &batch)], 1));
                        if client.stream.send(vec![frame.into()]).await.is_err() {
                            return;
                        }
                        let Some(answer) = client.receive().await else { return };
                        match one_offset(&answer) {
                            Ok(_) => answered.set(answered.get() + 1),
                            Err(_) => return,
                        }
                    }
                });
            }
            broker.sleep(50 * MS).await;
            (id, answered)
        });
        topic = Some(answered.0);
        count += answered.1.get();
        assert!(answered.1.get() > 20);
    }
    serve(&machine, 2, &[], async |broker| {
        let client = broker.connect().await;
        let answer = client.call(13, &fetch(topic.unwrap(), &[(0, 0)], 0)).await;
        let found = &parts(&answer, 13).1[0];
        assert!(found.high_watermark >= count, "{} of {count}", found.high_watermark);
    });
}
