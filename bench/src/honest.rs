//! The generator shown honest: each fault of a broker that it must see is planted, and seen.

use crate::arguments::{Arguments, Command, Produce};
use crate::control::spawn_null;
use crate::fake::{Fake, Fault};
use crate::leaders::Leaders;
use crate::ledger::Ledger;
use crate::look::{Flow, Look, Phase};
use crate::report::Measured;
use crate::verify::Verified;
use crate::{fetch, verify, window};
use clap::Parser as _;
use std::path::Path;
use std::time::Duration;

fn command(line: &str) -> Command {
    Arguments::try_parse_from(line.split_whitespace()).expect(line).command
}

fn produce_options(address: &str, words: &str) -> Box<Produce> {
    let line = format!(
        "bench produce --address {address} --topic t --seconds 0.15 --warm-up 0 \
         --record-bytes 50 --records-per-batch 3 {words}"
    );
    let Command::Produce(options) = command(&line) else { panic!("{line}") };
    options
}

fn produce(address: &str, words: &str) -> Result<Measured, String> {
    let options = produce_options(address, words);
    window::run(&options).map_err(|failure| failure.to_string())
}

fn verify(address: &str, ledger: &Path) -> Result<Verified, String> {
    let line = format!("bench verify --address {address} --ledger {}", ledger.display());
    let Command::Verify(options) = command(&line) else { panic!("{line}") };
    verify::run(&options).map_err(|failure| failure.to_string())
}

struct Run {
    fake: Fake,
    measured: Measured,
    folder: tempfile::TempDir,
}

impl Run {
    /// Produces to three partitions of a broker with this fault.
    fn new(fault: Fault) -> Run {
        let fake = Fake::start(fault);
        let folder = tempfile::tempdir().expect("a folder");
        let ledger = folder.path().join("ledger");
        let words =
            format!("--partitions 3 --connections 2 --depth 2 --ledger {}", ledger.display());
        let measured = produce(&fake.address, &words).expect("produces");
        Run { fake, measured, folder }
    }

    fn verify(&self) -> Result<Verified, String> {
        verify(&self.fake.address, &self.folder.path().join("ledger"))
    }

