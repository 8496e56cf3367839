//! Time, chance, tasks, and mail between shards.

use super::{Message, in_time, listen, spawned};
use crate::env::{Env, Instant, Listener, Queue, Stream};
use crate::mail::Mail;
use bytes::{Bytes, BytesMut};
use engine_base::ShardId;
use futures_util::future::{Either, join_all, select};
use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Sends, waiting while the ring is full.
async fn send<E: Env>(env: &E, mail: &Mail<Message>, target: ShardId, mut message: Message) {
    while let Err(back) = mail.try_send(target, message) {
        message = back;
        env.yield_now().await;
    }
}

pub(crate) async fn time_passes_and_sleepers_wake_in_order<E: Env>(
    env: E,
    _: Mail<Message>,
    _: PathBuf,
) {
    let start = env.now();
    env.sleep(millis(20)).await;
    let slept = env.now().since(start);
    assert!(slept >= millis(20), "{slept:?}");
    env.sleep_until(start).await;
    env.sleep_until(Instant(0)).await;
    env.sleep(Duration::ZERO).await;
    let woken = Rc::new(RefCell::new(Vec::new()));
    let sleepers = [60, 20, 40].map(|length| {
        let (own, woken) = (env.clone(), woken.clone());
        spawned(&env, Queue::Net, async move {
            own.sleep(millis(length)).await;
            woken.borrow_mut().push(length);
        })
    });
    in_time(&env, "three sleepers", join_all(sleepers)).await;
    assert_eq!(*woken.borrow(), [20, 40, 60]);
    // A sleep that is dropped wakes nobody and holds nothing up.
    for _ in 0..100 {
        let long = pin!(env.sleep(Duration::from_secs(3600)));
        match select(long, pin!(env.yield_now())).await {
            Either::Left(_) => panic!("an hour has not passed"),
            Either::Right(_) => {}
        }
    }
    let earlier = env.wall_ms();
    env.sleep(millis(5)).await;
    assert!(env.wall_ms() >= earlier);
}

pub(crate) async fn tasks_run_in_all_queues<E: Env>(env: E, _: Mail<Message>, _: PathBuf) {
    let sum = Rc::new(Cell::new(0));
    let tasks = (0..300).map(|index| {
        let queue = [Queue::Net, Queue::Append, Queue::Background][index % 3];
        let (own, sum) = (env.clone(), sum.clone());
        spawned(&env, queue, async move {
            for _ in 0..10 {
                sum.set(sum.get() + 1);
                own.yield_now().await;
            }
        })
    });
    in_time(&env, "300 tasks", join_all(tasks)).await;
    assert_eq!(sum.get(), 3000);
    // One that never rests does not keep the others from running.
    let done = Rc::new(Cell::new(false));
    let (own, stop) = (env.clone(), done.clone());
    env.spawn(Queue::Background, async move {
        while !stop.get() {
            own.yield_now().await;
        }
    });
    let other = spawned(&env, Queue::Net, env.sleep(millis(10)));
    in_time(&env, "a task beside a busy one", other).await;
    done.set(true);
}

pub(crate) async fn chance_differs<E: Env>(env: E, _: Mail<Message>, _: PathBuf) {
    let mut drawn: Vec<u64> = (0..1000).map(|_| env.random()).collect();
    let ones: u32 = drawn.iter().map(|number| number.count_ones()).sum();
    assert!((31_000..33_000).contains(&ones), "{ones} of 64000 bits");
    drawn.sort_unstable();
    drawn.dedup();
    assert_eq!(drawn.len(), 1000);
}

pub(crate) async fn shards_know_who_they_are<E: Env>(env: E, mail: Mail<Message>, _: PathBuf) {
    assert_eq!(env.shard_count(), 3);
    let me = env.shard();
    for target in (0..3).map(ShardId).filter(|target| *target != me) {
        send(&env, &mail, target, Message::from(me.0)).await;
    }
    let mut heard = Vec::new();
    for _ in 0..2 {
        let (source, message) = in_time(&env, "mail", mail.recv()).await;
        assert_eq!(Message::from(source.0), message);
        heard.push(source);
    }
    heard.push(me);
    heard.sort_unstable();
    assert_eq!(heard, [ShardId(0), ShardId(1), ShardId(2)]);
}

