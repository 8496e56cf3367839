//! What a request costs on this backend: an echo server on one shard, and a load generator (a plain
//! thread with epoll) that keeps one small message under way per connection.
//!
//! `cargo run --release -p engine-io --example echo -- [connections] [bytes] [seconds] [cpu]`
//!
//! The server is bound to `cpu` (0), the generator to the next one. Printed are round trips, and
//! round trips per second of processor time of the server's thread.

use bytes::BytesMut;
use engine_io::uring::{RuntimeConfig, StopHandle, UringEnv, probe, run};
use engine_io::{Env, Listener, Queue, Stream};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::mpsc;
use std::time::{Duration, Instant};

struct Load {
    address: SocketAddr,
    connections: usize,
    bytes: usize,
    length: Duration,
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let mut next = |default| match arguments.next() {
        Some(Ok(number)) => number,
        Some(Err(error)) => panic!("not a number: {error}"),
        None => default,
    };
    let (connections, bytes, seconds, cpu) = (next(64), next(64), next(5), next(0));
    let stop = StopHandle::new();
    let config = RuntimeConfig { shards: 1, cpus: vec![cpu], stop: stop.clone() };
    println!("{}", probe(&config).expect("a machine that will do").describe());
    let (sender, receiver) = mpsc::channel();
    let generator = std::thread::spawn(move || {
        let address = receiver.recv().expect("the server listens");
        let length = Duration::from_secs(seconds.try_into().expect("a number"));
        let count = generate(&Load { address, connections, bytes, length });
        stop.request_stop();
        count
    });
    let used =
        run::<(), _, _, _>(&config, move |env, _| serve(env, sender.clone())).expect("a runtime");
    let count = generator.join().expect("the generator");
    let cpu_seconds = used[0].as_secs_f64();
    let count = f64::from(u32::try_from(count).expect("fewer than 2^32"));
    println!(
        "{connections} connections, {bytes} B: {:.0} round trips/s, {:.0} per CPU-second, \
         {:.2} us of CPU each",
        count / f64::from(u32::try_from(seconds).expect("a number")),
        count / cpu_seconds,
        1e6 * cpu_seconds / count,
    );
}

/// Serves until the stop; the processor time used by this thread meanwhile.
async fn serve(env: UringEnv, sender: mpsc::Sender<SocketAddr>) -> Duration {
    let listener = env.listen(([127, 0, 0, 1], 0).into()).expect("a port");
    let start = thread_time();
    sender.send(listener.local()).expect("the generator waits");
    let server = env.clone();
    env.spawn(Queue::Net, async move {
        loop {
            let stream = listener.accept().await.expect("a connection");
            server.spawn(Queue::Net, echo(stream));
        }
    });
    env.stopped().await;
    thread_time() - start
}

async fn echo(stream: impl Stream) {
    let mut buffer = BytesMut::with_capacity(64 << 10);
    loop {
        buffer.reserve(4 << 10);
        let (result, back) = stream.recv(buffer).await;
        buffer = back;
        match result {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if stream.send(vec![buffer.split().freeze()]).await.is_err() {
            return;
        }
    }
}

/// Each connection sends its next message as soon as the last one came back.
fn generate(load: &Load) -> usize {
    // SAFETY: plain system call without pointers.
    let epoll = unsafe { libc::epoll_create1(0) };
    assert!(epoll >= 0);
    let message = vec![7u8; load.bytes];
    let mut back = vec![0u8; load.bytes];
    let mut streams = Vec::new();
    for index in 0..load.connections {
        let mut stream = TcpStream::connect(load.address).expect("a connection");
        stream.set_nodelay(true).expect("an option");
        let number = u64::try_from(index).expect("a number");
        let events = libc::EPOLLIN.cast_unsigned();
        let mut event = libc::epoll_event { events, u64: number };
        let (add, fd) = (libc::EPOLL_CTL_ADD, stream.as_raw_fd());
        // SAFETY: `event` is readable.
        assert_eq!(unsafe { libc::epoll_ctl(epoll, add, fd, &raw mut event) }, 0);
        stream.write_all(&message).expect("a send");
        streams.push(stream);
    }
    let start = Instant::now();
    let mut count = 0;
    let mut events = [libc::epoll_event { events: 0, u64: 0 }; 64];
    while start.elapsed() < load.length {
        // SAFETY: `events` has room for 64.
        let ready = unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), 64, 1000) };
        for event in &events[..usize::try_from(ready).expect("no error")] {
            let stream = &mut streams[usize::try_from(event.u64).expect("an index")];
            stream.read_exact(&mut back).expect("a receive");
            stream.write_all(&message).expect("a send");
            count += 1;
        }
    }
    count
}

/// Processor time of this thread.
fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is writable.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0);
    Duration::new(
        time.tv_sec.try_into().expect("not negative"),
        time.tv_nsec.try_into().expect("below 10^9"),
    )
}