    fn refused(&self, expected: &str) {
        let error = self.verify().expect_err(expected);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_good_broker_is_believed() {
    let run = Run::new(Fault::None);
    let verified = run.verify().expect("all is there");
    assert_eq!(verified.partitions, 3);
    assert!(verified.records >= i64::try_from(run.measured.records).expect("small"));
}

#[test]
fn a_corrupt_byte_is_caught_by_every_reader() {
    let run = Run::new(Fault::Corrupt(20));
    run.refused("batch at offset");
    let line = format!("bench fetch --address {} --topic t --partitions 3", run.fake.address);
    let Command::Fetch(options) = command(&line) else { panic!("{line}") };
    let error = fetch::run(&options).expect_err("a damaged batch").to_string();
    assert!(error.contains("batch at offset"), "{error}");
    let words = "--consumers 1 --consume-partitions 3 --from start";
    let failure = produce(&run.fake.address, words).expect("produces").failure;
    assert!(failure.as_ref().is_some_and(|text| text.contains("batch at offset")), "{failure:?}");
}

#[test]
fn a_lost_batch_is_caught() {
    Run::new(Fault::Lose(20)).refused(" came after ");
    let run = Run::new(Fault::None);
    run.fake.forget_last();
    run.refused("3 acknowledged records are lost");
}

/// The last batch of a run that ends by count: nothing comes behind it that would show the gap.
#[test]
fn a_batch_that_is_never_delivered_ends_the_run() {
    let fake = Fake::start(Fault::Lose(34));
    let words = "--rate 1000 --own-partitions --consumers 1";
    let mut options = produce_options(&fake.address, words);
    options.window.records = Some(100);
    options.window.silence_limit = Duration::from_millis(300);
    let measured = window::run(&options).expect("runs");
    assert_eq!(measured.records, 102);
    let failure = measured.failure.expect("the last batch is not there");
    assert!(failure.contains("nothing was answered or delivered for 0.3 s"), "{failure}");
}

#[test]
fn a_broker_that_stores_nothing_is_caught() {
    let folder = tempfile::tempdir().expect("a folder");
    let ledger = folder.path().join("ledger");
    let null = spawn_null();
    let measured = produce(&null, &format!("--ledger {}", ledger.display())).expect("answers");
    assert!(measured.requests > 0 && measured.failure.is_none());
    verify(&null, &ledger).expect_err("nothing can be read from it");
    // Nor is a broker believed that serves fetches and came back empty.
    let error = verify(&Fake::start(Fault::None).address, &ledger).expect_err("it is empty");
    assert!(error.contains("acknowledged records are lost"), "{error}");
}

#[test]
fn a_late_answer_counts_for_all_that_it_delays() {
    let late = Duration::from_millis(60);
    let slow = |measured: &Measured| -> u64 {
        let buckets = measured.latency.buckets.iter();
        buckets.filter(|(ns, _)| *ns > 20_000_000).map(|(_, count)| count).sum()
    };
    let open = produce(&Fake::start(Fault::Late(30, late)).address, "--rate 1000 --depth 5");
    let open = open.expect("runs");
    assert_eq!(open.failure, None);
    assert!(open.latency.count >= 145, "{}", open.latency.count);
    // Requests meant for the first 40 ms of the stall waited more than 20 ms each.
    assert!(slow(&open) >= 35, "{} of {}", slow(&open), open.latency.count);
    assert!(open.latency.p90_us > 20_000.0, "{}", open.latency.p90_us);
    let closed = produce(&Fake::start(Fault::Late(30, late)).address, "--depth 1");
    let closed = closed.expect("runs");
    // One at a time, no more than 7 answers of 20 ms fit its window, whatever else was slow.
    assert!(slow(&closed) <= 8, "a closed loop hides it: {}", slow(&closed));
}

#[test]
fn a_broker_that_cannot_keep_the_rate_is_not_flattered() {
    let fake = Fake::start(Fault::Slow(Duration::from_millis(50)));
    let measured = produce(&fake.address, "--rate 1000 --depth 1").expect("runs");
    assert_eq!(measured.failure, None);
    assert!(measured.abandoned > 50 && measured.requests < 20, "{measured:?}");
    // All that were meant for the window have a time, sent or not.
    assert!(measured.latency.count >= 145, "{}", measured.latency.count);
    assert!(measured.latency.p90_us > 1_000_000.0, "{}", measured.latency.p90_us);
}

#[test]
fn delivery_is_timed_from_when_a_request_was_meant() {
    let fake = Fake::start(Fault::Late(30, Duration::from_millis(40)));
    let words = "--rate 500 --depth 5 --own-partitions --consumers 2 --consume-check-every 1";
    let measured = produce(&fake.address, words).expect("runs");
    assert_eq!(measured.failure, None);
    let delivered = measured.delivered.expect("there were consumers");
    // Each of two consumers times each request meant for the window.
    assert_eq!(delivered.end_to_end.count, 2 * measured.latency.count);
    assert!(delivered.end_to_end.max_us > 1000.0 && delivered.checked > 0);
}

#[test]
fn a_run_that_breaks_keeps_what_it_has() {
    let run = Run::new(Fault::Die(40));
    assert!(run.measured.requests > 0);
    // Closed, reset or a broken pipe: as the kernel's timing has it.
    assert!(run.measured.failure.is_some());
    let ledger = Ledger::read(&run.folder.path().join("ledger")).expect("was written");
    assert_eq!(ledger.failure, run.measured.failure);
    let acknowledged: i64 = ledger.partitions.iter().map(|page| page.acknowledged).sum();
    assert!(acknowledged > 0 && acknowledged <= 40 * 3, "{acknowledged}");

    let failure = Run::new(Fault::DiskFull(40)).measured.failure.expect("it broke");
    assert!(failure.contains("KAFKA_STORAGE_ERROR (56)"), "{failure}");
}

#[test]
fn connections_that_come_and_go_are_counted_or_end_the_run() {
    let words = "--rate 200 --churn 400";
    let measured = produce(&Fake::start(Fault::None).address, words).expect("runs");
    assert_eq!(measured.failure, None);
    let churn = measured.churn.expect("was asked for");
    assert!((30..=61).contains(&churn.latency.count), "{}", churn.latency.count);
    assert!(churn.connections > 0);
    assert!(churn.latency.p50_us > 0.0);

    let failure = produce(&Fake::start(Fault::Shut).address, words).map(|found| found.failure);
    let text = failure.map_or_else(|error| error, |failure| failure.expect("it broke"));
    assert!(text.contains("closed a new connection") || text.contains("reset"), "{text}");
}

#[test]
fn so_many_records_are_measured_and_no_more() {
    let check = |words: &str, warm_up: Duration| {
        let fake = Fake::start(Fault::None);
        let mut options = produce_options(&fake.address, &format!("--partitions 3 {words}"));
        (options.window.records, options.window.warm_up) = (Some(100), warm_up);
        let measured = window::run(&options).expect("runs");
        assert_eq!(measured.failure, None, "{words}");
        // Whole batches of three.
        assert_eq!((measured.records, measured.requests), (102, 34), "{words}");
        assert_eq!(measured.latency.count, 34, "{words}");
    };
    let some = Duration::from_millis(50);
    check("--depth 5 --connections 2", Duration::ZERO);
    check("--depth 5 --connections 2", some);
    check("--depth 100", some);
    check("--rate 1000", some);
    check("--rate 1000 --own-partitions --consumers 1", Duration::ZERO);
}

#[test]
fn each_leader_gets_its_own_partitions() {
    let fakes = [Fake::start(Fault::None), Fake::start(Fault::None)];
    let [a, b] = fakes.each_ref().map(|fake| fake.address.clone());
    let leaders = Leaders::new(&[a.clone(), b, a]);
    let words = "--partitions 3 --connections 3 --rate 500 --own-partitions --consumers 1";
    let options = produce_options("127.0.0.1:1", words);
    let go_on = &mut |_: &Look<'_>| Flow::Continue;
    let measured = window::run_watched(&options, &leaders, go_on).expect("runs");
    assert_eq!(measured.failure, None);
    assert_eq!([fakes[0].partitions(), fakes[1].partitions()], [vec![0, 2], vec![1]]);
    let delivered = measured.delivered.expect("there were consumers");
    assert_eq!(delivered.end_to_end.count, measured.latency.count);

    let line = "bench fetch --address 127.0.0.1:1 --topic t --partitions 3 --connections 2 \
                --seconds 0.1 --warm-up 0";
    let Command::Fetch(options) = command(line) else { panic!("{line}") };
    let fetched = fetch::run_watched(&options, &leaders, go_on).expect("runs");
    assert_eq!(fetched.failure, None);
    assert!(fetched.records > measured.records, "{fetched:?}");
}

#[test]
fn a_run_can_be_watched_and_broken_off() {
    let fake = Fake::start(Fault::None);
    let mut options = produce_options(&fake.address, "");
    options.window.warm_up = Duration::from_millis(350);
    options.window.seconds = Duration::from_secs(60);
    let mut seen = Vec::new();
    let mut watcher = |look: &Look<'_>| {
        seen.push((look.phase, look.records > 0, look.latency.quantile_us(0.99) > 0.0));
        if look.phase == Phase::Measured { Flow::Stop } else { Flow::Continue }
    };
    let leaders = Leaders::one(&fake.address);
    let measured = window::run_watched(&options, &leaders, &mut watcher).expect("was measured");
    assert_eq!(measured.failure.as_deref(), Some("broken off"));
    assert!(measured.records > 0 && measured.seconds < 10.0, "{measured:?}");
    seen.dedup();
    assert_eq!(seen, [(Phase::WarmUp, true, true), (Phase::Measured, true, true)]);
}

#[test]
fn a_fetch_that_breaks_keeps_what_it_has() {
    let run = Run::new(Fault::None);
    let line = format!("bench fetch --address {} --topic t --warm-up 0", run.fake.address);
    let Command::Fetch(options) = command(&line) else { panic!("{line}") };
    let mut dropped = false;
    let mut watcher = |look: &Look<'_>| {
        if look.phase == Phase::Measured && !dropped {
            run.fake.drop_all();
            dropped = true;
        }
        Flow::Continue
    };
    let leaders = Leaders::one(&run.fake.address);
    let measured = fetch::run_watched(&options, &leaders, &mut watcher).expect("was measured");
    let failure = measured.failure.expect("it broke");
    assert!(failure.contains("no longer there"), "{failure}");
    assert!(measured.records > 0 && measured.seconds < 4.0, "{}", measured.seconds);
}

