//! One run of the produce load: encode, settle, warm up, measure, drain, check; and what was
//! acknowledged goes into a ledger if one is wanted. A load that breaks in the measured time still
//! gives what was counted until then, marked as broken.

use crate::Failure;
use crate::arguments::{Answers, Produce};
use crate::clock::Clock;
use crate::cpu::{CpuUse, Watch};
use crate::device::Device;
use crate::frames::Frames;
use crate::kernel::sharpen_timers;
use crate::ledger::Ledger;
use crate::produce::{Load, encode};
use crate::report::{ChurnResult, DeliveredResult, Measured};
use crate::settle::settle;
use crate::tail::Delivered;
use crate::tally::{Loop, Tally};
use std::time::Instant;

pub fn run(options: &Produce) -> Result<Measured, Failure> {
    let frames = encode(options)?;
    if options.rate.is_some() {
        sharpen_timers();
    }
    if !options.no_settle && options.answers() == Answers::Kafka {
        settle(&options.window.address, &frames)?;
    }
    let mut load = Load::start(options, &frames)?;
    let outcome = load.drive(options.window.warm_up);
    let measured = match outcome {
        Ok(()) => measure(options, &frames, &mut load),
        Err(failure) => Err(failure),
    };
    if let Some(path) = &options.ledger {
        let failure = match &measured {
            Ok(measured) => measured.failure.clone(),
            Err(failure) => Some(failure.to_string()),
        };
        Ledger::of(options, &frames, &load.offsets, failure)?.write(path)?;
    }
    measured
}

fn measure(options: &Produce, frames: &Frames, load: &mut Load<'_>) -> Result<Measured, Failure> {
    let window = &options.window;
    let kind = if options.rate.is_some() { Loop::Open } else { Loop::Closed };
    let clock = Clock::start();
    let device = window.device.as_deref().map(Device::read).transpose()?;
    let client_core = window.client_core.unwrap_or(window.core);
    let watch = Watch::start(window.pid, window.core, client_core)?;
    let start = Instant::now();
    load.tally = Tally::start(kind, start, window.seconds);
    load.delivered = Delivered::start(kind, start, window.seconds);
    if let Some(churn) = &mut load.churn {
        churn.tally = Tally::start(Loop::Open, start, window.seconds);
    }
    let mut outcome = load.drive(window.seconds);
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
    })
}
