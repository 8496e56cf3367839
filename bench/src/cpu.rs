//! What a broker, the kernel's threads and everything else used of the processor between two
//! moments, as the kernel tells in /proc. Threads of io_uring are threads of their process and
//! count with it.

use crate::Failure;
use crate::arguments::Cpu;
use crate::report::Text;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The unit of times in /proc, fixed by Linux at 100 a second on the machines we run on.
const TICKS_PER_SECOND: f64 = 100.0;
/// User and system time are each cut to a tick.
const TICK_ERROR_S: f64 = 2.0 / TICKS_PER_SECOND;
/// Parent of the kernel's threads.
const KTHREADD: u64 = 2;
/// Uses below are not listed by name.
const LISTED_S: f64 = 0.001;

/// Run times of threads in nanoseconds, by id, with their names.
type Threads = HashMap<u64, (String, u64)>;
/// Names of kernel threads end with the core that they are bound to: `ksoftirqd/0`, `kworker/0:1H`.
const BOUND: char = '/';

#[derive(Clone, Debug)]
struct Process {
    user_s: f64,
    system_s: f64,
    threads: Threads,
    switches: HashMap<u64, Switches>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Switches {
    waits: u64,
    preemptions: u64,
}

#[derive(Clone, Debug)]
struct Machine {
    /// Of the broker and of the load.
    cores: [CoreTimes; 2],
    kernel_threads: Threads,
    read_at: Instant,
}

#[derive(Clone, Copy, Debug, Default)]
struct CoreTimes {
    busy_s: f64,
    softirq_s: f64,
    steal_s: f64,
    idle_s: f64,
}

/// The start of a measured time.
pub struct Watch {
    pid: Option<u32>,
    cores: [u16; 2],
    own_s: f64,
    machine: Machine,
    process: Option<Process>,
}

/// Seconds of CPU time between two moments.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct CpuUse {
    /// The broker's process, if one was named.
    pub broker: Option<BrokerUse>,
    /// The generator itself.
    pub client_s: f64,
    /// The kernel's own threads, all cores: writeback, journal and so on.
    pub kernel_threads_s: f64,
    pub kernel_threads: BTreeMap<String, f64>,
    /// The broker's core, whoever ran there.
    pub core_busy_s: f64,
    pub core_softirq_s: f64,
    /// The broker's core whenever it was neither idle nor stolen. The kernel counts idle time by a
    /// clock, and what is busy by ticks.
    #[serde(default)]
    pub core_used_s: f64,
    /// Taken by the hypervisor.
    pub core_steal_s: f64,
    /// The same for the core of the load.
    #[serde(default)]
    pub client_core_busy_s: f64,
    #[serde(default)]
    pub client_core_steal_s: f64,
    #[serde(default)]
    pub client_core_softirq_s: f64,
    /// The part of `kernel_threads_s` of threads that are bound to the load's core.
    #[serde(default)]
    pub client_kernel_threads_s: f64,
    /// Processes that wanted to run, average of the last minute.
    pub load: f64,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct BrokerUse {
    pub total_s: f64,
    pub user_s: f64,
    pub system_s: f64,
    pub threads: BTreeMap<String, f64>,
    /// Resident memory at the end.
    pub resident_bytes: u64,
    /// Times that a thread of it gave up its core: each is followed by a wake-up.
    #[serde(default)]
    pub waits: u64,
    /// Times that a thread of it was made to give up its core.
    #[serde(default)]
    pub preemptions: u64,
    #[serde(default)]
    pub descriptors: u64,
    #[serde(default)]
    pub thread_count: u64,
}

impl Watch {
    pub fn start(pid: Option<u32>, core: u16, client_core: u16) -> Result<Watch, Failure> {
        let cores = [core, client_core];
        let machine = Machine::read(cores)?;
        let own_s = own_seconds()?;
        let process = pid.map(Process::read).transpose()?;
        Ok(Watch { pid, cores, own_s, machine, process })
    }

