//! Listeners and streams.

use super::{Message, in_time, listen, pattern, poll_once, spawned};
use crate::env::{Env, Listener, Queue, Stream};
use crate::mail::Mail;
use bytes::{Bytes, BytesMut};
use futures_util::future::join_all;
use std::path::PathBuf;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

/// A connection and its two ends: the one that connected, the one that accepted.
async fn pair<E: Env>(env: &E) -> (E::Stream, E::Stream) {
    let (listener, address) = listen(env);
    let connecting = spawned(env, Queue::Net, {
        let env = env.clone();
        async move { env.connect(address).await.expect("a connection") }
    });
    let accepting = async { listener.accept().await.expect("a connection") };
    let (near, far) = futures_util::future::join(connecting, accepting).await;
    assert_eq!(near.peer(), address);
    assert_eq!(far.local(), address);
    assert_eq!(near.local(), far.peer());
    (near, far)
}

/// Receives until `buffer` holds `len` bytes or the stream ends.
async fn receive(stream: &impl Stream, mut buffer: BytesMut, len: usize) -> BytesMut {
    while buffer.len() < len {
        buffer.reserve(len - buffer.len());
        let (result, back) = stream.recv(buffer).await;
        buffer = back;
        if result.expect("a receive") == 0 {
            break;
        }
    }
    buffer
}

/// Sends back what comes until the stream ends.
async fn echo(stream: impl Stream) {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(4096);
        let (result, back) = stream.recv(buffer).await;
        buffer = back;
        match result {
            Ok(0) | Err(_) => return,
            Ok(count) => assert!(count <= buffer.len()),
        }
        if stream.send(vec![buffer.split().freeze()]).await.is_err() {
            return;
        }
    }
}

/// Accepts and echoes until dropped.
fn serve<E: Env>(env: &E, listener: E::Listener) {
    let server = env.clone();
    env.spawn(Queue::Net, async move {
        loop {
            let stream = listener.accept().await.expect("a connection");
            server.spawn(Queue::Net, echo(stream));
        }
    });
}

pub(crate) async fn bytes_come_back<E: Env>(env: E, _: Mail<Message>, _: PathBuf) {
    let (near, far) = pair(&env).await;
    env.spawn(Queue::Net, echo(far));
    let round = async {
        for len in [1, 2, 100, 4096, 100_000] {
            let content = pattern(len, len);
            let half = len / 2;
            let segments = vec![
                Bytes::copy_from_slice(&content[..half]),
                Bytes::new(),
                Bytes::copy_from_slice(&content[half..]),
            ];
            // What the buffer held before stays before what comes.
            let buffer = BytesMut::from(b"old".as_slice());
            let (sent, back) =
                futures_util::future::join(near.send(segments), receive(&near, buffer, len + 3))
                    .await;
            sent.expect("a send");
            assert_eq!(&back[..3], b"old");
            assert_eq!(&back[3..], content);
        }
        near.send(Vec::new()).await.expect("nothing to send");
        near.send(vec![Bytes::new()]).await.expect("nothing to send");
    };
    in_time(&env, "an echo", round).await;
}

pub(crate) async fn many_connections_echo<E: Env>(env: E, _: Mail<Message>, _: PathBuf) {
    const CONNECTIONS: usize = 300;
    let (listener, address) = listen(&env);
    serve(&env, listener);
    let clients = (0..CONNECTIONS).map(|client| {
        let own = env.clone();
        spawned(&env, Queue::Net, async move {
            let stream = own.connect(address).await.expect("a connection");
            for round in 0..10 {
                let content = pattern(client + round, 64 + client);
                stream.send(vec![Bytes::from(content.clone())]).await.expect("a send");
                let back = receive(&stream, BytesMut::new(), content.len()).await;
                assert_eq!(back, content, "client {client}, round {round}");
            }
        })
    });
    in_time(&env, "300 connections", join_all(clients)).await;
}

pub(crate) async fn a_slow_reader_gets_everything<E: Env>(env: E, _: Mail<Message>, _: PathBuf) {
    const BYTES: usize = 12 << 20;
    let (near, far) = pair(&env).await;
    let content = Bytes::from(pattern(3, BYTES));
    // More segments than one call to the kernel takes.
    let segments: Vec<Bytes> =
        (0..BYTES / 4096).map(|index| content.slice(index * 4096..(index + 1) * 4096)).collect();
    let sending = spawned(&env, Queue::Net, async move {
        near.send(segments).await.expect("a send");
        near
    });
    let receiving = async {
        let mut received = 0;
        let mut buffer = BytesMut::with_capacity(256 << 10);
        while received < BYTES {
            if received % (1 << 20) < 4096 {
                env.sleep(Duration::from_millis(5)).await;
            }
            buffer.clear();
            buffer.reserve(256 << 10);
            let (result, back) = far.recv(buffer).await;
            buffer = back;
            let count = result.expect("a receive");
            assert_ne!(count, 0, "the stream ended after {received} bytes");
            assert_eq!(buffer, content[received..received + count], "from {received} on");
            received += count;
        }
    };
    let (near, ()) = in_time(&env, "12 MiB", futures_util::future::join(sending, receiving)).await;
    drop(near);
    assert_eq!(receive(&far, BytesMut::new(), 1).await.len(), 0, "nothing follows");
}

