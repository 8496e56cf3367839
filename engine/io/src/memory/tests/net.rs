//! The simulated network.

use super::super::{Chunking, Machine, MemoryEnv, MemoryStream, NetOptions, Options, Side};
use super::panic_message;
use crate::env::{Env, Listener, Queue, Stream};
use bytes::{Bytes, BytesMut};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

fn any() -> SocketAddr {
    "127.0.0.1:0".parse().expect("an address")
}

async fn pair(env: &MemoryEnv) -> (MemoryStream, MemoryStream) {
    let listener = env.listen(any()).expect("listens");
    let client = env.connect(listener.local()).await.expect("connects");
    let server = listener.accept().await.expect("accepts");
    assert_eq!((client.peer(), client.local()), (server.local(), server.peer()));
    (client, server)
}

async fn read(stream: &MemoryStream, wanted: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < wanted {
        let (count, buffer) = stream.recv(BytesMut::with_capacity(wanted - all.len())).await;
        if count.expect("receives") == 0 {
            break;
        }
        all.extend_from_slice(&buffer);
    }
    all
}

#[test]
fn bytes_arrive_in_order_however_they_are_cut() {
    let content: Vec<u8> = (0..3000_u32).flat_map(u32::to_le_bytes).collect();
    let mut sizes = BTreeSet::new();
    for chunking in [Chunking::Whole, Chunking::Random, Chunking::Bytes] {
        let net = NetOptions { chunking, window_bytes: 1000, ..Options::default().net };
        let machine = Machine::new(1, Options { net, ..Options::default() });
        machine.run(async |env| {
            let (client, server) = pair(&env).await;
            let segments: Vec<Bytes> = content.chunks(700).map(Bytes::copy_from_slice).collect();
            env.spawn(Queue::Net, async move {
                client.send(segments).await.expect("sent");
            });
            let mut all = Vec::new();
            loop {
                let (count, buffer) = server.recv(BytesMut::with_capacity(5000)).await;
                match count.expect("receives") {
                    0 => break,
                    count => sizes.insert(count),
                };
                all.extend_from_slice(&buffer);
            }
            assert_eq!(all, content, "{chunking:?}");
        });
    }
    assert!(sizes.contains(&1) && sizes.len() > 10, "{sizes:?}");
}

#[test]
fn a_full_window_holds_the_sender_back() {
    let net = NetOptions { window_bytes: 1000, ..Options::default().net };
    let machine = Machine::new(2, Options { net, ..Options::default() });
    machine.run(async |env| {
        let (client, server) = pair(&env).await;
        let sent = Rc::new(Cell::new(false));
        let (done, client) = (sent.clone(), Rc::new(client));
        let sender = client.clone();
        env.spawn(Queue::Net, async move {
            sender.send(vec![Bytes::from(vec![1; 1001])]).await.expect("sent");
            done.set(true);
        });
        env.sleep(Duration::from_secs(1)).await;
        assert!(!sent.get());
        assert_eq!(read(&server, 500).await.len(), 500);
        env.sleep(Duration::from_secs(1)).await;
        assert!(sent.get());
    });
}

