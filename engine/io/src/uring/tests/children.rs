//! Tests that change or end their process: each runs again as a child of the test, alone.

use super::super::probe::{SMALL, new_ring};
use super::{config, directory, listen, probe, run, run_alone, usage};
use crate::env::{Create, Env, Listener, OpenMode, Queue, Stream};
use bytes::{Bytes, BytesMut};
use futures_util::future::{Either, select};
use std::future::pending;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const CHILD: &str = "ENGINE_IO_TEST_CHILD";

/// Runs `body` in a process of its own and returns how that ended; in that process it does not
/// return.
fn in_child(name: &str, body: impl FnOnce()) -> Output {
    if std::env::var_os(CHILD).is_some() {
        body();
        std::process::exit(0);
    }
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "--nocapture"])
        .arg(format!("uring::tests::children::{name}"))
        .env(CHILD, name)
        .stdin(Stdio::null())
        .output()
        .expect("a child")
}

fn succeeded(output: &Output) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {text}", output.status);
}

#[test]
fn a_panic_on_one_shard_ends_the_process() {
    let output = in_child("a_panic_on_one_shard_ends_the_process", || {
        let result = run::<(), (), _, _>(&config(3), |env, _| async move {
            if env.shard().0 == 1 {
                env.spawn(Queue::Append, async { panic!("by intention") });
            }
            pending::<()>().await;
        });
        panic!("it went on: {result:?}");
    });
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{text}");
    assert!(text.contains("shard-1 panicked, the process ends"), "{text}");
    assert!(text.contains("by intention"), "{text}");
}

fn set_limit(resource: libc::__rlimit_resource_t, soft: u64, hard: u64) {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: `limit` is readable.
    assert_eq!(unsafe { libc::setrlimit(resource, &raw const limit) }, 0);
}

#[test]
fn accepting_pauses_without_descriptors() {
    let output = in_child("accepting_pauses_without_descriptors", || {
        run_alone(|env| async move {
            let (listener, address) = listen(&env);
            // The clients have their descriptors before the limit falls.
            let clients: Vec<OwnedFd> = (0..20).map(|_| socket()).collect();
            let highest = clients.iter().map(AsRawFd::as_raw_fd).max().expect("some");
            let room = u64::try_from(highest).expect("not negative") + 4;
            set_limit(libc::RLIMIT_NOFILE, room, 4096);
            for client in &clients {
                connect(client, address.port());
            }
            let mut streams = Vec::new();
            for _ in 0..3 {
                streams.push(listener.accept().await.expect("a connection"));
            }
            let before = usage();
            {
                let accepting = pin!(listener.accept());
                let rest = pin!(env.sleep(Duration::from_millis(500)));
                let starved = matches!(select(accepting, rest).await, Either::Right(_));
                assert!(starved, "no descriptor, no connection");
            }
            let after = usage();
            assert!(after.0 - before.0 < 40, "it spins: {:?} to {:?}", before.0, after.0);
            set_limit(libc::RLIMIT_NOFILE, 4096, 4096);
            for _ in 0..17 {
                streams.push(listener.accept().await.expect("a connection"));
            }
        });
    });
    succeeded(&output);
}

fn socket() -> OwnedFd {
    // SAFETY: plain system call without pointers.
    let raw = unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, 0) };
    assert!(raw >= 0);
    // SAFETY: the descriptor is new.
    unsafe { OwnedFd::from_raw_fd(raw) }
}

