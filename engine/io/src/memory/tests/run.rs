//! Tasks, time, mail, and that a seed decides everything.

use super::super::{Halt, Machine, Options};
use super::{block, machine, open, panic_message, put};
use crate::env::{Durability, Env, File, Listener, Queue, Stream};
use bytes::{Bytes, BytesMut};
use engine_base::ShardId;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

#[test]
fn time_jumps_to_the_next_timer() {
    let machine = Machine::new(1, Options::default());
    machine.run(async |env| {
        let (start, wall) = (env.now(), env.wall_ms());
        env.sleep(Duration::from_secs(86_400)).await;
        let passed = env.now().since(start);
        assert!(passed >= Duration::from_secs(86_400) && passed < Duration::from_secs(86_401));
        assert!((env.wall_ms() - wall - 86_400_000).abs() <= 1);
        machine.set_wall_ms(5);
        assert_eq!(env.wall_ms(), 5);
        let deadline = env.now().plus(Duration::from_micros(50));
        while env.now() < deadline {
            env.yield_now().await;
        }
    });
}

#[test]
fn a_deadlock_names_the_seed() {
    let machine = Machine::new(4711, Options::default());
    let message = panic_message(|| machine.run(async |env| env.stopped().await));
    assert!(message.starts_with("deadlock: ") && message.contains("seed 4711"), "{message}");
}

#[test]
fn stopping_wakes_who_waits_for_it() {
    let machine = Machine::new(2, Options::default());
    machine.run(async |env| {
        let (control, sleep) = (env.control(), env.sleep(Duration::from_secs(1)));
        env.spawn(Queue::Background, async move {
            sleep.await;
            control.request_stop();
        });
        env.stopped().await;
        env.stopped().await;
    });
}

/// The order in which ten tasks first ran.
fn order(seed: u64, options: Options) -> Vec<u32> {
    let machine = Machine::new(seed, options);
    let order = Rc::new(RefCell::new(Vec::new()));
    machine.run(async |env| {
        for index in 0..10 {
            let order = order.clone();
            env.spawn(Queue::Net, async move { order.borrow_mut().push(index) });
        }
        env.sleep(Duration::from_secs(1)).await;
    });
    order.take()
}

#[test]
fn scheduling_is_random_or_fifo() {
    let orders: BTreeSet<Vec<u32>> = (0..10).map(|seed| order(seed, Options::default())).collect();
    assert!(orders.len() > 5);
    assert_eq!(order(1, Options::calm()), (0..10).collect::<Vec<_>>());
}

/// A bit of everything: disk, network, mail, time, chance, crashes.
fn scenario(seed: u64) -> (u64, Vec<u64>) {
    let mut options = Options::swarm(seed);
    options.net.cut_per_million = 0;
    // All is sent before anything is received.
    options.net.window_bytes = options.net.window_bytes.max(5000);
    let machine = Machine::new(seed, options);
    machine.put_dir("/d");
    for _ in 0..3 {
        machine.run_shards(3, async |env, mail: crate::mail::Mail<u64>| {
            let file = open(&env, &format!("/d/{}", env.shard()), true).await;
            for index in 0..5 {
                let byte = u8::try_from(env.random() % 256).expect("a byte");
                let write = file.write_direct(block(byte, 2), index * 8192, Durability::Written);
                write.await.expect("written");
            }
            let cached = open(&env, &format!("/d/{}.c", env.shard()), false).await;
            put(&cached, 77, &env.now().0.to_le_bytes());
            let next = ShardId((env.shard().0 + 1) % 3);
            mail.try_send(next, env.random()).expect("room");
            mail.recv().await;
            let address = "127.0.0.1:0".parse().expect("an address");
            let listener = env.listen(address).expect("listens");
            let client = env.connect(listener.local()).await.expect("connects");
            let server = listener.accept().await.expect("accepts");
            client.send(vec![Bytes::from(vec![1; 5000])]).await.expect("sent");
            server.recv(BytesMut::with_capacity(5000)).await.0.expect("received");
            file.sync_data().await.expect("synced");
        });
        machine.power_cut();
    }
    let content =
        machine.list().into_iter().map(|path| u64::from(crc32fast::hash(&machine.file(path))));
    (machine.trace_hash(), content.collect())
}

