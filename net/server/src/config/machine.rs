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
        let limit = read("/sys/fs/cgroup/memory.max").trim().parse().unwrap_or(u64::MAX);
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
    use super::{Machine, mem_total};

    #[test]
    fn memory_is_read_from_the_systems_text() {
        let text = "MemFree: 1 kB\nMemTotal:       16384 kB\nX: 2 kB\n";
        assert_eq!(mem_total(text), Some(16_384 * 1024));
        assert_eq!(mem_total("MemTotal: many\n"), None);
        assert_eq!(mem_total(""), None);
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