pub(crate) async fn the_end_of_a_stream_is_seen<E: Env>(env: E, _: Mail<Message>, _: PathBuf) {
    let (near, far) = pair(&env).await;
    near.send(vec![Bytes::from_static(b"last words")]).await.expect("a send");
    drop(near);
    let all = in_time(&env, "the end", receive(&far, BytesMut::new(), 1000)).await;
    assert_eq!(all, b"last words".as_slice(), "what was sent before the end arrives");
    let again = in_time(&env, "the end again", receive(&far, BytesMut::new(), 10)).await;
    assert!(again.is_empty());
}

pub(crate) async fn shutdown_ends_what_waits<E: Env>(env: E, _: Mail<Message>, _: PathBuf) {
    let (near, far) = pair(&env).await;
    let (near, far) = (Rc::new(near), Rc::new(far));
    let receiving = spawned(&env, Queue::Net, {
        let near = near.clone();
        async move { near.recv(BytesMut::with_capacity(10)).await.0 }
    });
    // Nobody reads: the send fills what lies between and waits.
    let sending = spawned(&env, Queue::Net, {
        let near = near.clone();
        async move { near.send(vec![Bytes::from(vec![1; 64 << 20])]).await }
    });
    let far_side = far.clone();
    let stopping = async {
        env.sleep(Duration::from_millis(20)).await;
        near.shutdown();
        near.shutdown();
    };
    let all = futures_util::future::join3(receiving, sending, stopping);
    let (received, sent, ()) = in_time(&env, "a shutdown", all).await;
    assert!(matches!(received, Ok(0) | Err(_)), "{received:?}");
    assert!(sent.is_err(), "{sent:?}");
    let later = near.send(vec![Bytes::from_static(b"x")]).await;
    assert!(later.is_err(), "{later:?}");
    let drain = async {
        loop {
            match far_side.recv(BytesMut::with_capacity(1 << 20)).await.0 {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    };
    in_time(&env, "the other side's end", drain).await;
}

pub(crate) async fn nobody_listens<E: Env>(env: E, _: Mail<Message>, _: PathBuf) {
    let (listener, address) = listen(&env);
    drop(listener);
    // A backend may close a listener a moment after it was dropped.
    let refused = async {
        while env.connect(address).await.is_ok() {
            env.sleep(Duration::from_millis(1)).await;
        }
    };
    in_time(&env, "a refusal", refused).await;
}

pub(crate) async fn dropped_streams_do_no_harm<E: Env>(env: E, _: Mail<Message>, _: PathBuf) {
    for round in 0..20 {
        let (near, far) = pair(&env).await;
        let mut receiving = Box::pin(near.recv(BytesMut::with_capacity(100)));
        assert!(!poll_once(receiving.as_mut()).await);
        let mut sending = Box::pin(near.send(vec![Bytes::from(vec![1; 32 << 20])]));
        assert!(!poll_once(sending.as_mut()).await);
        match round % 3 {
            // The futures first, the stream first, or the stream while one of them goes on.
            0 => drop((receiving, sending, near)),
            1 => drop((near, receiving, sending)),
            _ => {
                drop((sending, near));
                let (result, _) = in_time(&env, "the end", receiving).await;
                assert!(matches!(result, Ok(0) | Err(_)), "{result:?}");
            }
        }
        let drain = async {
            loop {
                match far.recv(BytesMut::with_capacity(1 << 20)).await.0 {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
            }
        };
        in_time(&env, "the other side's end", drain).await;
    }
}

pub(crate) async fn an_accept_may_be_dropped<E: Env>(env: E, _: Mail<Message>, _: PathBuf) {
    let (listener, address) = listen(&env);
    for _ in 0..5 {
        let mut accepting = Box::pin(listener.accept());
        assert!(!poll_once(accepting.as_mut()).await);
    }
    let mut ends = Vec::new();
    for _ in 0..20 {
        ends.push(in_time(&env, "a connection", env.connect(address)).await.expect("it"));
        // Loses no connection.
        poll_once(pin!(env.yield_now())).await;
    }
    for _ in 0..20 {
        let far = in_time(&env, "a connection", listener.accept()).await.expect("it");
        let near = ends.iter().find(|near| near.local() == far.peer()).expect("one of ours");
        near.send(vec![Bytes::from_static(b"hello")]).await.expect("a send");
        let back = in_time(&env, "a greeting", receive(&far, BytesMut::new(), 5)).await;
        assert_eq!(back, b"hello".as_slice());
    }
}
