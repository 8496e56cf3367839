//! Facts about the process and the kernel, and the limits a process may raise for itself.

use std::io;

/// What decides whether io_uring works here, read without using it.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// As `uname -r` prints it.
    pub(super) kernel: String,
    /// `kernel.io_uring_disabled`; kernels before 6.6 have no such setting.
    pub(super) io_uring_disabled: Option<u8>,
    /// Whether a seccomp filter is in force.
    pub(super) has_seccomp: bool,
    /// Soft limit on locked memory. `None`: unlimited.
    pub(super) memory_lock_bytes: Option<u64>,
    /// Whether this process may lock memory beyond the limit (`CAP_IPC_LOCK`).
    pub(super) may_lock_beyond: bool,
}

impl Facts {
    pub(super) fn read() -> Facts {
        let disabled = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled").ok();
        // Filters and capabilities belong to threads; the shards inherit those of this one.
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
        Facts {
            kernel: kernel_release(),
            io_uring_disabled: disabled.and_then(|text| text.trim().parse().ok()),
            has_seccomp: seccomp_filters(&status),
            memory_lock_bytes: limit_of(libc::RLIMIT_MEMLOCK).and_then(|limit| limit.soft()),
            may_lock_beyond: has_capability(&status, CAP_IPC_LOCK),
        }
    }

    /// Major and minor version; a release we cannot read counts as new enough, the ring will tell.
    pub(super) fn kernel_version(&self) -> (u32, u32) {
        parse_version(&self.kernel).unwrap_or((u32::MAX, 0))
    }
}

fn parse_version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit());
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next()?.parse().ok()?;
    Some((major, minor))
}

fn seccomp_filters(status: &str) -> bool {
    status.lines().filter_map(|line| line.strip_prefix("Seccomp:")).any(|mode| mode.trim() == "2")
}

/// `CAP_IPC_LOCK` of capabilities(7).
const CAP_IPC_LOCK: u32 = 14;

fn has_capability(status: &str, number: u32) -> bool {
    status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & (1 << number) != 0)
}

fn kernel_release() -> String {
    std::fs::read_to_string("/proc/sys/kernel/osrelease")
        .map_or_else(|_| "of unknown release".to_owned(), |text| text.trim().to_owned())
}

struct Limit(libc::rlimit);

impl Limit {
    fn soft(&self) -> Option<u64> {
        (self.0.rlim_cur != libc::RLIM_INFINITY).then_some(self.0.rlim_cur)
    }
}

fn limit_of(resource: libc::__rlimit_resource_t) -> Option<Limit> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is writable.
    let result = unsafe { libc::getrlimit(resource, &raw mut limit) };
    (result == 0).then_some(Limit(limit))
}

/// Lets this process lock as much memory and open as many files as it is allowed to: a privileged
/// one without limit, any other up to its hard limits. What cannot be raised stays.
pub(super) fn raise_limits() {
    let unlimited = libc::RLIM_INFINITY;
    let no_limit = libc::rlimit { rlim_cur: unlimited, rlim_max: unlimited };
    if !set_limit(libc::RLIMIT_MEMLOCK, no_limit) {
        raise_to_hard(libc::RLIMIT_MEMLOCK);
    }
    raise_to_hard(libc::RLIMIT_NOFILE);
}

fn raise_to_hard(resource: libc::__rlimit_resource_t) {
    if let Some(Limit(limit)) = limit_of(resource)
        && limit.rlim_cur != limit.rlim_max
    {
        set_limit(resource, libc::rlimit { rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max });
    }
}

fn set_limit(resource: libc::__rlimit_resource_t, limit: libc::rlimit) -> bool {
    // SAFETY: `limit` is readable.
    unsafe { libc::setrlimit(resource, &raw const limit) == 0 }
}

const CPUS_MAX: usize = 8 * std::mem::size_of::<libc::cpu_set_t>();

/// Processors that this thread may run on.
pub(super) fn affinity() -> Vec<usize> {
    // SAFETY: zeros are an empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    let bytes = std::mem::size_of::<libc::cpu_set_t>();
    // SAFETY: `set` is writable and of the size given.
    let result = unsafe { libc::sched_getaffinity(0, bytes, &raw mut set) };
    if result != 0 {
        // A machine with more processors than the set holds: the first is always worth a try.
        return vec![0];
    }
    // SAFETY: every number asked for lies inside the set.
    (0..CPUS_MAX).filter(|cpu| unsafe { libc::CPU_ISSET(*cpu, &set) }).collect()
}

/// Binds this thread to one processor.
pub(super) fn pin_to(cpu: usize) -> io::Result<()> {
    assert!(cpu < CPUS_MAX);
    // SAFETY: zeros are an empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the number lies inside the set.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    let bytes = std::mem::size_of::<libc::cpu_set_t>();
    // SAFETY: `set` is readable and of the size given.
    let result = unsafe { libc::sched_setaffinity(0, bytes, &raw const set) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::{CAP_IPC_LOCK, affinity, has_capability, parse_version, seccomp_filters};

    #[test]
    fn releases_are_read() {
        let cases = [
            ("6.18.44-fc-v595", Some((6, 18))),
            ("5.15.0", Some((5, 15))),
            ("6.1-rc3", Some((6, 1))),
            ("unknown", None),
            ("", None),
        ];
        for (release, expected) in cases {
            assert_eq!(parse_version(release), expected, "{release}");
        }
    }

    #[test]
    fn seccomp_is_a_filter_only_in_mode_two() {
        assert!(seccomp_filters("Name:\tx\nSeccomp:\t2\nSeccomp_filters:\t1\n"));
        assert!(!seccomp_filters("Seccomp:\t0\nSeccomp_filters:\t2\n"));
        assert!(!seccomp_filters(""));
    }

    #[test]
    fn capabilities_are_bits() {
        let status = |mask: &str| format!("CapPrm:\t0\nCapEff:\t{mask}\nCapBnd:\tffff\n");
        assert!(has_capability(&status("0000000000004000"), CAP_IPC_LOCK));
        assert!(has_capability(&status("000001ffffffffff"), CAP_IPC_LOCK));
        assert!(!has_capability(&status("000001ffffffbfff"), CAP_IPC_LOCK));
        assert!(!has_capability("", CAP_IPC_LOCK));
    }

    #[test]
    fn this_thread_may_run_somewhere() {
        assert!(!affinity().is_empty());
    }
}