#[test]
fn a_seed_decides_everything() {
    let first: Vec<_> = (0..8).map(scenario).collect();
    let again: Vec<_> = (0..8).map(scenario).collect();
    assert_eq!(first, again);
    let hashes: BTreeSet<u64> = first.iter().map(|(hash, _)| *hash).collect();
    assert_eq!(hashes.len(), 8);
}

#[test]
fn shards_exchange_mail() {
    let machine = Machine::new(3, Options::default());
    let sums = machine.run_shards(4, async |env, mail: crate::mail::Mail<(u16, u32)>| {
        for target in (0..4).filter(|&target| target != env.shard().0) {
            for number in 0..100 {
                let message = (env.shard().0, number);
                mail.try_send(ShardId(target), message).expect("the ring has room");
                if number % 7 == 0 {
                    env.yield_now().await;
                }
            }
        }
        let mut next = [0; 4];
        for _ in 0..300 {
            let (source, (named, number)) = mail.recv().await;
            assert_eq!(source.0, named);
            assert_eq!(next[source.index()], number, "in the order sent");
            next[source.index()] += 1;
        }
        u32::from(env.shard_count()) + next.iter().sum::<u32>()
    });
    assert_eq!(sums, [304; 4]);
}

#[test]
fn halts_end_a_run_where_they_say() {
    let machine = machine(5);
    let steps = Cell::new(0);
    let run = |halt| {
        steps.set(0);
        machine.run_until(halt, async |env| {
            let file = open(&env, "/d/f", false).await;
            for _ in 0..10 {
                put(&file, 0, b"x");
                steps.set(steps.get() + 1);
                env.sleep(Duration::from_secs(1)).await;
            }
        })
    };
    assert_eq!((run(Halt::DiskCalls(4)), steps.get()), (None, 3));
    assert_eq!((run(Halt::After(Duration::from_millis(4500))), steps.get()), (None, 5));
    let before = machine.disk_stats().cached_writes;
    let start = machine.run(async |env| env.now());
    assert_eq!(
        machine.run_until(Halt::After(Duration::from_secs(1)), async |env| {
            env.sleep(Duration::from_secs(3600)).await;
        }),
        None
    );
    let passed = machine.run(async |env| env.now().since(start));
    assert!(passed < Duration::from_millis(1010), "{passed:?}");
    assert_eq!(machine.disk_stats().cached_writes, before);
    assert_eq!((run(Halt::Polls(4)), steps.get()), (None, 3));
    assert_eq!((run(Halt::Polls(1_000_000)), steps.get()), (Some(()), 10));
    let halted = machine.run_until(Halt::Polls(1_000_000), async |env| {
        machine.halt();
        env.yield_now().await;
    });
    assert_eq!(halted, None);
}

#[test]
fn what_a_dead_process_drops_has_no_effect() {
    struct Late(MemoryEnvAndFile);
    type MemoryEnvAndFile = (super::MemoryEnv, super::MemoryFile);
    impl Drop for Late {
        fn drop(&mut self) {
            let (env, file) = &self.0;
            assert!(file.write_cached(&[std::io::IoSlice::new(b"late")], 0).is_err());
            env.spawn(Queue::Net, async {});
        }
    }
    let machine = machine(6);
    machine.put_file("/d/f", b"kept");
    machine.run(async |env| {
        let late = Late((env.clone(), open(&env, "/d/f", false).await));
        let forever = env.stopped();
        env.spawn(Queue::Net, async move {
            forever.await;
            drop(late);
        });
    });
    machine.kill();
    assert_eq!(machine.file("/d/f"), b"kept");
}