/// Every shard sends numbered messages to the two others, in bursts with rests between, so that
/// shards go to sleep and are woken all the time.
pub(crate) async fn mail_storms_lose_nothing<E: Env>(env: E, mail: Mail<Message>, _: PathBuf) {
    const MESSAGES: Message = 6000;
    let me = env.shard();
    let (own, out) = (env.clone(), mail.clone());
    let sending = spawned(&env, Queue::Net, async move {
        let mut number = 0;
        while number < MESSAGES {
            for _ in 0..own.random() % 40 {
                if number < MESSAGES {
                    for step in 1..3 {
                        send(&own, &out, ShardId((me.0 + step) % 3), number).await;
                    }
                    number += 1;
                }
            }
            match own.random() % 3 {
                0 => own.sleep(Duration::from_micros(own.random() % 300)).await,
                1 => own.yield_now().await,
                _ => {}
            }
        }
    });
    let receiving = async {
        let mut next = [0; 3];
        for _ in 0..2 * MESSAGES {
            let (source, message) = mail.recv().await;
            assert_eq!(message, next[source.index()], "mail from {source} keeps its order");
            next[source.index()] += 1;
        }
        assert_eq!(next[me.index()], 0);
    };
    in_time(&env, "a storm", futures_util::future::join(sending, receiving)).await;
}

pub(crate) async fn a_full_ring_makes_the_sender_wait<E: Env>(
    env: E,
    mail: Mail<Message>,
    _: PathBuf,
) {
    const MESSAGES: Message = 5000;
    if env.shard() == ShardId(0) {
        let mut refused = 0;
        for number in 0..MESSAGES {
            let mut message = number;
            while let Err(back) = mail.try_send(ShardId(1), message) {
                refused += 1;
                message = back;
                env.sleep(Duration::from_micros(100)).await;
            }
        }
        assert_ne!(refused, 0, "the other shard slept: its ring filled up");
        let (_, last) = in_time(&env, "the answer", mail.recv()).await;
        assert_eq!(last, MESSAGES);
    } else {
        env.sleep(millis(200)).await;
        for number in 0..MESSAGES {
            assert_eq!(in_time(&env, "mail", mail.recv()).await, (ShardId(0), number));
        }
        send(&env, &mail, ShardId(0), MESSAGES).await;
    }
}

/// A token goes round; all but its holder sleep.
pub(crate) async fn sleeping_shards_are_woken<E: Env>(env: E, mail: Mail<Message>, _: PathBuf) {
    const HOPS: Message = 3000;
    let next = ShardId((env.shard().0 + 1) % 3);
    if env.shard() == ShardId(0) {
        send(&env, &mail, next, 0).await;
    }
    loop {
        let (_, hops) = in_time(&env, "the token", mail.recv()).await;
        if hops < HOPS + 2 {
            if hops.is_multiple_of(100) {
                env.sleep(millis(1)).await;
            }
            send(&env, &mail, next, hops + 1).await;
        }
        if hops >= HOPS {
            return;
        }
    }
}

/// One shard listens, the other connects: the port travels by mail.
pub(crate) async fn shards_talk_over_sockets<E: Env>(env: E, mail: Mail<Message>, _: PathBuf) {
    const BYTES: usize = 1 << 20;
    if env.shard() == ShardId(0) {
        let (listener, address) = listen(&env);
        send(&env, &mail, ShardId(1), Message::from(address.port())).await;
        let stream = in_time(&env, "a connection", listener.accept()).await.expect("it");
        let mut received = 0;
        while received < BYTES {
            let receiving = stream.recv(BytesMut::with_capacity(64 << 10));
            let (result, _) = in_time(&env, "bytes", receiving).await;
            let count = result.expect("a receive");
            assert_ne!(count, 0);
            received += count;
        }
        stream.send(vec![Bytes::from_static(b"thanks")]).await.expect("a send");
    } else {
        let (_, port) = in_time(&env, "the port", mail.recv()).await;
        let port = u16::try_from(port).expect("a port");
        let address = ([127, 0, 0, 1], port).into();
        let stream = in_time(&env, "a connection", env.connect(address)).await.expect("it");
        let sending = stream.send(vec![Bytes::from(vec![7; BYTES])]);
        in_time(&env, "a send", sending).await.expect("a send");
        let receiving = stream.recv(BytesMut::with_capacity(6));
        let (result, _) = in_time(&env, "the thanks", receiving).await;
        assert_eq!(result.expect("a receive"), 6);
    }
}
