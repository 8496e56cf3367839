//! A broker in memory for tests, with one fault planted if wanted: what a generator must catch.

use engine_base::message::Message as _;
use engine_record::BatchHeader;
use net_wire::frame::encode_response;
use net_wire::generated::api_versions::ApiVersionsResponse;
use net_wire::generated::fetch::{
    FetchRequest, FetchResponse, FetchableTopicResponse, PartitionData,
};
use net_wire::generated::list_offsets::{
    ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopicResponse,
};
use net_wire::generated::produce::{
    PartitionProduceResponse, ProduceRequest, ProduceResponse, TopicProduceResponse,
};
use net_wire::{ApiKey, Records, RequestHeader};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What goes wrong, with the number of the batch it happens to, from 0 in the order they come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    None,
    /// A byte of the stored batch changes.
    Corrupt(usize),
    /// Acknowledged and not stored.
    Lose(usize),
    /// The answer waits.
    Late(usize, Duration),
    /// Every answer waits.
    Slow(Duration),
    /// Answered with Kafka's error for a failed disk.
    DiskFull(usize),
    /// New connections are closed at their first question.
    Shut,
    /// All connections end.
    Die(usize),
}

struct Store {
    fault: Fault,
    count: usize,
    dead: bool,
    /// Of each partition the batches and the end.
    partitions: BTreeMap<i32, (Vec<Vec<u8>>, i64)>,
}

#[derive(Clone)]
pub struct Fake {
    store: Arc<Mutex<Store>>,
    pub address: String,
}

