//! What the machine allows, found out before the first shard starts.

use super::error::StartError;
use super::ring::OPERATIONS_MAX;
use super::system::{self, Facts};
use super::{RuntimeConfig, SHARDS_MAX};
use io_uring::{IoUring, Probe, opcode};
use std::io;

/// The first kernel with deferred task work.
const KERNEL_MIN: (u32, u32) = (6, 1);

/// Entries of a ring's queues. When the submission queue is full the requests go to the kernel early;
/// when the completion queue is full the kernel keeps the rest in its own memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RingSize {
    submission: u32,
    completion: u32,
}

/// The size we want.
pub(super) const LARGE: RingSize = RingSize { submission: 1024, completion: 8192 };
/// For processes that may lock little memory.
pub(super) const SMALL: RingSize = RingSize { submission: 256, completion: 1024 };

impl RingSize {
    /// Bytes that the kernel charges for a ring: entries of 64 and 16 bytes, an index of 4, a page.
    fn locked_bytes(self) -> u64 {
        68 * u64::from(self.submission) + 16 * u64::from(self.completion) + 4096
    }

    /// Bytes that so many shards lock, and two rings made for a look: the kernel takes a moment to
    /// forget those.
    pub(super) fn needed_bytes(self, shards: u16) -> u64 {
        (u64::from(shards) + 2) * self.locked_bytes()
    }
}

/// What was found, and what will be used.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(super) cpus: Vec<usize>,
    pub(super) shards: u16,
    pub(super) has_truncate: bool,
    /// [`OPERATIONS_MAX`], less in tests.
    pub(super) operations_max: usize,
    pub(super) ring_size: RingSize,
    kernel: String,
    flags: String,
    pub(super) memory_lock_bytes: Option<u64>,
}

impl Machine {
    /// One line for the log: what is used and why.
    pub fn describe(&self) -> String {
        let memory_lock = match self.memory_lock_bytes {
            None => "unlimited".to_owned(),
            Some(bytes) => format!("{} KiB", bytes >> 10),
        };
        let placed: Vec<String> =
            (0..self.shards).map(|index| self.cpu(index).to_string()).collect();
        let placed = placed.join(",");
        format!(
            "io backend uring (Linux {} allows it): ring {}, sq {}, cq {}; memlock {memory_lock}; \
             shards {} on cpus {placed}",
            self.kernel,
            self.flags,
            self.ring_size.submission,
            self.ring_size.completion,
            self.shards,
        )
    }

    /// The processor of a shard. Shards share processors when there are more of them.
    pub(super) fn cpu(&self, shard: u16) -> usize {
        self.cpus[usize::from(shard) % self.cpus.len()]
    }
}

/// Raises the limits that this process may raise, then finds out whether a runtime can start.
pub fn probe(config: &RuntimeConfig) -> Result<Machine, StartError> {
    if config.shards == 0 || config.shards > SHARDS_MAX {
        return Err(StartError::ShardCount { found: config.shards, max: SHARDS_MAX });
    }
    let cpus = choose_cpus(&config.cpus)?;
    system::raise_limits();
    let facts = Facts::read();
    if facts.kernel_version() < KERNEL_MIN {
        return Err(StartError::KernelTooOld { found: facts.kernel });
    }
    let ring_size = choose_size(&facts, config.shards)?;
    let (ring, flags) = match new_ring(ring_size) {
        Ok(made) => made,
        Err(error) => return Err(explain_setup(&error, facts)),
    };
    let has_truncate = check_operations(&ring, &facts)?;
    Ok(Machine {
        cpus,
        shards: config.shards,
        has_truncate,
        operations_max: OPERATIONS_MAX,
        ring_size,
        kernel: facts.kernel,
        flags,
        memory_lock_bytes: facts.memory_lock_bytes,
    })
}

/// Processors open to this process.
pub fn available_cpus() -> Vec<usize> {
    system::affinity()
}

fn choose_cpus(wanted: &[usize]) -> Result<Vec<usize>, StartError> {
    let available = system::affinity();
    if wanted.is_empty() {
        return Ok(available);
    }
    match wanted.iter().find(|cpu| !available.contains(cpu)) {
        None => Ok(wanted.to_vec()),
        Some(&cpu) => {
            let names: Vec<String> = available.iter().map(usize::to_string).collect();
            Err(StartError::Cpu { cpu, available: names.join(",") })
        }
    }
}

