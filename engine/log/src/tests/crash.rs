//! Random work, ended at random points by kills and power cuts, over many seeds: what was answered
//! is there afterwards, in order, byte for byte, nothing twice.

use super::*;
use crate::plant::{self, Bug};
use engine_io::memory::Halt;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// An append as its client knows it.
struct Sent {
    base: i64,
    end: i64,
    bytes: Vec<u8>,
    /// The guarantee that was confirmed, and when (monotonic nanoseconds).
    acked: Cell<Option<(Acks, u64)>>,
}

#[derive(Default)]
struct History {
    sent: Vec<Rc<Sent>>,
    /// Highest high watermark that a consumer saw.
    seen: i64,
}

type Histories = Rc<RefCell<Vec<History>>>;

const PARTITIONS: i32 = 3;
/// An answered acks=1 append must survive a power cut after this long.
const FLUSH_NANOS: u64 = 1_000_000_000;

/// How the work of one life goes.
#[derive(Clone, Copy)]
struct Mix {
    /// Out of 100 appends.
    large: u64,
    all: u64,
    pause_ms: u64,
}

async fn client(env: MemoryEnv, log: Log, number: i32, histories: Histories, seed: u64, mix: Mix) {
    let mut random = Random::new(seed);
    let partition = log.partition(id(number)).expect("there");
    let at = usize::try_from(number).expect("small");
    loop {
        let bytes = if random.below(100) < mix.large {
            let size = 20_000 + random.index(60_000);
            batch(&mut random, 1 + at, size, 1000)
        } else {
            let size = 1 + random.index(900);
            let count = 1 + random.index(3);
            batch(&mut random, count, size, 1000)
        };
        let acks = if random.below(100) < mix.all { Acks::All } else { Acks::Leader };
        let Ok(appended) = partition.append(&bytes, info(&env, acks)) else {
            env.sleep(std::time::Duration::from_millis(1)).await;
            continue;
        };
        let sent = Rc::new(Sent {
            base: appended.base_offset,
            end: appended.last_offset + 1,
            bytes,
            acked: Cell::new(None),
        });
        histories.borrow_mut()[at].sent.push(sent.clone());
        let (histories, env_of) = (histories.clone(), env.clone());
        let watched = partition.clone();
        let ticket = async move {
            if appended.ticket.await.is_ok() {
                sent.acked.set(Some((acks, env_of.now().0)));
                let mut histories = histories.borrow_mut();
                let seen = &mut histories[at].seen;
                *seen = (*seen).max(watched.high_watermark());
                assert!(watched.kill_safe_end() >= sent.end);
            }
        };
        if random.coin() {
            ticket.await;
        } else {
            env.spawn(engine_io::Queue::Net, ticket);
            env.yield_now().await;
        }
        if random.below(10) == 0 {
            env.sleep(std::time::Duration::from_millis(random.below(mix.pause_ms + 1))).await;
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Kill,
    PowerCut,
}

/// What must be there: the end offset of the last append that was confirmed with a guarantee that
/// covers `end`.
fn must_survive(history: &History, end: End, now: u64) -> i64 {
    let confirmed = history.sent.iter().filter(|sent| match (sent.acked.get(), end) {
        (None, _) => false,
        (Some(_), End::Kill) | (Some((Acks::All, _)), End::PowerCut) => true,
        (Some((Acks::Leader, at)), End::PowerCut) => now.saturating_sub(at) > FLUSH_NANOS,
    });
    confirmed.map(|sent| sent.end).max().unwrap_or(0)
}

/// Compares the log with the history and cuts the history to what survived.
async fn check_survivors(log: &Log, histories: &Histories, end: End, now: u64) {
    for number in 0..PARTITIONS {
        let partition = log.partition(id(number)).expect("there");
        let read = read_all(&partition, 0).await;
        let mut histories = histories.borrow_mut();
        let history = &mut histories[usize::try_from(number).expect("small")];
        let must = must_survive(history, end, now);
        let log_end = partition.log_end();
        assert!(log_end >= must, "partition {number}: lost: ends at {log_end}, not {must}");
        if end == End::Kill {
            assert!(log_end >= history.seen, "partition {number}: a consumer saw more");
        }
        assert_eq!(partition.high_watermark(), log_end);
        let mut next = 0;
        assert!(read.len() <= history.sent.len());
        for ((base, bytes), sent) in read.iter().zip(&history.sent) {
            assert_eq!(*base, next, "offsets are contiguous");
            assert_eq!(*base, sent.base, "in order");
            assert!(is_same(&sent.bytes, bytes), "byte for byte");
            next = sent.end;
        }
        assert_eq!(next, log_end, "whole batches");
        history.sent.truncate(read.len());
        // Whatever recovery found is durable from here on.
        history.sent.iter().for_each(|sent| sent.acked.set(Some((Acks::All, 0))));
        history.seen = log_end;
    }
}

/// Names the seed of a life that failed.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to repeat: TIDEMILL_SEED={} TIDEMILL_SEEDS=1", self.0);
        }
    }
}