impl Fake {
    pub fn start(fault: Fault) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let store = Store { fault, count: 0, dead: false, partitions: BTreeMap::new() };
        let fake = Fake { store: Arc::new(Mutex::new(store)), address };
        let served = fake.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (fake, stream) = (served.clone(), stream.expect("connected"));
                std::thread::spawn(move || fake.serve(stream));
            }
        });
        fake
    }

    /// Drops the last batch of each partition, as one that answered too early does when killed.
    pub fn forget_last(&self) {
        for (batches, end) in self.store.lock().expect("not poisoned").partitions.values_mut() {
            if let Some(batch) = batches.pop() {
                *end = BatchHeader::parse(&batch).expect("was whole").base_offset.0;
            }
        }
    }

    /// Deletes all that is stored, as retention does.
    pub fn drop_all(&self) {
        self.store.lock().expect("not poisoned").partitions.clear();
    }

    /// The partitions that were produced to.
    pub fn partitions(&self) -> Vec<i32> {
        self.store.lock().expect("not poisoned").partitions.keys().copied().collect()
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut prefix = [0; 4];
        while stream.read_exact(&mut prefix).is_ok() {
            let len = usize::try_from(u32::from_be_bytes(prefix)).expect("small");
            let mut frame = vec![0; len];
            if stream.read_exact(&mut frame).is_err() {
                return;
            }
            let Some(answer) = self.answer(&frame) else { return };
            if stream.write_all(&answer).is_err() {
                return;
            }
        }
    }

    fn answer(&self, frame: &[u8]) -> Option<Vec<u8>> {
        let (header, body) = RequestHeader::decode(frame).expect("a header");
        let (version, id) = (header.api_version, header.correlation_id);
        match header.api {
            ApiKey::Produce => self.produce(version, id, body),
            ApiKey::Fetch => Some(self.fetch(version, id, body)),
            ApiKey::ListOffsets => Some(self.list(version, id, body)),
            ApiKey::ApiVersions => self.versions(version, id),
            other => panic!("{other:?}"),
        }
    }

    fn produce(&self, version: i16, id: i32, body: &[u8]) -> Option<Vec<u8>> {
        let request = ProduceRequest::decode(body, version).expect("a request");
        let mut late = Duration::ZERO;
        let mut answers = Vec::new();
        let topic = request.topic_data.iter().next().expect("one topic");
        for data in topic.partition_data.iter() {
            let Records::Slice(batch) = data.records else { panic!("no records") };
            let mut answer = PartitionProduceResponse { index: data.index, ..Default::default() };
            let mut store = self.store.lock().expect("not poisoned");
            let number = store.count;
            store.count += 1;
            match store.fault {
                Fault::Late(at, time) if at == number => late = time,
                Fault::Slow(time) => late = time,
                Fault::DiskFull(at) if at <= number => answer.error_code = 56,
                Fault::Die(at) if at <= number => store.dead = true,
                _ => {}
            }
            if store.dead {
                return None;
            }
            if answer.error_code == 0 {
                answer.base_offset = store.append(number, data.index, batch);
            }
            answers.push(answer);
        }
        std::thread::sleep(late);
        let topic = TopicProduceResponse {
            name: topic.name,
            partition_responses: answers.into(),
            ..Default::default()
        };
        let response = ProduceResponse { responses: vec![topic].into(), ..Default::default() };
        Some(encode_response(version, id, &response).expect("short").to_vec())
    }

    fn versions(&self, version: i16, id: i32) -> Option<Vec<u8>> {
        let response = match self.store.lock().expect("not poisoned").fault {
            Fault::Shut => return None,
            _ => ApiVersionsResponse::default(),
        };
        Some(encode_response(version, id, &response).expect("short").to_vec())
    }

    /// All from the first batch that ends after the offset; waits a little if there is none.
    fn fetch(&self, version: i16, id: i32, body: &[u8]) -> Vec<u8> {
        let request = FetchRequest::decode(body, version).expect("a request");
        let topic = request.topics.iter().next().expect("one topic");
        let wanted = topic.partitions.iter().next().expect("one partition");
        let (mut records, mut end) = (Vec::new(), 0);
        for _ in 0..50 {
            let store = self.store.lock().expect("not poisoned");
            if let Some((batches, high)) = store.partitions.get(&wanted.partition) {
                end = *high;
                for batch in batches {
                    let header = BatchHeader::parse(batch).expect("whole");
                    if header.next_offset().0 > wanted.fetch_offset {
                        records.extend_from_slice(batch);
                    }
                }
            }
            drop(store);
            if !records.is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let most = usize::try_from(wanted.partition_max_bytes).expect("positive");
        records.truncate(most);
        let partition = PartitionData {
            partition_index: wanted.partition,
            high_watermark: end,
            records: Records::Slice(&records),
            ..Default::default()
        };
        let topic = FetchableTopicResponse {
            topic: topic.topic,
            partitions: vec![partition].into(),
            ..Default::default()
        };
        let response = FetchResponse { responses: vec![topic].into(), ..Default::default() };
        encode_response(version, id, &response).expect("short").to_vec()
    }

    fn list(&self, version: i16, id: i32, body: &[u8]) -> Vec<u8> {
        let request = ListOffsetsRequest::decode(body, version).expect("a request");
        let topic = request.topics.iter().next().expect("one topic");
        let store = self.store.lock().expect("not poisoned");
        let partitions = topic.partitions.iter().map(|wanted| {
            let end = store.partitions.get(&wanted.partition_index).map_or(0, |(_, end)| *end);
            ListOffsetsPartitionResponse {
                partition_index: wanted.partition_index,
                offset: if wanted.timestamp == -1 { end } else { 0 },
                ..Default::default()
            }
        });
        let partitions = partitions.collect::<Vec<_>>().into();
        let topic = ListOffsetsTopicResponse { name: topic.name, partitions };
        let response = ListOffsetsResponse { topics: vec![topic].into(), ..Default::default() };
        encode_response(version, id, &response).expect("short").to_vec()
    }
}

impl Store {
    /// The offset that the batch was given.
    fn append(&mut self, number: usize, partition: i32, batch: &[u8]) -> i64 {
        let (batches, end) = self.partitions.entry(partition).or_default();
        let base_offset = *end;
        let mut batch = batch.to_vec();
        batch[..8].copy_from_slice(&base_offset.to_be_bytes());
        *end = BatchHeader::parse(&batch).expect("whole").next_offset().0;
        if self.fault == Fault::Corrupt(number) {
            *batch.last_mut().expect("not empty") ^= 0x10;
        }
        if self.fault != Fault::Lose(number) {
            batches.push(batch);
        }
        base_offset
    }
}
