//! Tests of the production backend: the shared suite on a real disk and real sockets, and what only
//! this backend promises.

mod children;

use super::run::run_on;
use super::{RuntimeConfig, StopHandle, UringEnv, probe, run};
use crate::buffer::{DMA_ALIGN, DmaBuf};
use crate::env::{Create, Durability, Env, File, Listener, OpenMode, Queue, Stream};
use crate::mail::Mail;
use crate::suite::{Message, environment_suite, in_time, listen};
use bytes::BytesMut;
use engine_base::ShardId;
use futures_util::future::join_all;
use std::future::{Future, pending};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// An empty directory of its own, on the disk that holds the build.
fn directory(name: &str) -> PathBuf {
    let parent = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-io");
    let path = parent.join(format!("{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a directory under target");
    path.canonicalize().expect("it is there")
}

fn config(shards: u16) -> RuntimeConfig {
    RuntimeConfig { shards, cpus: Vec::new(), stop: StopHandle::new() }
}

fn run_suite<F, Fut>(name: &str, shards: u16, main: F)
where
    F: Fn(UringEnv, Mail<Message>, PathBuf) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let path = directory(name);
    let inner = path.clone();
    let results = run(&config(shards), move |env, mail| main(env, mail, inner.clone()));
    assert_eq!(results.expect("a runtime").len(), usize::from(shards));
    std::fs::remove_dir_all(&path).expect("removed");
}

environment_suite!(run_suite);

/// One shard without mail.
fn run_alone<T, F, Fut>(main: F) -> T
where
    T: Send + 'static,
    F: Fn(UringEnv) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = T> + 'static,
{
    let results = run::<(), _, _, _>(&config(1), move |env, _| main(env)).expect("a runtime");
    results.into_iter().next().expect("one shard")
}

/// The clock stands still in a round, and yet nobody who waited for a time reads an earlier one.
#[test]
fn the_clock_is_not_before_the_end_of_a_sleep() {
    run_alone(async |env| {
        let at = env.now().plus(Duration::from_millis(1));
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_millis(3) {}
        assert!(env.now() < at, "the same round");
        env.sleep_until(at).await;
        assert!(env.now() >= at);
    });
}

#[test]
fn shards_return_in_order_and_are_bound() {
    let results = run::<(), _, _, _>(&config(5), |env, _| async move {
        // SAFETY: plain system call without pointers.
        let cpu = unsafe { libc::sched_getcpu() };
        (env.shard(), super::system::affinity(), usize::try_from(cpu).expect("a number"))
    });
    for (index, (shard, cpus, cpu)) in results.expect("a runtime").into_iter().enumerate() {
        assert_eq!(shard.index(), index);
        assert_eq!(cpus, [cpu], "each thread is bound to one processor");
    }
}

#[test]
fn a_stop_reaches_all_shards() {
    let config = config(3);
    let stop = config.stop.clone();
    let asker = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        stop.request_stop();
        stop.request_stop();
    });
    let results = run::<(), _, _, _>(&config, |env, _| async move {
        in_time(&env, "the stop", env.stopped()).await;
        // Asked again it is known.
        in_time(&env, "the stop", env.stopped()).await;
    });
    assert_eq!(results.expect("a runtime").len(), 3);
    asker.join().expect("it only asked");
    // A runtime that starts after the request stops at once.
    let results = run::<(), _, _, _>(&config, |env, _| async move { env.stopped().await });
    assert_eq!(results.expect("a runtime").len(), 3);
}