    /// The process is read last at the start and first at the end, next to the clock.
    pub fn stop(self) -> Result<CpuUse, Failure> {
        let process = self.pid.map(Process::read).transpose()?;
        let client_s = own_seconds()? - self.own_s;
        let machine = Machine::read(self.cores)?;
        let broker = match (self.pid, self.process, process) {
            (Some(pid), Some(before), Some(after)) => Some(before.until(&after, pid)?),
            _ => None,
        };
        let all = (&self.machine.kernel_threads, &machine.kernel_threads);
        let kernel_threads = spent(all.0, all.1, |_| true);
        let client_threads = spent(all.0, all.1, |name| is_bound(name, self.cores[1]));
        let ([core_before, client_before], [core, client]) = (self.machine.cores, machine.cores);
        let watched_s = machine.read_at.duration_since(self.machine.read_at).as_secs_f64();
        let core_steal_s = core.steal_s - core_before.steal_s;
        Ok(CpuUse {
            broker,
            client_s,
            kernel_threads_s: kernel_threads.values().sum(),
            kernel_threads: listed(kernel_threads),
            core_busy_s: core.busy_s - core_before.busy_s,
            core_softirq_s: core.softirq_s - core_before.softirq_s,
            core_steal_s,
            core_used_s: (watched_s - core_steal_s - (core.idle_s - core_before.idle_s)).max(0.0),
            client_core_busy_s: client.busy_s - client_before.busy_s,
            client_core_steal_s: client.steal_s - client_before.steal_s,
            client_core_softirq_s: client.softirq_s - client_before.softirq_s,
            client_kernel_threads_s: client_threads.values().sum(),
            load: load()?,
        })
    }
}

/// What `bench cpu` shows.
#[derive(Debug, Serialize)]
pub struct Watched {
    pub seconds: f64,
    pub cpu: CpuUse,
}

pub fn watch(options: &Cpu) -> Result<Watched, Failure> {
    let watch = Watch::start(Some(options.pid), options.core, options.core)?;
    let start = Instant::now();
    match options.command.split_first() {
        None => std::thread::sleep(options.seconds),
        Some((program, words)) => {
            let status = Command::new(program)
                .args(words)
                .stdout(std::io::stderr())
                .status()
                .map_err(|error| format!("cannot run {program}: {error}"))?;
            if !status.success() {
                return Err(format!("{program} ended with {status}").into());
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok(Watched { seconds, cpu: watch.stop()? })
}

impl Process {
    fn read(pid: u32) -> Result<Process, Failure> {
        let home = Path::new("/proc").join(pid.to_string());
        let stat = read(&home.join("stat"))?;
        let fields = stat_fields(&stat).ok_or("process status is not as expected")?;
        Ok(Process {
            user_s: ticks(fields.user_ticks),
            system_s: ticks(fields.system_ticks),
            threads: threads(&home.join("task"), |_| true)?,
            switches: switches(&home.join("task"))?,
        })
    }

    fn until(&self, after: &Process, pid: u32) -> Result<BrokerUse, Failure> {
        let user_s = after.user_s - self.user_s;
        let system_s = after.system_s - self.system_s;
        let threads = spent(&self.threads, &after.threads, |_| true);
        let switches = switched(&self.switches, &after.switches);
        Ok(BrokerUse {
            total_s: total(user_s + system_s, threads.values().sum()),
            user_s,
            system_s,
            threads: listed(threads),
            resident_bytes: resident_bytes(pid)?,
            waits: switches.waits,
            preemptions: switches.preemptions,
            descriptors: entries(pid, "fd"),
            thread_count: entries(pid, "task"),
        })
    }
}

/// The sum over the threads is exact, but lacks those that ended; then the process's ticks, which
/// have them, say more than their error explains.
fn total(ticks_s: f64, threads_s: f64) -> f64 {
    if ticks_s > threads_s + TICK_ERROR_S { ticks_s } else { threads_s }
}

impl Machine {
    fn read(cores: [u16; 2]) -> Result<Machine, Failure> {
        let stat = read(Path::new("/proc/stat"))?;
        let mut times = [CoreTimes::default(); 2];
        for (times, core) in times.iter_mut().zip(cores) {
            *times = core_times(&stat, core).ok_or_else(|| format!("there is no core {core}"))?;
        }
        let read_at = Instant::now();
        let is_kernel = |stat: &str| stat_fields(stat).is_some_and(|f| f.parent == KTHREADD);
        let kernel_threads = threads(Path::new("/proc"), is_kernel)?;
        Ok(Machine { cores: times, kernel_threads, read_at })
    }
}

/// Every thread in a folder of /proc whose `stat` is wanted. Those that end meanwhile are left out.
fn threads(home: &Path, wanted: impl Fn(&str) -> bool) -> Result<Threads, Failure> {
    let mut found = Threads::new();
    for entry in fs::read_dir(home)? {
        let entry = entry?;
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        if !wanted(&stat) {
            continue;
        }
        let Ok(schedule) = fs::read_to_string(entry.path().join("schedstat")) else { continue };
        let run_ns = schedule.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
        found.insert(id, (thread_name(&stat).to_owned(), run_ns));
    }
    Ok(found)
}

/// Of each thread of a process, by id; those that end meanwhile are left out.
fn switches(home: &Path) -> Result<HashMap<u64, Switches>, Failure> {
    let mut found = HashMap::new();
    for entry in fs::read_dir(home)? {
        let entry = entry?;
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let Ok(status) = fs::read_to_string(entry.path().join("status")) else { continue };
        let number = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.trim().parse().ok()).unwrap_or(0)
        };
        let waits = number("voluntary_ctxt_switches:");
        let preemptions = number("nonvoluntary_ctxt_switches:");
        found.insert(id, Switches { waits, preemptions });
    }
    Ok(found)
}

/// The sum over the threads that are still there: one that ended takes its counts along, and must
/// not take those of others with them.
fn switched(before: &HashMap<u64, Switches>, after: &HashMap<u64, Switches>) -> Switches {
    let mut sum = Switches::default();
    for (id, now) in after {
        let then = before.get(id).copied().unwrap_or_default();
        sum.waits += now.waits.saturating_sub(then.waits);
        sum.preemptions += now.preemptions.saturating_sub(then.preemptions);
    }
    sum
}

/// How many entries a folder of a process has; 0 if it can't be read.
fn entries(pid: u32, folder: &str) -> u64 {
    let path = Path::new("/proc").join(pid.to_string()).join(folder);
    fs::read_dir(path).map_or(0, |found| u64::try_from(found.count()).unwrap_or(0))
}

/// A thread's name without what numbers it: `kworker/u8:2` and `kworker/0:1` are one class.
fn thread_class(name: &str) -> String {
    match name.split_once(['/', ':']) {
        Some((class, _)) => class.to_owned(),
        None => {
            let number = |c: char| c.is_ascii_digit() || "-#_ ".contains(c);
            name.trim_end_matches(number).to_owned()
        }
    }
}

/// Whether a kernel thread of this name may run on no other core.
fn is_bound(name: &str, core: u16) -> bool {
    let bound_to = name.split_once(BOUND).map_or("", |(_, rest)| rest);
    bound_to.split(':').next() == Some(&core.to_string())
}

fn thread_name(stat: &str) -> &str {
    let name = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')'));
    name.map_or("", |(name, _)| name)
}

