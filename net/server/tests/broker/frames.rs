//! The stream of frames: order, pieces, several at once, and what ends a connection.

use crate::harness::{
    MS, batch, fetch, machine, machine_with, one_offset, parts, produce, serve, unknown_keys,
};
use engine_io::Stream;
use engine_io::memory::{Chunking, Options, TraceEntry};
use net_server::dispatch;
use net_wire::ErrorCode;
use net_wire::generated::api_versions::ApiVersionsRequest;
use net_wire::generated::metadata::MetadataRequest;

/// A request that is answered at once.
fn quick() -> ApiVersionsRequest<'static> {
    ApiVersionsRequest { client_software_name: "test", client_software_version: "1" }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    for shards in 1..=3 {
        let machine = machine(1);
        serve(&machine, shards, &[], async |broker| {
            let topic = broker.create("t", 6).await;
            for _ in 0..4 {
                let client = broker.connect().await;
                // A slow one first: a fetch that waits for records which come behind it.
                let mut sent = vec![client.send(13, &fetch(topic, &[(0, 1_000)], 0)).await];
                for round in 0..8i32 {
                    let batch = batch(1, &[b"x"]);
                    let request = produce(topic, &[(round % 6, &batch)], -1);
                    sent.push(client.send(13, &request).await);
                    sent.push(client.send(3, &quick()).await);
                    sent.push(client.send(12, &MetadataRequest::default()).await);
                }
                for id in sent {
                    assert_eq!(client.receive().await.unwrap().correlation_id, id);
                }
            }
        });
    }
}

#[test]
fn requests_behind_one_that_waits_are_in_work() {
    let machine = machine(2);
    serve(&machine, 2, &[], async |broker| {
        let topic = broker.create("t", 2).await;
        let client = broker.connect().await;
        let waiting = client.send(13, &fetch(topic, &[(0, 0), (1, 0)], 60_000)).await;
        let batch = batch(1, &[b"x"]);
        let ends_it = client.send(13, &produce(topic, &[(1, &batch)], 1)).await;
        let answer = client.receive_within(50 * MS).await.unwrap().unwrap();
        assert_eq!(answer.correlation_id, waiting);
        assert_eq!(parts(&answer, 13).1[1].values, [(0, b"x".to_vec())]);
        assert_eq!(client.receive().await.unwrap().correlation_id, ends_it);
    });
}

#[test]
fn what_arrives_together_is_answered_together() {
    let mut options = Options { keep_trace: true, ..Options::calm() };
    options.net.window_bytes = 1 << 20;
    let machine = machine_with(3, options);
    serve(&machine, 1, &[], async |broker| {
        let topic = broker.create("t", 4).await;
        let client = broker.connect().await;
        let connection = broker.control().connections().len() - 1;
        let batch = batch(1, &[b"x"]);
        for acks in [1, -1] {
            let mut bytes = Vec::new();
            for _ in 0..5 {
                let all = [(0, &*batch), (1, &batch), (2, &batch), (3, &batch)];
                bytes.extend(client.frame(13, &produce(topic, &all, acks)));
            }
            bytes.extend(client.frame(3, &quick()));
            let before = broker.control().trace().len();
            client.send_bytes(bytes).await;
            for _ in 0..6 {
                client.receive().await.unwrap();
            }
            // The parts of one send go out with nothing else in between.
            let trace = broker.control().trace();
            let is_send = |entry: &TraceEntry| {
                entry.what == "send" && entry.first == u64::try_from(connection).unwrap()
            };
            let runs = trace[before..].chunk_by(|one, two| is_send(one) == is_send(two));
            let sends: Vec<usize> =
                runs.filter(|run| is_send(&run[0])).map(<[TraceEntry]>::len).collect();
            assert_eq!(sends, [1, 6], "acks={acks}: the request, and all answers at once");
        }
    });
}

#[test]
fn frames_may_come_in_any_pieces() {
    for chunking in [Chunking::Bytes, Chunking::Random] {
        let mut options = Options::default();
        options.net.chunking = chunking;
        let machine = machine_with(4, options);
        serve(&machine, 2, &[], async |broker| {
            let topic = broker.create("t", 1).await;
            let client = broker.connect().await;
            let batch = batch(1, &[b"some value"]);
            let frame = client.frame(13, &produce(topic, &[(0, &batch)], -1));
            for (round, cut) in (0..).zip([1, 3, 4, 5, 11, 40, frame.len() - 1]) {
                client.send_bytes(frame[..cut].to_vec()).await;
                assert!(client.receive_within(20 * MS).await.is_none(), "half a frame at {cut}");
                client.send_bytes(frame[cut..].to_vec()).await;
                assert_eq!(one_offset(&client.receive().await.unwrap()), Ok(round));
            }
            // Two and a half frames, and the other half.
            let three = [&frame[..], &frame, &frame].concat();
            client.send_bytes(three[..frame.len() * 5 / 2].to_vec()).await;
            assert_eq!(one_offset(&client.receive().await.unwrap()), Ok(7));
            assert_eq!(one_offset(&client.receive().await.unwrap()), Ok(8));
            assert!(client.receive_within(20 * MS).await.is_none());
            client.send_bytes(three[frame.len() * 5 / 2..].to_vec()).await;
            assert_eq!(one_offset(&client.receive().await.unwrap()), Ok(9));
        });
    }
}