#[test]
fn a_cut_fails_both_ends() {
    let machine = Machine::new(3, Options::default());
    machine.run(async |env| {
        let (client, server) = pair(&env).await;
        let mut pending = Box::pin(server.recv(BytesMut::with_capacity(10)));
        assert!(futures_util::future::poll_immediate(&mut pending).await.is_none());
        machine.cut(machine.connections()[0].id);
        let (result, _) = pending.await;
        assert_eq!(result.expect_err("cut").kind(), ErrorKind::ConnectionReset);
        let result = client.send(vec![Bytes::from_static(b"x")]).await;
        assert_eq!(result.expect_err("cut").kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn half_close_stall_and_shutdown() {
    let machine = Machine::new(4, Options::default());
    machine.run(async |env| {
        let (client, server) = pair(&env).await;
        client.send(vec![Bytes::from_static(b"last")]).await.expect("sent");
        client.end_sending();
        assert_eq!(read(&server, 100).await, b"last", "then the end");
        let id = machine.connections()[0].id;
        machine.stall(id, Side::Server);
        server.send(vec![Bytes::from_static(b"answer")]).await.expect("sent");
        let answer = client.recv(BytesMut::with_capacity(1));
        let mut answer = Box::pin(answer);
        let arrived = futures_util::future::poll_immediate(&mut answer).await;
        assert!(arrived.is_none());
        env.sleep(Duration::from_secs(60)).await;
        let arrived = futures_util::future::poll_immediate(&mut answer).await;
        assert!(arrived.is_none(), "stalled");
        machine.resume(id, Side::Server);
        assert_eq!(answer.await.1, b"a".as_slice());
        assert_eq!(read(&client, 5).await, b"nswer");
        let mut waiting = Box::pin(server.recv(BytesMut::with_capacity(1)));
        assert_eq!((&mut waiting).await.0.expect("the end"), 0);
        server.shutdown();
        let waiting = server.recv(BytesMut::with_capacity(1));
        assert_eq!(waiting.await.0.expect("the end"), 0);
        assert!(server.send(vec![Bytes::from_static(b"x")]).await.is_err());
        assert_eq!(read(&client, 1).await, b"", "the peer reads the end");
    });
}

#[test]
fn dropping_a_stream_closes_it() {
    let machine = Machine::new(5, Options::default());
    machine.run(async |env| {
        let (client, server) = pair(&env).await;
        client.send(vec![Bytes::from_static(b"bye")]).await.expect("sent");
        drop(client);
        assert_eq!(read(&server, 10).await, b"bye");
        assert!(server.send(vec![Bytes::from_static(b"x")]).await.is_err());
        let (client, server) = pair(&env).await;
        client.send(vec![Bytes::from_static(b"unread")]).await.expect("sent");
        env.sleep(Duration::from_millis(1)).await;
        drop(server);
        let (result, _) = client.recv(BytesMut::with_capacity(1)).await;
        assert_eq!(result.expect_err("reset").kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn nobody_there_and_too_many() {
    let net = NetOptions { backlog: 2, ..Options::default().net };
    let machine = Machine::new(6, Options { net, ..Options::default() });
    machine.run(async |env| {
        let refused = |result: std::io::Result<MemoryStream>| {
            assert_eq!(result.expect_err("refused").kind(), ErrorKind::ConnectionRefused);
        };
        refused(env.connect("127.0.0.1:9092".parse().expect("an address")).await);
        let listener = env.listen("0.0.0.0:9092".parse().expect("an address")).expect("listens");
        let target: SocketAddr = "127.0.0.1:9092".parse().expect("an address");
        let first = env.connect(target).await.expect("waits to be accepted");
        let _second = env.connect(target).await.expect("waits to be accepted");
        refused(env.connect(target).await);
        drop(listener);
        let (result, _) = first.recv(BytesMut::with_capacity(1)).await;
        assert!(result.is_err());
        refused(env.connect(target).await);
    });
}

#[test]
fn connections_are_cut_by_chance() {
    let net = NetOptions { cut_per_million: 100_000, ..Options::default().net };
    let machine = Machine::new(7, Options { net, ..Options::default() });
    machine.run(async |env| {
        let mut failed = 0;
        for _ in 0..50 {
            let (client, server) = pair(&env).await;
            let sent = client.send(vec![Bytes::from_static(b"x")]).await;
            let (received, _) = server.recv(BytesMut::with_capacity(1)).await;
            failed += u32::from(sent.is_err() || received.is_err());
        }
        assert!((1..50).contains(&failed), "{failed} of 50");
    });
}

#[test]
fn two_receives_at_once_are_named() {
    let machine = Machine::new(8, Options::default());
    let message = panic_message(|| {
        machine.run(async |env| {
            let (client, _server) = pair(&env).await;
            let first = client.recv(BytesMut::with_capacity(1));
            let second = client.recv(BytesMut::with_capacity(1));
            drop(futures_util::future::join(first, second).await);
        });
    });
    assert_eq!(message, "two receives in flight on one stream");
}
