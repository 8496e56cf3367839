//! Starting and ending a runtime: one pinned thread per shard, with tasks and a ring of its own.
//! Either all shards start or none. A panic in one ends the process: a broker with a dead shard
//! would hang its clients.

use super::bell::ShardBell;
use super::environment::UringEnv;
use super::error::StartError;
use super::probe::{Machine, new_ring, probe};
use super::pump;
use super::ring::Ring;
use super::shard::Shard;
use super::system;
use super::{RuntimeConfig, StopHandle};
use crate::env::Queue;
use crate::mail::{Bell, Mail, Mailbox, mesh};
use engine_base::ShardId;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, Once, PoisonError, mpsc};
use std::thread::JoinHandle;

thread_local! {
    static IS_SHARD: Cell<bool> = const { Cell::new(false) };
}

/// Runs `shard_main` once per shard and returns what they returned, in the order of the shards, when
/// all have ended. Whatever they spawned and did not end is dropped with its shard.
///
/// `shard_main` is called on the shard's thread; the future need not be `Send`.
pub fn run<M, T, F, Fut>(config: &RuntimeConfig, shard_main: F) -> Result<Vec<T>, StartError>
where
    M: Send + 'static,
    T: Send + 'static,
    F: Fn(UringEnv, Mail<M>) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = T> + 'static,
{
    run_on(&probe(config)?, &config.stop, shard_main)
}

