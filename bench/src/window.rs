//! One run of the produce load: encode, settle, warm up, measure, drain, check; and what was
//! acknowledged goes into a ledger if one is wanted. A load that breaks in the measured time still
//! gives what was counted until then, marked as broken.

use crate::Failure;
use crate::arguments::{Answers, Produce, Window};
use crate::clock::Clock;
use crate::cpu::{CpuUse, Watch};
use crate::device::Device;
use crate::error::code_of;
use crate::frames::Frames;
use crate::kernel::sharpen_timers;
use crate::leaders::Leaders;
use crate::ledger::Ledger;
use crate::look::{Flow, Phase, Watcher};
use crate::produce::{Load, encode};
use crate::report::{ChurnResult, DeliveredResult, Measured};
use crate::settle::settle;
use crate::tail::Delivered;
use crate::tally::{Loop, Tally};
use std::time::{Duration, Instant};

/// Of a run whose length is not known, for the size of its intervals.
const LENGTH_UNKNOWN: Duration = Duration::from_secs(60);

/// All partitions at one address, and nobody who watches.
pub fn run(options: &Produce) -> Result<Measured, Failure> {
    run_watched(options, &Leaders::one(&options.window.address), &mut |_| Flow::Continue)
}

pub fn run_watched(
    options: &Produce,
    leaders: &Leaders,
    watcher: &mut Watcher<'_>,
) -> Result<Measured, Failure> {
    let frames = encode(options)?;
    if options.rate.is_some() {
        sharpen_timers();
    }
    if !options.no_settle && options.answers() == Answers::Kafka {
        settle(leaders, &frames)?;
    }
    let mut load = Load::start(options, leaders, &frames)?;
    let measured = warm_up(options, &mut load, watcher)
        .and_then(|()| measure(options, &frames, &mut load, watcher));
    if let Some(path) = &options.ledger {
        let failure = match &measured {
            Ok(measured) => measured.failure.clone(),
            Err(failure) => Some(failure.to_string()),
        };
        Ledger::of(options, &frames, &load.offsets, failure)?.write(path)?;
    }
    measured
}

/// A load that counts its records starts anew after this.
fn warm_up(
    options: &Produce,
    load: &mut Load<'_>,
    watcher: &mut Watcher<'_>,
) -> Result<(), Failure> {
    let Window { warm_up, records, .. } = options.window;
    if records.is_some() && warm_up.is_zero() {
        return Ok(());
    }
    load.begin(None)?;
    load.drive(warm_up, Phase::WarmUp, watcher)?;
    if records.is_some() { load.drain() } else { Ok(()) }
}

fn measure(
    options: &Produce,
    frames: &Frames,
    load: &mut Load<'_>,
    watcher: &mut Watcher<'_>,
) -> Result<Measured, Failure> {
    let window = &options.window;
    let length = if window.records.is_some() { LENGTH_UNKNOWN } else { window.seconds };
    let kind = if options.rate.is_some() { Loop::Open } else { Loop::Closed };
    let clock = Clock::start();
    let device = window.device.as_deref().map(Device::read).transpose()?;
    let client_core = window.client_core.unwrap_or(window.core);
    let watch = Watch::start(window.pid, window.core, client_core)?;
    let start = Instant::now();
    load.tally = Tally::start(kind, start, length);
    load.delivered = Delivered::start(kind, start, length);
    if let Some(churn) = &mut load.churn {
        churn.tally = Tally::start(Loop::Open, start, length);
    }
    let request_records = u64::from(frames.records()) * u64::try_from(frames.group_partitions())?;
    let mut outcome = match window.records {
        None => load.drive(window.seconds, Phase::Measured, watcher),
        Some(records) => load
            .begin(Some(records.div_ceil(request_records)))
            .and_then(|()| load.drive_to_end(watcher)),
    };
    let end = Instant::now();
    load.tally.end(end);
    load.delivered.end(end);
    if let Some(churn) = &mut load.churn {
        churn.tally.end(end);
    }
    let cpu = match watch.stop() {
        Ok(cpu) => cpu,
        // A broker that is gone has no figures; what the load found says more.
        Err(failure) => {
            outcome = outcome.and(Err(failure));
            CpuUse::default()
        }
    };
    let device = match (&window.device, device) {
        (Some(name), Some(before)) => Some(before.until(&Device::read(name)?)),
        _ => None,
    };
    let clock_step_ms = clock.step_ms();
    let outcome = outcome.and_then(|()| load.drain());
    let failure_code = outcome.as_ref().err().and_then(code_of);
    let foreign_offsets = load.foreign_offsets()?;
    let seconds = end.duration_since(start).as_secs_f64();
    let tally = &load.tally;
    Ok(Measured {
        seconds,
        requests: tally.requests,
        records: tally.records,
        bytes: tally.bytes,
        latency: tally.latency.summary(),
        cpu,
        foreign_offsets,
        offered_per_s: options.rate,
        abandoned: load.abandoned,
        batch_bytes: u64::try_from(frames.batch_bytes())?,
        delivered: (options.consume.consumers > 0).then(|| DeliveredResult::of(&load.delivered)),
        churn: load.churn.as_ref().map(|churn| ChurnResult {
            connections: churn.tally.requests,
            latency: churn.tally.latency.summary(),
        }),
        intervals: tally.intervals.clone(),
        device,
        clock_step_ms,
        failure: outcome.err().map(|failure| failure.to_string()),
        failure_code,
    })
}
