//! One sync for many: those it answered are waited for a little.

use super::*;
use engine_io::Queue;
use futures_util::future::join_all;
use std::time::Duration;

/// `count` clients, each of which appends with acks=all, waits for its answer, thinks between `turn`
/// microseconds, and appends again. Returns the appends, the frames they took and the time.
fn run(count: i32, turn: (u64, u64)) -> (u64, u64, Duration) {
    const ROUNDS: u64 = 60;
    let machine = machine(5);
    machine.run(async move |env| {
        let (log, _) = open(&env).await;
        for number in 0..count {
            log.create_partition(TOPIC, id(number), small()).await.expect("created");
        }
        let (frames, begun) = (log.0.commit.written.get(), env.now());
        let clients = (0..count).map(|number| {
            let partition = log.partition(id(number)).expect("there");
            let (own, mut random) = (env.clone(), Random::new(number.unsigned_abs().into()));
            let (done, ended) = engine_io::sync::oneshot();
            env.spawn(Queue::Net, async move {
                let bytes = batch(&mut random, 1, 100, 5);
                for _ in 0..ROUNDS {
                    let appended = partition.append(&bytes, info(&own, Acks::All)).expect("ok");
                    appended.ticket.await.expect("safe");
                    let turn = turn.0 + random.below(turn.1 - turn.0);
                    own.sleep(Duration::from_micros(turn)).await;
                }
                done.send(());
            });
            ended
        });
        join_all(clients.collect::<Vec<_>>()).await;
        let took = env.now().since(begun);
        let frames = log.0.commit.written.get() - frames;
        close(&env, &log).await;
        (ROUNDS * u64::from(count.unsigned_abs()), frames, took)
    })
}

#[test]
fn a_sync_serves_those_that_the_last_one_answered() {
    let (appends, frames, _) = run(32, (5, 40));
    assert!(appends / frames >= 24, "{appends} appends in {frames} frames");
}

#[test]
fn who_is_alone_waits_for_nobody() {
    let (appends, frames, took) = run(1, (5, 40));
    assert_eq!(appends, frames);
    let each = took / u32::try_from(appends).expect("few");
    assert!(each < Duration::from_micros(400), "{each:?}");
}