/// [`run`] on a machine that was looked at already.
pub(super) fn run_on<M, T, F, Fut>(
    machine: &Machine,
    stop: &StopHandle,
    shard_main: F,
) -> Result<Vec<T>, StartError>
where
    M: Send + 'static,
    T: Send + 'static,
    F: Fn(UringEnv, Mail<M>) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = T> + 'static,
{
    abort_on_panic();
    let bells = (0..machine.shards)
        .map(|_| ShardBell::new().map(Arc::new))
        .collect::<io::Result<Vec<_>>>()
        .map_err(|source| StartError::System { step: "making an eventfd", source })?;
    let ringers: Vec<Arc<dyn Bell>> =
        bells.iter().map(|bell| bell.clone() as Arc<dyn Bell>).collect();
    let gate = Arc::new(Gate::default());
    let (report, reports) = mpsc::channel();
    let mut threads = Vec::new();
    let mut failure = None;
    stop.attach(&bells);
    for (mailbox, bell) in mesh::<M>(&ringers).into_iter().zip(&bells) {
        let start = Start {
            machine: machine.clone(),
            mailbox,
            bell: bell.clone(),
            stop: stop.clone(),
            gate: gate.clone(),
            report: report.clone(),
        };
        match start.spawn(shard_main.clone()) {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    for _ in 0..threads.len() {
        match reports.recv().expect("every thread reports, or the process ended") {
            Ok(()) => {}
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    gate.open(if failure.is_none() { Verdict::Go } else { Verdict::GiveUp });
    let results: Vec<Option<T>> = threads
        .into_iter()
        .map(|thread| thread.join().expect("a shard that panics ends the process"))
        .collect();
    stop.detach(&bells);
    match failure {
        Some(error) => Err(error),
        None => Ok(results.into_iter().flatten().collect()),
    }
}

/// What a shard's thread gets.
struct Start<M> {
    machine: Machine,
    mailbox: Mailbox<M>,
    bell: Arc<ShardBell>,
    stop: StopHandle,
    gate: Arc<Gate>,
    report: mpsc::Sender<Result<(), StartError>>,
}

impl<M: Send + 'static> Start<M> {
    fn spawn<T, F, Fut>(self, shard_main: F) -> Result<JoinHandle<Option<T>>, StartError>
    where
        T: Send + 'static,
        F: Fn(UringEnv, Mail<M>) -> Fut + Send + 'static,
        Fut: Future<Output = T> + 'static,
    {
        let shard = self.mailbox.shard().0;
        std::thread::Builder::new()
            .name(format!("shard-{shard}"))
            .spawn(move || self.run(shard_main))
            .map_err(|source| StartError::Shard { shard, step: "making its thread", source })
    }

    /// The life of a shard's thread. `None` if the runtime did not start.
    fn run<T, F, Fut>(self, shard_main: F) -> Option<T>
    where
        T: Send + 'static,
        F: Fn(UringEnv, Mail<M>) -> Fut,
        Fut: Future<Output = T> + 'static,
    {
        IS_SHARD.set(true);
        let shard = self.mailbox.shard();
        let made = prepare(shard, &self.machine);
        let (made, told) = match made {
            Ok(made) => (Some(made), Ok(())),
            Err(error) => (None, Err(error)),
        };
        // The starter waits for the reports of all; it cannot be gone.
        let _ = self.report.send(told);
        if self.gate.wait() == Verdict::GiveUp {
            return None;
        }
        let ring = Rc::new(made?);
        let shard = Shard::new(shard, self.machine.shards, ring, self.bell.clone(), self.stop);
        Some(live(&shard, &self.bell, self.mailbox.open(), shard_main))
    }
}

/// Binds the thread and makes what needs the kernel's consent.
fn prepare(shard: ShardId, machine: &Machine) -> Result<Ring, StartError> {
    let failed = |step| {
        move |source: io::Error| match source.raw_os_error() {
            Some(libc::ENOMEM) => StartError::RingMemory {
                found_bytes: machine.memory_lock_bytes.unwrap_or(u64::MAX),
            },
            _ => StartError::Shard { shard: shard.0, step, source },
        }
    };
    let cpu = machine.cpu(shard.0);
    system::pin_to(cpu).map_err(failed("binding its thread to its cpu"))?;
    let (uring, _) = new_ring(machine.ring_size).map_err(failed("making its ring"))?;
    Ok(Ring::new(uring, machine.has_truncate, machine.operations_max))
}

/// Everything a shard does.
fn live<M, T, F, Fut>(shard: &Rc<Shard>, bell: &ShardBell, mail: Mail<M>, shard_main: F) -> T
where
    M: Send + 'static,
    T: 'static,
    F: Fn(UringEnv, Mail<M>) -> Fut,
    Fut: Future<Output = T> + 'static,
{
    let result: Rc<RefCell<Option<T>>> = Rc::default();
    let slot = result.clone();
    let main = shard_main(UringEnv(shard.clone()), mail.clone());
    shard.spawn(Queue::Net, async move {
        let value = main.await;
        *slot.borrow_mut() = Some(value);
    });
    pump::run(shard, bell, || mail.arrived(), || result.borrow().is_some());
    shard.executor.drop_tasks();
    shard.ring.close();
    result.take().expect("the pump ends when it is there")
}

/// Lets all shards begin, or none.
#[derive(Default)]
struct Gate {
    verdict: Mutex<Option<Verdict>>,
    decided: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Go,
    GiveUp,
}

impl Gate {
    fn open(&self, verdict: Verdict) {
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
        self.decided.notify_all();
    }

    fn wait(&self) -> Verdict {
        let mut slot = self.verdict.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(verdict) = *slot {
                return verdict;
            }
            slot = self.decided.wait(slot).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// From now on a panic on a shard's thread ends the process, with where it was and how it got there.
/// It does so before unwinding, whatever the build's panic strategy.
fn abort_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !IS_SHARD.get() {
                return previous(panic);
            }
            let thread = std::thread::current();
            let name = thread.name().unwrap_or("a shard").to_owned();
            let trace = std::backtrace::Backtrace::force_capture();
            let text = format!("{name} panicked, the process ends: {panic}\n{trace}\n");
            // Straight to the descriptor: a test harness would keep what is printed to itself.
            let _ = io::stderr().write_all(text.as_bytes());
            std::process::abort();
        }));
    });
}