#[test]
fn acks_zero_is_silent() {
    for shards in 1..=2 {
        let machine = machine(5);
        serve(&machine, shards, &[], async |broker| {
            let topic = broker.create("t", 2).await;
            let client = broker.connect().await;
            let batch = batch(1, &[b"x"]);
            for _ in 0..3 {
                client.send(13, &produce(topic, &[(0, &batch), (1, &batch)], 0)).await;
            }
            let id = client.send(3, &quick()).await;
            assert_eq!(client.receive().await.unwrap().correlation_id, id);
            assert!(client.receive_within(100 * MS).await.is_none());
            let answer = client.call(13, &fetch(topic, &[(0, 0), (1, 0)], 0)).await;
            assert!(parts(&answer, 13).1.iter().all(|part| part.values.len() == 3));
            // A client that goes at once has still written.
            client.send(13, &produce(topic, &[(0, &batch)], 0)).await;
            client.stream.end_sending();
            assert!(client.receive().await.is_none());
            let client = broker.connect().await;
            let answer = client.call(13, &fetch(topic, &[(0, 3)], 0)).await;
            assert_eq!(parts(&answer, 13).1[0].values, [(3, b"x".to_vec())]);
            // There is no other way to tell of an error.
            let missing = produce(topic, &[(7, &batch)], 0);
            client.send(13, &missing).await;
            assert!(client.receive().await.is_none());
        });
    }
}

#[test]
fn answers_before_a_bad_request_still_come() {
    let machine = machine(6);
    serve(&machine, 2, &["socket.request.max.bytes=10000"], async |broker| {
        let topic = broker.create("t", 2).await;
        let mut bad: Vec<Vec<u8>> = vec![
            10_001u32.to_be_bytes().to_vec(),
            (-1i32).to_be_bytes().to_vec(),
            b"\x16\x03\x01\x02\x00\x01\x00".to_vec(),
            b"GET / HTTP/1.1\r\n\r\n".to_vec(),
            // A frame without a header, and a body that ends early.
            vec![0, 0, 0, 2, 0, 0],
            vec![0, 0, 0, 14, 0, 0, 0, 9, 0, 0, 0, 7, 0, 1, b'c', 0, 0, 1],
        ];
        // An API nobody has, one we don't, and a version of the future.
        for (key, version) in unknown_keys().into_iter().map(|key| (key, 0)).chain([(3, 99)]) {
            let mut frame = vec![0, 0, 0, 11];
            frame.extend(i16::to_be_bytes(key));
            frame.extend(i16::to_be_bytes(version));
            frame.extend([0, 0, 0, 1, 0, 0, 0]);
            bad.push(frame);
        }
        for bytes in bad {
            let client = broker.connect().await;
            let batch = batch(1, &[b"x"]);
            let first = client.frame(13, &produce(topic, &[(0, &batch), (1, &batch)], -1));
            client.send_bytes([&first[..], &bytes, &first].concat()).await;
            let answer = client.receive().await.unwrap();
            assert!(one_offset(&answer).is_ok(), "{bytes:?}");
            assert!(client.receive().await.is_none(), "{bytes:?}");
        }
        // Nobody else minded.
        assert!(broker.connect().await.put(topic, 0, b"x").await.is_ok());
    });
}

#[test]
fn api_versions_of_an_unknown_version_is_answered_in_version_zero() {
    let machine = machine(7);
    serve(&machine, 1, &[], async |broker| {
        let client = broker.connect().await;
        for version in [5i16, 99, i16::MAX] {
            let mut frame = vec![0, 0, 0, 0, 0, 18];
            frame.extend(version.to_be_bytes());
            frame.extend([0, 0, 0, 77, 0, 4]);
            frame.extend(b"test\x00 whatever a later version has");
            let len = u32::try_from(frame.len() - 4).unwrap();
            frame[..4].copy_from_slice(&len.to_be_bytes());
            client.send_bytes(frame).await;
            let answer = client.receive().await.unwrap();
            assert_eq!(answer.correlation_id, 77);
            let body = answer.read::<ApiVersionsRequest>(0);
            assert_eq!(body.error_code, ErrorCode::UnsupportedVersion.code());
            assert_eq!(body.api_keys.len(), dispatch::table().count());
        }
        // The connection goes on, as clients rely on.
        for version in 0..=4 {
            let answer = client.call(version, &quick()).await;
            let body = answer.read::<ApiVersionsRequest>(version);
            assert_eq!(body.error_code, 0);
            let served: Vec<i16> = body.api_keys.iter().map(|api| api.api_key).collect();
            let table: Vec<i16> = dispatch::table().map(|api| api.key.code()).collect();
            assert_eq!(served, table);
        }
    });
}

#[test]
fn requests_that_are_not_read_to_their_end_do_not_disturb_others() {
    let mut options = Options::default();
    options.net.cut_per_million = 20_000;
    let machine = machine_with(8, options);
    serve(&machine, 2, &[], async |broker| {
        let control = broker.control();
        let mut topic = None;
        // On a network that breaks connections all the time, each answer is whole or missing.
        let mut answered = 0;
        for round in 0..200u32 {
            let client = broker.connect().await;
            let Some(id) = topic else {
                topic = client.try_create(&format!("t-{round}"), 1).await;
                continue;
            };
            let batch = batch(1, &[&round.to_be_bytes()]);
            let request = client.frame(13, &produce(id, &[(0, &batch)], -1));
            if client.stream.send(vec![request.into()]).await.is_err() {
                continue;
            }
            if let Some(answer) = client.receive().await {
                assert!(one_offset(&answer).is_ok());
                answered += 1;
            }
        }
        assert!(answered > 50, "{answered}");
        assert!(control.connections().len() >= 200);
    });
}