#[test]
fn a_wrong_address_is_named() {
    let error = produce("127.0.0.1:1", "").expect_err("nobody listens there");
    assert!(error.starts_with("cannot connect 127.0.0.1:1: "), "{error}");
    let line = "bench await --address 127.0.0.1:1 --limit 0.05";
    let Command::Await(options) = command(line) else { panic!("{line}") };
    let error = verify::wait(&options).expect_err("nobody listens there").to_string();
    assert!(error.contains("cannot connect"), "{error}");
}

#[test]
fn a_started_broker_is_seen_when_it_serves() {
    let run = Run::new(Fault::None);
    let ledger = run.folder.path().join("ledger");
    for words in [String::new(), format!("--ledger {}", ledger.display())] {
        let line = format!("bench await --address {} --topic t {words}", run.fake.address);
        let Command::Await(options) = command(&line) else { panic!("{line}") };
        assert!(verify::wait(&options).expect("serves").seconds < 5.0);
    }
    run.fake.forget_last();
    let address = &run.fake.address;
    let line =
        format!("bench await --address {address} --limit 0.05 --ledger {}", ledger.display());
    let Command::Await(options) = command(&line) else { panic!("{line}") };
    let error = verify::wait(&options).expect_err("one is lost").to_string();
    assert!(error.contains("was acknowledged"), "{error}");
}