/// The largest rings that the limit on locked memory allows. They are charged to it since Linux 6.13
/// or so.
fn choose_size(facts: &Facts, shards: u16) -> Result<RingSize, StartError> {
    let Some(found_bytes) = facts.memory_lock_bytes else { return Ok(LARGE) };
    let wanted_bytes = SMALL.needed_bytes(shards);
    if facts.may_lock_beyond || found_bytes >= LARGE.needed_bytes(shards) {
        Ok(LARGE)
    } else if found_bytes >= wanted_bytes {
        Ok(SMALL)
    } else {
        Err(StartError::MemoryLock { found_bytes, wanted_bytes, shards })
    }
}

/// A ring with everything we ask for, to be used on this thread only, and its flags in words.
pub(super) fn new_ring(size: RingSize) -> io::Result<(IoUring, String)> {
    let names = "SINGLE_ISSUER|DEFER_TASKRUN|TASKRUN_FLAG|SUBMIT_ALL|CQSIZE";
    let mut builder = IoUring::builder();
    builder
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_taskrun_flag()
        .setup_submit_all()
        .setup_cqsize(size.completion)
        .dontfork();
    // Linux 6.6; without it each submission goes through one more array.
    let mut newer = builder.clone();
    newer.setup_no_sqarray();
    match newer.build(size.submission) {
        Ok(ring) => Ok((ring, format!("{names}|NO_SQARRAY"))),
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
            Ok((builder.build(size.submission)?, names.to_owned()))
        }
        Err(error) => Err(error),
    }
}

/// Why `io_uring_setup` failed.
fn explain_setup(error: &io::Error, facts: Facts) -> StartError {
    match error.raw_os_error() {
        // A filter may answer ENOSYS too; newer container runtimes do.
        Some(libc::ENOSYS) if facts.has_seccomp => {
            StartError::ForbiddenBySeccomp { errno: "function not implemented" }
        }
        Some(libc::ENOSYS) => StartError::NoIoUring { kernel: facts.kernel },
        Some(libc::EPERM | libc::EACCES) => match facts.io_uring_disabled {
            Some(1) => StartError::DisabledBySysctl {
                value: 1,
                group: ", or put the user into the group that kernel.io_uring_group names",
            },
            Some(value) if value > 1 => StartError::DisabledBySysctl { value, group: "" },
            _ if facts.has_seccomp => {
                StartError::ForbiddenBySeccomp { errno: "operation not permitted" }
            }
            _ => StartError::Forbidden,
        },
        Some(libc::ENOMEM) => {
            StartError::RingMemory { found_bytes: facts.memory_lock_bytes.unwrap_or(u64::MAX) }
        }
        Some(libc::EINVAL) => StartError::KernelTooOld { found: facts.kernel },
        _ => StartError::System {
            step: "io_uring_setup",
            source: io::Error::from_raw_os_error(error.raw_os_error().unwrap_or(libc::EIO)),
        },
    }
}

/// Whether all needed operations are there. Returns whether truncation is one of them.
fn check_operations(ring: &IoUring, facts: &Facts) -> Result<bool, StartError> {
    let needed = [
        ("ACCEPT", opcode::Accept::CODE),
        ("CONNECT", opcode::Connect::CODE),
        ("RECV", opcode::Recv::CODE),
        ("SEND", opcode::Send::CODE),
        ("SENDMSG", opcode::SendMsg::CODE),
        ("READ", opcode::Read::CODE),
        ("WRITE", opcode::Write::CODE),
        ("WRITEV", opcode::Writev::CODE),
        ("FSYNC", opcode::Fsync::CODE),
        ("FALLOCATE", opcode::Fallocate::CODE),
        ("OPENAT", opcode::OpenAt::CODE),
        ("RENAMEAT", opcode::RenameAt::CODE),
        ("UNLINKAT", opcode::UnlinkAt::CODE),
        ("MKDIRAT", opcode::MkDirAt::CODE),
        ("TIMEOUT", opcode::Timeout::CODE),
        // Moves the time of a timeout, too.
        ("TIMEOUT_REMOVE", opcode::TimeoutRemove::CODE),
        ("ASYNC_CANCEL", opcode::AsyncCancel::CODE),
    ];
    let mut probe = Probe::new();
    ring.submitter()
        .register_probe(&mut probe)
        .map_err(|source| StartError::System { step: "io_uring_register (probe)", source })?;
    let missing: Vec<&str> = needed
        .iter()
        .filter(|(_, code)| !probe.is_supported(*code))
        .map(|(name, _)| *name)
        .collect();
    if !missing.is_empty() {
        let kernel = facts.kernel.clone();
        return Err(StartError::Operations { kernel, missing: missing.join(", ") });
    }
    Ok(probe.is_supported(opcode::Ftruncate::CODE))
}