/// Several lives of one machine. Returns how many bytes survived in the end.
fn live(seed: u64) -> u64 {
    let _named = Named(seed);
    let machine = machine(seed);
    let mut random = Random::new(seed);
    let histories: Histories =
        Rc::new(RefCell::new((0..PARTITIONS).map(|_| History::default()).collect()));
    let mut last = End::Kill;
    let mut died_at = 0;
    for life in 0..5 {
        let mix = Mix {
            large: [0, 5, 40][random.index(3)],
            all: [0, 30, 100][random.index(3)],
            pause_ms: [0, 5, 400][random.index(3)],
        };
        let polls = 200 + random.below(6000);
        let histories_of = histories.clone();
        // Virtual time, once the survivors of the life before were looked at.
        let alive = Rc::new(Cell::new(None));
        let now = alive.clone();
        machine.run_until(Halt::Polls(polls), async move |env| {
            let (log, _) = open(&env).await;
            for number in 0..PARTITIONS {
                log.create_partition(TOPIC, id(number), small()).await.expect("created");
            }
            if life > 0 {
                check_survivors(&log, &histories_of, last, died_at).await;
            }
            for number in 0..PARTITIONS {
                let at = u64::try_from(number).expect("small");
                let (env_of, log, histories) = (env.clone(), log.clone(), histories_of.clone());
                let seed = seed * 1000 + life * 10 + at;
                let client = client(env_of, log, number, histories, seed, mix);
                env.spawn(engine_io::Queue::Net, client);
            }
            loop {
                now.set(Some(env.now().0));
                env.sleep(std::time::Duration::from_micros(50)).await;
            }
        });
        let this = if random.coin() { End::Kill } else { End::PowerCut };
        match alive.get() {
            Some(now) => (last, died_at) = (this, now),
            // It ended before anybody looked, so both ends count.
            None if this == End::PowerCut => last = this,
            None => {}
        }
        match this {
            End::Kill => machine.kill(),
            End::PowerCut => machine.power_cut(),
        }
    }
    let bytes = machine.run(async |env| {
        let (log, recovered) = open(&env).await;
        if recovered.len() == 3 {
            check_survivors(&log, &histories, last, died_at).await;
        }
        let bytes = log.partitions().iter().map(|partition| partition.size_bytes()).sum();
        log.close().await.expect("closes");
        assert!(log.damages().is_empty(), "{:?}", log.damages());
        bytes
    });
    super::files::check_like_dump_log(&machine);
    bytes
}

/// Else each life of a test would keep its log and its whole machine.
#[test]
fn a_killed_process_leaves_no_memory_behind() {
    for polls in [30, 100, 300, 1000, 3000] {
        let machine = machine(1);
        let kept = RefCell::new(None);
        machine.run_until(Halt::Polls(polls), async |env| {
            let (log, _) = open(&env).await;
            *kept.borrow_mut() = Some(Rc::downgrade(&log.0));
            let histories: Histories = Rc::new(RefCell::new(vec![History::default()]));
            log.create_partition(TOPIC, id(0), small()).await.expect("created");
            let mix = Mix { large: 10, all: 30, pause_ms: 5 };
            client(env, log, 0, histories, 1, mix).await;
        });
        machine.kill();
        let kept = kept.take();
        assert!(kept.is_some() || polls < 300);
        assert!(kept.is_none_or(|log| log.upgrade().is_none()), "{polls}");
    }
}

fn seeds(default: u64) -> std::ops::Range<u64> {
    let first = std::env::var("TIDEMILL_SEED").ok().and_then(|text| text.parse().ok());
    let count = std::env::var("TIDEMILL_SEEDS").ok().and_then(|text| text.parse().ok());
    let first = first.unwrap_or(1);
    first..first + count.unwrap_or(default)
}

/// A segment was full, the next had no file yet, and its beginning was known to be durable: taken
/// for lost bytes.
#[test]
fn the_end_of_a_full_segment_is_no_damage() {
    live(1377);
}

#[test]
fn what_was_answered_survives() {
    let bytes: u64 = seeds(150).map(live).sum();
    assert!(bytes > 10_000_000, "the work was real: {bytes} bytes");
}

/// The tests above are worth something only if they find mistakes.
#[test]
fn planted_bugs_are_found() {
    for bug in [
        Bug::SkipJournalSync,
        Bug::ForgetTail,
        Bug::RecycleEarly,
        Bug::IgnoreRuns,
        Bug::SkipDirSync,
        Bug::ForgetNames,
    ] {
        plant::set(Some(bug));
        let found = (1..400).find(|seed| std::panic::catch_unwind(|| live(*seed)).is_err());
        plant::set(None);
        assert!(found.is_some(), "{bug:?} was not found");
    }
}