fn connect(socket: &OwnedFd, port: u16) {
    let address = super::super::address::SocketAddress::new(([127, 0, 0, 1], port).into());
    // SAFETY: an address of the length it says.
    let result = unsafe { libc::connect(socket.as_raw_fd(), address.pointer(), address.len()) };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

#[test]
fn a_runtime_leaves_no_descriptors() {
    let output = in_child("a_runtime_leaves_no_descriptors", || {
        let path = directory("descriptors");
        let count = || std::fs::read_dir("/proc/self/fd").expect("a listing").count();
        let round = || {
            let path = path.clone();
            run_alone(move |env| {
                let path = path.clone();
                async move {
                    let (listener, address) = listen(&env);
                    let near = env.connect(address).await.expect("a connection");
                    let far = listener.accept().await.expect("a connection");
                    // In the queue of the listener when it ends.
                    let third = env.connect(address).await.expect("a connection");
                    env.sleep(Duration::from_millis(5)).await;
                    let mode = OpenMode { write: true, create: Create::IfMissing, direct: true };
                    let file = env.open(&path.join("file"), mode).await.expect("a file");
                    // Everything stays behind in a task that waits.
                    env.spawn(Queue::Net, async move {
                        let receiving = far.recv(BytesMut::with_capacity(10));
                        let sending = near.send(vec![Bytes::from(vec![1; 32 << 20])]);
                        let accepting = listener.accept();
                        let _ = futures_util::future::join3(receiving, sending, accepting).await;
                        drop((file, third));
                    });
                    env.sleep(Duration::from_millis(5)).await;
                }
            });
        };
        round();
        let before = count();
        for _ in 0..10 {
            round();
        }
        assert_eq!(count(), before);
        std::fs::remove_dir_all(&path).expect("removed");
    });
    succeeded(&output);
}

/// Gives up all privileges for good, if there are any. Locked memory is counted per user, so tests
/// that run at a time take different ones.
fn become_user(user: libc::uid_t) {
    // SAFETY: plain system calls without pointers.
    unsafe {
        if libc::geteuid() == 0 {
            assert_eq!(libc::setresgid(user, user, user), 0);
            assert_eq!(libc::setresuid(user, user, user), 0);
        }
    }
}

#[test]
fn a_low_limit_on_locked_memory_is_named() {
    let output = in_child("a_low_limit_on_locked_memory_is_named", || {
        set_limit(libc::RLIMIT_MEMLOCK, 64 << 10, 64 << 10);
        become_user(65_534);
        drop(new_ring(SMALL).expect("our ring needs little"));
        let text = probe(&config(1)).expect_err("a few more need more").to_string();
        for part in ["65536 bytes", "113664", "LimitMEMLOCK=infinity", "--ulimit memlock=-1"] {
            assert!(text.contains(part), "{text}");
        }
        let result = run::<(), _, _, _>(&config(1), |_, _| async {});
        assert_eq!(result.expect_err("the same").to_string(), text);
    });
    succeeded(&output);
}

#[test]
fn no_privilege_is_needed() {
    let output = in_child("no_privilege_is_needed", || {
        // What systemd gives by default, behind a low soft limit.
        set_limit(libc::RLIMIT_MEMLOCK, 64 << 10, 8 << 20);
        become_user(65_533);
        let results = run::<(), _, _, _>(&config(4), |env, _| async move {
            env.sleep(Duration::from_millis(1)).await;
        });
        assert_eq!(results.expect("raised to the hard limit").len(), 4);
    });
    succeeded(&output);
}

#[test]
fn small_rings_start_under_a_small_limit() {
    let output = in_child("small_rings_start_under_a_small_limit", || {
        // Not one byte more than we say is needed.
        let enough = SMALL.needed_bytes(3);
        set_limit(libc::RLIMIT_MEMLOCK, enough, enough);
        become_user(65_532);
        let text = probe(&config(3)).expect("room for three").describe();
        assert!(text.contains("sq 256, cq 1024"), "{text}");
        assert!(text.contains(&format!("memlock {} KiB", enough >> 10)), "{text}");
        // More at a time than either queue holds.
        let results = run::<(), _, _, _>(&config(3), |env, _| async move {
            let (listener, address) = listen(&env);
            let count = 2000;
            let ends = (0..count).map(|_| env.connect(address));
            let connecting = futures_util::future::join_all(ends);
            let accepting = async {
                let mut streams = Vec::new();
                for _ in 0..count {
                    streams.push(listener.accept().await.expect("a connection"));
                }
                streams
            };
            let (near, far) = futures_util::future::join(connecting, accepting).await;
            let near: Vec<_> = near.into_iter().map(|end| end.expect("a connection")).collect();
            let receives = far.iter().map(|end| end.recv(BytesMut::with_capacity(8)));
            let receiving = futures_util::future::join_all(receives);
            let sends = near.iter().map(|end| end.send(vec![Bytes::from_static(b"8 bytes.")]));
            let sending = futures_util::future::join_all(sends);
            let (received, sent) = futures_util::future::join(receiving, sending).await;
            assert!(sent.iter().all(Result::is_ok));
            assert!(received.iter().all(|(result, _)| matches!(result, Ok(8))));
        });
        assert_eq!(results.expect("a runtime").len(), 3);
    });
    succeeded(&output);
}

/// Has every later io_uring_setup of this process fail with `errno`, as a container's profile would.
fn forbid_io_uring(errno: i32) {
    let number = u32::try_from(libc::SYS_io_uring_setup).expect("a number");
    let refuse = libc::SECCOMP_RET_ERRNO | errno.cast_unsigned();
    let rule = |code: u32, jumps: (u8, u8), k: u32| libc::sock_filter {
        code: u16::try_from(code).expect("16 bits"),
        jt: jumps.0,
        jf: jumps.1,
        k,
    };
    let mut rules = [
        // The number of the call; is it this one; refuse; allow.
        rule(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, (0, 0), 0),
        rule(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, (0, 1), number),
        rule(libc::BPF_RET | libc::BPF_K, (0, 0), refuse),
        rule(libc::BPF_RET | libc::BPF_K, (0, 0), libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: 4, filter: rules.as_mut_ptr() };
    // SAFETY: plain system call without pointers.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }, 0);
    // SAFETY: `program` names four rules that live until the call returns.
    let result =
        unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

#[test]
fn a_seccomp_profile_is_named() {
    let output = in_child("a_seccomp_profile_is_named", || {
        forbid_io_uring(libc::EPERM);
        let text = probe(&config(1)).expect_err("forbidden").to_string();
        assert!(text.contains("seccomp profile forbids io_uring"), "{text}");
        assert!(text.contains("operation not permitted"), "{text}");
    });
    succeeded(&output);
}

#[test]
fn a_seccomp_profile_is_told_from_an_old_kernel() {
    let output = in_child("a_seccomp_profile_is_told_from_an_old_kernel", || {
        forbid_io_uring(libc::ENOSYS);
        let text = probe(&config(1)).expect_err("forbidden").to_string();
        assert!(text.contains("seccomp profile forbids io_uring"), "{text}");
        assert!(text.contains("function not implemented"), "{text}");
    });
    succeeded(&output);
}