#[test]
fn the_end_drops_what_was_spawned() {
    struct Guard(Arc<AtomicUsize>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let inner = dropped.clone();
    run_alone(move |env| {
        let dropped = inner.clone();
        async move {
            let (listener, _) = listen(&env);
            for index in 0..30 {
                let (guard, own) = (Guard(dropped.clone()), env.clone());
                env.spawn([Queue::Net, Queue::Background][index % 2], async move {
                    match index % 3 {
                        0 => pending::<()>().await,
                        1 => own.sleep(Duration::from_secs(1000)).await,
                        _ => own.stopped().await,
                    }
                    drop(guard);
                });
            }
            // One that holds operations, and one that starts another as it is dropped.
            let guard = Guard(dropped.clone());
            env.spawn(Queue::Net, async move {
                let _guard = guard;
                let _stream = listener.accept().await;
            });
            let (guard, own) = (Guard(dropped.clone()), env.clone());
            struct Starter(UringEnv, Option<Guard>);
            impl Drop for Starter {
                fn drop(&mut self) {
                    let guard = self.1.take();
                    self.0.spawn(Queue::Net, async move {
                        let _guard = guard;
                        pending::<()>().await;
                    });
                }
            }
            env.spawn(Queue::Net, async move {
                let _starter = Starter(own, Some(guard));
                pending::<()>().await;
            });
            env.sleep(Duration::from_millis(5)).await;
        }
    });
    assert_eq!(dropped.load(Ordering::Relaxed), 32);
}

/// Voluntary context switches and processor time of this thread.
fn usage() -> (i64, Duration) {
    // SAFETY: zeros are a valid `rusage`.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is writable.
    assert_eq!(unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) }, 0);
    let micros = |time: libc::timeval| time.tv_sec * 1_000_000 + time.tv_usec;
    let used = micros(usage.ru_utime) + micros(usage.ru_stime);
    (usage.ru_nvcsw, Duration::from_micros(used.try_into().expect("not negative")))
}

#[test]
fn an_idle_shard_sleeps() {
    run_alone(|env| async move {
        let (listener, address) = listen(&env);
        let near = env.connect(address).await.expect("a connection");
        let far = listener.accept().await.expect("a connection");
        let own = env.clone();
        env.spawn(Queue::Net, async move {
            let _ = near.recv(BytesMut::with_capacity(10)).await;
        });
        env.spawn(Queue::Net, async move {
            let _ = listener.accept().await;
        });
        env.spawn(Queue::Background, async move { own.sleep(Duration::from_secs(100)).await });
        env.sleep(Duration::from_millis(50)).await;
        let before = usage();
        env.sleep(Duration::from_millis(1000)).await;
        let after = usage();
        let switches = after.0 - before.0;
        assert!(switches < 20, "{switches} wake-ups in a second of rest");
        let used = after.1 - before.1;
        assert!(used < Duration::from_millis(20), "{used:?} of processor time in a second of rest");
        drop(far);
    });
}

#[test]
fn too_many_operations_wait_for_each_other() {
    const WRITES: usize = 200;
    let directory = directory("limit");
    let path = directory.join("file");
    let config = config(1);
    let mut machine = probe(&config).expect("a machine");
    machine.operations_max = 7;
    let results = run_on::<(), _, _, _>(&machine, &config.stop, move |env, _| {
        let path = path.clone();
        async move {
            let mode = OpenMode { write: true, create: Create::New, direct: true };
            let file = env.open(&path, mode).await.expect("a file");
            let size = u64::try_from(WRITES * DMA_ALIGN).expect("small");
            file.allocate(0, size).await.expect("allocated");
            let writes = (0..WRITES).map(|index| {
                let piece = DmaBuf::unpooled(DMA_ALIGN).freeze(0..DMA_ALIGN);
                let position = u64::try_from(index * DMA_ALIGN).expect("small");
                let write = file.write_direct(vec![piece], position, Durability::Written);
                let ring = env.0.ring.clone();
                async move {
                    write.await.expect("a write");
                    ring.under_way()
                }
            });
            let most = join_all(writes).await.into_iter().max();
            assert!(most <= Some(7), "{most:?} under way");
        }
    });
    assert_eq!(results.expect("a runtime").len(), 1);
    std::fs::remove_dir_all(&directory).expect("removed");
}

#[test]
fn mail_is_seen_by_a_shard_that_is_busy_with_itself() {
    let results = run::<Message, _, _, _>(&config(2), |env, mail| async move {
        if env.shard() == ShardId(0) {
            let busy = env.clone();
            env.spawn(Queue::Background, async move {
                loop {
                    busy.yield_now().await;
                }
            });
            in_time(&env, "mail", mail.recv()).await.1
        } else {
            env.sleep(Duration::from_millis(20)).await;
            mail.try_send(ShardId(0), 5).expect("room");
            5
        }
    });
    assert_eq!(results.expect("a runtime"), [5, 5]);
}
