//! What the configuration needs to know of the machine: name, processors, memory, addresses of
//! names. The only file here that asks the operating system; called once, before any shard runs.

use std::fs::read_to_string;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

/// Resolves a host and port to an address to bind; an empty host stands for all addresses.
pub type Resolve = fn(&str, u16) -> io::Result<SocketAddr>;

#[derive(Clone, Debug)]
pub struct Machine {
    /// Told to clients where no address is configured.
    pub hostname: String,
    /// Processors this process may use; at least one.
    pub cpus: usize,
    /// Memory this process may use, in bytes.
    pub memory_bytes: u64,
    pub resolve: Resolve,
}

/// Assumed where the system does not say.
const MEMORY_BYTES_UNKNOWN: u64 = 1 << 30;

impl Machine {
    /// The machine this process runs on.
    pub fn detect() -> Machine {
        let read = |path: &str| read_to_string(path).unwrap_or_default();
        let hostname = read("/proc/sys/kernel/hostname").trim().to_owned();
        let total = mem_total(&read("/proc/meminfo")).unwrap_or(MEMORY_BYTES_UNKNOWN);
        let limit = group_limit(&read("/proc/self/cgroup"), &read);
        Machine {
            hostname: if hostname.is_empty() { "localhost".to_owned() } else { hostname },
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: total.min(limit),
            resolve,
        }
    }
}

/// `MemTotal` of `/proc/meminfo` in bytes.
fn mem_total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// A version of control groups: where it is mounted by convention, and the files there that limit a
/// group's memory.
struct Groups {
    roots: &'static [&'static str],
    limits: &'static [&'static str],
}

const GROUPS_1: Groups =
    Groups { roots: &["/sys/fs/cgroup/memory"], limits: &["memory.limit_in_bytes"] };
/// Alone, or beside version 1.
const GROUPS_2: Groups = Groups {
    roots: &["/sys/fs/cgroup", "/sys/fs/cgroup/unified"],
    limits: &["memory.max", "memory.high"],
};

/// The least of the limits on the memory of the process's control groups and of all above them; that
/// of none is `u64::MAX`. `groups` is the text of /proc/self/cgroup. In a container its paths may be
/// the host's, and the container's own group is the root of what is mounted: groups that are not
/// there limit nothing.
fn group_limit(groups: &str, read: &dyn Fn(&str) -> String) -> u64 {
    let mut least = u64::MAX;
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let version = match controllers {
            "" => GROUPS_2,
            _ if controllers.split(',').any(|controller| controller == "memory") => GROUPS_1,
            _ => continue,
        };
        for root in version.roots {
            let mut group = (*root).to_owned();
            let names = path.split('/').filter(|name| !name.is_empty() && *name != "..");
            for name in std::iter::once("").chain(names) {
                if !name.is_empty() {
                    group.push('/');
                    group.push_str(name);
                }
                for file in version.limits {
                    let limit = read(&format!("{group}/{file}")).trim().parse();
                    least = least.min(limit.unwrap_or(u64::MAX));
                }
            }
        }
    }
    least
}

fn resolve(host: &str, port: u16) -> io::Result<SocketAddr> {
    if host.is_empty() {
        // A socket on all IPv6 addresses takes IPv4 as well, if the system has IPv6 at all.
        let has_ipv6 = read_to_string("/proc/net/if_inet6").is_ok_and(|text| !text.is_empty());
        return Ok(match has_ipv6 {
            true => (Ipv6Addr::UNSPECIFIED, port).into(),
            false => (Ipv4Addr::UNSPECIFIED, port).into(),
        });
    }
    let mut found = (host, port).to_socket_addrs()?;
    found.next().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
}

#[cfg(test)]
mod tests {
    use super::{Machine, group_limit, mem_total};

    #[test]
    fn memory_is_read_from_the_systems_text() {
        let text = "MemFree: 1 kB\nMemTotal:       16384 kB\nX: 2 kB\n";
        assert_eq!(mem_total(text), Some(16_384 * 1024));
        assert_eq!(mem_total("MemTotal: many\n"), None);
        assert_eq!(mem_total(""), None);
    }

    #[test]
    fn the_least_limit_of_the_groups_above_counts() {
        let check = |groups: &str, files: &[(&str, &str)], expected: u64| {
            let read = |path: &str| {
                let found = files.iter().find(|(name, _)| *name == path);
                found.map_or(String::new(), |(_, text)| (*text).to_owned())
            };
            assert_eq!(group_limit(groups, &read), expected, "{groups} {files:?}");
        };
        let second = "0::/system.slice/tidemill.service\n";
        let none = u64::MAX;
        check("", &[], none);
        check("nonsense\n7:\n", &[], none);
        check(
            second,
            &[("/sys/fs/cgroup/system.slice/tidemill.service/memory.max", "max\n")],
            none,
        );
        check(
            second,
            &[("/sys/fs/cgroup/system.slice/tidemill.service/memory.max", "4096\n")],
            4096,
        );
        check(second, &[("/sys/fs/cgroup/system.slice/memory.high", "8192\n")], 8192);
        check(
            second,
            &[
                ("/sys/fs/cgroup/system.slice/memory.max", "300\n"),
                ("/sys/fs/cgroup/system.slice/tidemill.service/memory.max", "500\n"),
            ],
            300,
        );
        // A container with a name space of its own, and one without, which sees its group as the root.
        check("0::/\n", &[("/sys/fs/cgroup/memory.max", "77\n")], 77);
        check("0::/../other\n", &[("/sys/fs/cgroup/memory.max", "77\n")], 77);
        let first = "9:name=systemd:/\n4:cpu,memory:/docker/abc\n0::/\n";
        check(first, &[("/sys/fs/cgroup/memory/memory.limit_in_bytes", "4294967296\n")], 1 << 32);
        let own = "/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes";
        check(first, &[(own, "1048576\n")], 1 << 20);
        check(first, &[(own, "9223372036854771712\n")], 9_223_372_036_854_771_712);
        // Another controller's group says nothing of memory.
        check("3:cpuset:/docker/abc\n", &[(own, "1048576\n")], none);
        check(first, &[("/sys/fs/cgroup/unified/memory.max", "5000\n")], 5000);
    }

    #[test]
    fn this_machine_has_a_name_processors_and_memory() {
        let machine = Machine::detect();
        assert!(!machine.hostname.is_empty() && machine.cpus > 0);
        assert!(machine.memory_bytes > 1 << 20);
        let address = (machine.resolve)("127.0.0.1", 9092).expect("an address");
        assert_eq!(address.to_string(), "127.0.0.1:9092");
        assert!((machine.resolve)("", 1).expect("all").ip().is_unspecified());
    }
}
