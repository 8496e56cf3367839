//! Internet addresses in the kernel's form.

use std::io;
use std::mem::size_of;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, OwnedFd};

/// A `sockaddr` of either family.
pub(super) enum SocketAddress {
    V4(libc::sockaddr_in),
    V6(libc::sockaddr_in6),
}

const V4_LEN: libc::socklen_t = 16;
const V6_LEN: libc::socklen_t = 28;
const _: () = assert!(size_of::<libc::sockaddr_in>() == 16);
const _: () = assert!(size_of::<libc::sockaddr_in6>() == 28);

impl SocketAddress {
    pub(super) fn new(address: SocketAddr) -> SocketAddress {
        match address {
            SocketAddr::V4(v4) => SocketAddress::V4(libc::sockaddr_in {
                sin_family: family(libc::AF_INET),
                sin_port: v4.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) },
                sin_zero: [0; 8],
            }),
            SocketAddr::V6(v6) => SocketAddress::V6(libc::sockaddr_in6 {
                sin6_family: family(libc::AF_INET6),
                sin6_port: v6.port().to_be(),
                sin6_flowinfo: v6.flowinfo().to_be(),
                sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                sin6_scope_id: v6.scope_id(),
            }),
        }
    }

    pub(super) fn family(&self) -> i32 {
        match self {
            SocketAddress::V4(_) => libc::AF_INET,
            SocketAddress::V6(_) => libc::AF_INET6,
        }
    }

    pub(super) fn pointer(&self) -> *const libc::sockaddr {
        match self {
            SocketAddress::V4(v4) => (&raw const *v4).cast(),
            SocketAddress::V6(v6) => (&raw const *v6).cast(),
        }
    }

    pub(super) fn len(&self) -> libc::socklen_t {
        match self {
            SocketAddress::V4(_) => V4_LEN,
            SocketAddress::V6(_) => V6_LEN,
        }
    }
}

fn family(number: i32) -> libc::sa_family_t {
    libc::sa_family_t::try_from(number).expect("families are small numbers")
}

type NameCall = unsafe extern "C" fn(i32, *mut libc::sockaddr, *mut libc::socklen_t) -> libc::c_int;

/// The address this end is bound to.
pub(super) fn local_of(socket: &OwnedFd) -> io::Result<SocketAddr> {
    name_of(socket, libc::getsockname)
}

/// The address of the other end.
pub(super) fn peer_of(socket: &OwnedFd) -> io::Result<SocketAddr> {
    name_of(socket, libc::getpeername)
}

fn name_of(socket: &OwnedFd, call: NameCall) -> io::Result<SocketAddr> {
    // SAFETY: zeros are a valid (unspecified) address.
    let mut name: libc::sockaddr_in6 = unsafe { std::mem::zeroed() };
    let mut len = V6_LEN;
    // SAFETY: `name` and `len` are valid for writes; the kernel writes at most `len` bytes.
    let result = unsafe { call(socket.as_raw_fd(), (&raw mut name).cast(), &raw mut len) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    match i32::from(name.sin6_family) {
        libc::AF_INET => {
            // SAFETY: the kernel says this is an IPv4 address, which is shorter than the buffer.
            let v4: libc::sockaddr_in =
                unsafe { (&raw const name).cast::<libc::sockaddr_in>().read() };
            let ip = Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes());
            Ok(SocketAddr::V4(SocketAddrV4::new(ip, u16::from_be(v4.sin_port))))
        }
        libc::AF_INET6 => {
            let ip = Ipv6Addr::from(name.sin6_addr.s6_addr);
            let (flow, scope) = (u32::from_be(name.sin6_flowinfo), name.sin6_scope_id);
            Ok(SocketAddr::V6(SocketAddrV6::new(ip, u16::from_be(name.sin6_port), flow, scope)))
        }
        other => Err(io::Error::other(format!("socket of address family {other}"))),
    }
}