#[cfg(test)]
mod tests {
    use super::{Facts, LARGE, SMALL, choose_size, explain_setup, new_ring, probe};
    use crate::uring::{RuntimeConfig, StopHandle};
    use std::io;

    fn facts(io_uring_disabled: Option<u8>, has_seccomp: bool) -> Facts {
        let memory_lock_bytes = Some(64 << 10);
        let kernel = "6.8.0-test".to_owned();
        Facts { kernel, io_uring_disabled, has_seccomp, memory_lock_bytes, may_lock_beyond: false }
    }

    /// The message for an error number in given circumstances names the cause and the fix.
    fn check(errno: i32, facts: Facts, expected: [&str; 2]) {
        let text = explain_setup(&io::Error::from_raw_os_error(errno), facts).to_string();
        for part in expected {
            assert!(text.contains(part), "{text:?} lacks {part:?}");
        }
        assert!(!text.contains("  "), "{text:?}");
    }

    #[test]
    fn each_refusal_has_its_cause_and_fix() {
        check(libc::ENOSYS, facts(None, false), ["no io_uring", "CONFIG_IO_URING"]);
        check(libc::ENOSYS, facts(None, true), ["seccomp", "--security-opt seccomp"]);
        check(libc::EPERM, facts(Some(0), true), ["seccomp", "--security-opt seccomp"]);
        check(libc::EPERM, facts(None, true), ["not permitted", "SystemCallFilter"]);
        check(
            libc::EPERM,
            facts(Some(2), true),
            ["kernel.io_uring_disabled = 2", "sysctl -w kernel.io_uring_disabled=0"],
        );
        check(
            libc::EPERM,
            facts(Some(1), false),
            ["kernel.io_uring_disabled = 1", "kernel.io_uring_group"],
        );
        check(libc::EPERM, facts(Some(0), false), ["neither", "SELinux"]);
        check(libc::ENOMEM, facts(None, false), ["65536 bytes", "LimitMEMLOCK=infinity"]);
        check(libc::EINVAL, facts(None, false), ["6.8.0-test", "6.1 or later"]);
        check(libc::EMFILE, facts(None, false), ["io_uring_setup", "Too many open files"]);
    }

    #[test]
    fn rings_are_as_large_as_the_limit_allows() {
        let size = |memory_lock_bytes, may_lock_beyond, shards| {
            let facts = Facts { memory_lock_bytes, may_lock_beyond, ..facts(None, false) };
            choose_size(&facts, shards)
        };
        assert_eq!(size(None, false, 1000).expect("unlimited"), LARGE);
        assert_eq!(size(Some(8 << 20), false, 4).expect("room"), LARGE);
        assert_eq!(size(Some(512 << 10), false, 3).expect("room for small ones"), SMALL);
        assert_eq!(size(Some(64 << 10), true, 64).expect("not charged"), LARGE);
        let text = size(Some(512 << 10), false, 16).expect_err("too little").to_string();
        assert!(text.contains("524288 bytes") && text.contains("16 shard(s)"), "{text}");
    }

    #[test]
    fn the_machine_that_runs_the_tests_will_do() {
        let (_, flags) = new_ring(LARGE).expect("a ring");
        let config = RuntimeConfig { shards: 3, cpus: Vec::new(), stop: StopHandle::new() };
        let machine = probe(&config).expect("a machine fit for the tests");
        let text = machine.describe();
        assert!(text.contains(&flags) && text.contains("shards 3 on cpus "), "{text}");
        let placed = text.rsplit(' ').next().expect("words");
        assert_eq!(placed.split(',').count(), 3, "{text}");
    }

    #[test]
    fn a_cpu_that_is_not_there_is_named() {
        let cpus = vec![0, 4095];
        let config = RuntimeConfig { shards: 1, cpus, stop: StopHandle::new() };
        let text = probe(&config).expect_err("no such cpu").to_string();
        assert!(text.starts_with("cpu 4095 is not open to this process; open are: 0"), "{text}");
        let config = RuntimeConfig { shards: 0, cpus: Vec::new(), stop: StopHandle::new() };
        assert!(probe(&config).is_err());
    }
}