/// Seconds by class of thread, of those whose name is wanted; a thread that is new counts whole.
fn spent(
    before: &Threads,
    after: &Threads,
    wanted: impl Fn(&str) -> bool,
) -> BTreeMap<String, f64> {
    let mut spent = BTreeMap::new();
    for (id, (name, run_ns)) in after {
        if !wanted(name) {
            continue;
        }
        let start = before.get(id).map_or(0, |(_, run_ns)| *run_ns);
        let time = Duration::from_nanos(run_ns.saturating_sub(start));
        *spent.entry(thread_class(name)).or_insert(0.0) += time.as_secs_f64();
    }
    spent
}

fn listed(mut threads: BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    threads.retain(|_, seconds| *seconds >= LISTED_S);
    threads
}

struct StatFields {
    parent: u64,
    user_ticks: u64,
    system_ticks: u64,
}

/// Fields of a `stat` file, see proc(5). A name may hold spaces and brackets.
fn stat_fields(stat: &str) -> Option<StatFields> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let number = |field: usize| rest.split(' ').nth(field - 3)?.parse().ok();
    Some(StatFields { parent: number(4)?, user_ticks: number(14)?, system_ticks: number(15)? })
}

fn core_times(stat: &str, core: u16) -> Option<CoreTimes> {
    let name = format!("cpu{core}");
    let line = stat.lines().find(|line| line.split(' ').next() == Some(&name))?;
    let fields: Vec<f64> =
        line.split(' ').skip(1).map_while(|field| field.parse().ok().map(ticks)).collect();
    let [user, nice, system, idle, wait, irq, softirq, steal, ..] = fields[..] else {
        return None;
    };
    Some(CoreTimes {
        busy_s: user + nice + system + irq + softirq,
        softirq_s: softirq,
        steal_s: steal,
        idle_s: idle + wait,
    })
}

