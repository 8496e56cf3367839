//! Why a runtime cannot start: one variant per cause, each message with the cause and the fix.

use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// See the head of the file.
#[derive(Error, Debug)]
pub enum StartError {
    #[error(
        "the kernel is too old: this is Linux {found}, and 6.1 or later is needed (io_uring with \
         deferred task work). Boot a newer kernel: Debian 12, Ubuntu 24.04, RHEL 10 and their \
         like have one"
    )]
    KernelTooOld { found: String },
    #[error(
        "the kernel has no io_uring (io_uring_setup: function not implemented, Linux {kernel}). Boot \
         a kernel built with CONFIG_IO_URING"
    )]
    NoIoUring { kernel: String },
    #[error(
        "a seccomp profile forbids io_uring (io_uring_setup: {errno}; Docker's default profile does \
         this). Allow io_uring_setup, io_uring_enter and io_uring_register: `docker run \
         --security-opt seccomp=unconfined`, or a profile that lists them; in Kubernetes \
         securityContext.seccompProfile; in systemd remove them from SystemCallFilter"
    )]
    ForbiddenBySeccomp { errno: &'static str },
    #[error(
        "io_uring is switched off on this machine (kernel.io_uring_disabled = {value}). Allow it: \
         `sysctl -w kernel.io_uring_disabled=0`{group}"
    )]
    DisabledBySysctl { value: u8, group: &'static str },
    #[error(
        "the kernel refused io_uring (operation not permitted) and neither seccomp nor \
         kernel.io_uring_disabled is the cause. Look for a security module (SELinux, AppArmor, \
         gVisor) in the kernel log"
    )]
    Forbidden,
    #[error(
        "too little memory may be locked: the limit (RLIMIT_MEMLOCK) is {found_bytes} bytes, and \
         {wanted_bytes} are needed for the rings of {shards} shard(s). Raise it: `LimitMEMLOCK=infinity` in the systemd unit, `docker run \
         --ulimit memlock=-1`, or a line `* hard memlock unlimited` in /etc/security/limits.conf; \
         or start fewer shards"
    )]
    MemoryLock { found_bytes: u64, wanted_bytes: u64, shards: u16 },
    #[error(
        "no memory for a ring, though the limit on locked memory (RLIMIT_MEMLOCK, {found_bytes} \
         bytes) allows it: other processes of this user may have used it up, or the container is \
         out of memory. Raise it: `LimitMEMLOCK=infinity` in the systemd unit, `docker run --ulimit \
         memlock=-1`"
    )]
    RingMemory { found_bytes: u64 },
    #[error(
        "this kernel (Linux {kernel}) lacks operations of io_uring that are needed: {missing}. Boot \
         Linux 6.1 or later, and allow them if a policy restricts rings"
    )]
    Operations { kernel: String, missing: String },
    #[error("cpu {cpu} is not open to this process; open are: {available}. Change tidemill.cpus")]
    Cpu { cpu: usize, available: String },
    #[error("a runtime needs at least one shard and at most {max}, not {found}")]
    ShardCount { found: u16, max: u16 },
    #[error("shard {shard} cannot start: {step}: {source}")]
    Shard { shard: u16, step: &'static str, source: io::Error },
    #[error("cannot start: {step}: {source}")]
    System { step: &'static str, source: io::Error },
    #[error(
        "the file system {kind} of {path} has no direct I/O (O_DIRECT: invalid argument). Put the \
         data directory on ext4 or XFS; in a container mount a volume of the host there"
    )]
    NoDirectIo { path: PathBuf, kind: String },
    #[error("cannot use {path} as a data directory: {step}: {source}")]
    DataDirectory { path: PathBuf, step: &'static str, source: io::Error },
}