fn ticks(count: u64) -> f64 {
    // A count of ticks in any uptime is far below 2^53.
    Duration::from_millis(count * 10).as_secs_f64()
}

fn own_seconds() -> Result<f64, Failure> {
    let schedule = read(Path::new("/proc/self/schedstat"))?;
    let run_ns = schedule.split(' ').next().and_then(|ns| ns.parse().ok());
    Ok(Duration::from_nanos(run_ns.ok_or("schedstat is not as expected")?).as_secs_f64())
}

fn resident_bytes(pid: u32) -> Result<u64, Failure> {
    let status = read(&Path::new("/proc").join(pid.to_string()).join("status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0);
    Ok(kib << 10)
}

fn load() -> Result<f64, Failure> {
    let text = read(Path::new("/proc/loadavg"))?;
    Ok(text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0))
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

impl Text for Watched {
    fn text(&self) -> String {
        format!("{:.3} s\n{}", self.seconds, self.cpu.text())
    }
}

impl Text for CpuUse {
    fn text(&self) -> String {
        let mut out = String::new();
        if let Some(broker) = &self.broker {
            let mib = broker.resident_bytes >> 20;
            let _ = writeln!(out, "broker   {:.3} s CPU, {mib} MiB resident", broker.total_s);
            for (name, seconds) in &broker.threads {
                let _ = writeln!(out, "           {seconds:.3} {name}");
            }
        }
        let _ = writeln!(
            out,
            "client   {:.3} s CPU\nkernel   {:.3} s CPU in its threads\n\
             core     {:.2} s busy, {:.2} s soft interrupts, {:.2} s stolen; load {:.2}",
            self.client_s,
            self.kernel_threads_s,
            self.core_busy_s,
            self.core_softirq_s,
            self.core_steal_s,
            self.load
        );
        out
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Switches, Watch, core_times, is_bound, spent, stat_fields, switched, thread_class,
    };
    use super::{thread_name, total, watch};
    use crate::arguments::{self, Arguments};
    use clap::Parser as _;
    use std::collections::HashMap;
    use std::time::{Duration, Instant};

    const STAT: &str = "77 (a) b (c) R 2 1 1 0 -1 0 0 0 0 0 250 50 0 0 20 0 1 0 5 6 7";

    #[test]
    fn fields_are_found_behind_any_name() {
        let fields = stat_fields(STAT).expect("well formed");
        assert_eq!((fields.parent, fields.user_ticks, fields.system_ticks), (2, 250, 50));
        assert!(stat_fields("77 (a) R").is_none());
    }

    #[test]
    fn threads_are_classed_by_name() {
        fn check(name: &str, expected: &str) {
            assert_eq!(thread_class(thread_name(&format!("7 ({name}) S 2"))), expected);
        }
        check("kworker/u8:3-flush", "kworker");
        check("jbd2/vda-8", "jbd2");
        check("iou-wrk-4711", "iou-wrk");
        check("GC Thread#0", "GC Thread");
        check("shard 12", "shard");
        check("7", "");
    }

    #[test]
    fn new_threads_count_whole_and_ended_ones_by_the_ticks() {
        let thread = |ns| ("w".to_owned(), ns);
        let before = HashMap::from([(1, thread(500_000_000)), (2, thread(9))]);
        let after = HashMap::from([(1, thread(1_000_000_000)), (3, thread(250_000_000))]);
        assert_eq!(spent(&before, &after, |_| true).get("w"), Some(&0.75));
        assert!(spent(&before, &after, |_| false).is_empty());
        assert_eq!(total(0.76, 0.75), 0.75);
        assert_eq!(total(1.2, 0.75), 1.2);
    }

    #[test]
    fn kernel_threads_of_one_core_are_known_by_their_name() {
        fn check(name: &str, expected: bool) {
            assert_eq!(is_bound(name, 1), expected, "{name}");
        }
        check("ksoftirqd/1", true);
        check("kworker/1:1H-kblockd", true);
        check("ksoftirqd/11", false);
        check("kworker/0:1", false);
        check("kworker/u4:1-flush", false);
        check("jbd2/vda-1", false);
        check("kswapd1", false);
    }

    #[test]
    fn cores_are_told_apart() {
        let stat = "cpu  9 9 9 9 9 9 9 9\ncpu1 1 2 3 99 99 4 5 6 0 0\ncpu11 7 7 7 7 7 7 7 7\n";
        let times = core_times(stat, 1).expect("there");
        assert!((times.busy_s - 0.15).abs() < 1e-9, "{times:?}");
        assert!((times.softirq_s - 0.05).abs() < 1e-9 && (times.steal_s - 0.06).abs() < 1e-9);
        assert!((times.idle_s - 1.98).abs() < 1e-9, "{times:?}");
        assert!(core_times(stat, 2).is_none());
    }

    #[test]
    fn a_thread_that_ends_takes_no_switches_of_others_along() {
        let at = |waits, preemptions| Switches { waits, preemptions };
        let before = HashMap::from([(1, at(10, 2)), (2, at(500, 90))]);
        let after = HashMap::from([(1, at(16, 3)), (3, at(4, 0))]);
        assert_eq!(switched(&before, &after), at(10, 1));
    }

    #[test]
    fn a_busy_process_is_seen() {
        let watch = Watch::start(Some(std::process::id()), 0, 0).expect("own process");
        let start = Instant::now();
        let mut sum = 0u64;
        while start.elapsed() < Duration::from_millis(200) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let seen = watch.stop().expect("own process").broker.expect("was named");
        assert!(seen.total_s > 0.02 && seen.total_s < 20.0, "{seen:?}");
        assert!(seen.resident_bytes > 100_000);
        assert!(seen.descriptors >= 3 && seen.thread_count >= 1);
    }

    #[test]
    fn a_process_is_watched_while_a_command_runs() {
        let watched = |words: &str| {
            let pid = std::process::id();
            let line = format!("bench cpu --pid {pid} -- {words}");
            match Arguments::try_parse_from(line.split_whitespace()).expect("parses").command {
                arguments::Command::Cpu(options) => watch(&options),
                other => panic!("{other:?}"),
            }
        };
        let seconds = watched("sleep 0.05").expect("runs").seconds;
        assert!((0.05..5.0).contains(&seconds), "{seconds}");
        let error = watched("false").expect_err("fails").to_string();
        assert!(error.starts_with("false ended with"), "{error}");
    }
}
