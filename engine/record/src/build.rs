//! Builds batches from records. Called for internal topics, control markers, the metadata log, the
//! command line and tests; never on the produce path, where a client's bytes stay as they are.
//! Invariant: what `finish` returns passes [`crate::verify_batch`] and iterates to what was put in.

use crate::compress::{Codec, compress};
use crate::control::{ControlType, EndMarker};
use crate::header::{
    BatchHeader, CONTROL_FLAG, CRC_AT, HEADER_BYTES, MAGIC, NO_SEQUENCE, NO_TIMESTAMP,
    PREFIX_BYTES, TRANSACTIONAL_FLAG, batch_crc,
};
use crate::record::Header;
use engine_base::codec::Write;
use engine_base::{LeaderEpoch, Offset, ProducerEpoch, ProducerId};

/// The producer's part of a batch header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Producer {
    pub id: ProducerId,
    pub epoch: ProducerEpoch,
    pub base_sequence: i32,
    pub transactional: bool,
}

impl Producer {
    /// Neither idempotent nor transactional.
    pub const NONE: Producer = Producer {
        id: ProducerId(-1),
        epoch: ProducerEpoch(-1),
        base_sequence: NO_SEQUENCE,
        transactional: false,
    };
}

/// What a batch has besides its records.
#[derive(Clone, Copy, Debug)]
pub struct BatchOptions {
    pub base_offset: Offset,
    /// -1 until a leader sets it.
    pub leader_epoch: LeaderEpoch,
    pub codec: Codec,
    /// The codec's own; its default if none.
    pub level: Option<i32>,
    pub producer: Producer,
    /// Whether the records are control records.
    pub control: bool,
}

impl Default for BatchOptions {
    /// As a plain producer sends it.
    fn default() -> BatchOptions {
        BatchOptions {
            base_offset: Offset::ZERO,
            leader_epoch: LeaderEpoch(-1),
            codec: Codec::None,
            level: None,
            producer: Producer::NONE,
            control: false,
        }
    }
}

/// Collects records, then becomes one batch.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    options: BatchOptions,
    /// A header's place, then the records, uncompressed.
    bytes: Vec<u8>,
    /// The record in work, kept for its memory: its length is written before it.
    body: Vec<u8>,
    count: i32,
    last_offset_delta: i32,
    base_timestamp: i64,
    max_timestamp: i64,
}

impl BatchBuilder {
    pub fn new(options: BatchOptions) -> BatchBuilder {
        BatchBuilder {
            options,
            bytes: vec![0; HEADER_BYTES],
            body: Vec::new(),
            count: 0,
            last_offset_delta: -1,
            base_timestamp: NO_TIMESTAMP,
            max_timestamp: NO_TIMESTAMP,
        }
    }

    /// Adds a record at the next offset; `timestamp` in milliseconds since the epoch, -1 is none.
    pub fn append(
        &mut self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) {
        self.append_at(self.last_offset_delta + 1, timestamp, key, value, headers);
    }

    /// Adds a record `offset_delta` after the base offset, which may leave a gap as in a compacted
    /// batch.
    pub fn append_at(
        &mut self,
        offset_delta: i32,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) {
        assert!(offset_delta > self.last_offset_delta);
        if self.count == 0 {
            self.base_timestamp = timestamp;
        }
        self.body.clear();
        self.body.put_i8(0);
        // Readers add with wrapping too, so any two times are as far apart as they say.
        self.body.put_varlong(timestamp.wrapping_sub(self.base_timestamp));
        self.body.put_varint(offset_delta);
        put_bytes(&mut self.body, key);
        put_bytes(&mut self.body, value);
        self.body.put_varint(length(headers.len()));
        for header in headers {
            put_bytes(&mut self.body, Some(header.key));
            put_bytes(&mut self.body, header.value);
        }
        self.bytes.put_varint(length(self.body.len()));
        self.bytes.put(&self.body);
        self.count += 1;
        self.last_offset_delta = offset_delta;
        self.max_timestamp = self.max_timestamp.max(timestamp);
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many records were added.
    pub fn count(&self) -> i32 {
        self.count
    }

    /// Size of the batch in bytes so far, before compression.
    pub fn bytes_len(&self) -> usize {
        self.bytes.len()
    }

    /// The batch, whole and with its checksum. At least one record must have been added.
    pub fn finish(self) -> Vec<u8> {
        assert!(self.count > 0);
        let BatchOptions { codec, level, producer, .. } = self.options;
        let mut batch = match codec {
            Codec::None => self.bytes,
            _ => {
                let mut packed = vec![0; HEADER_BYTES];
                compress(codec, level, &self.bytes[HEADER_BYTES..], &mut packed);
                packed
            }
        };
        let mut attributes = codec.id();
        if producer.transactional {
            attributes |= TRANSACTIONAL_FLAG;
        }
        if self.options.control {
            attributes |= CONTROL_FLAG;
        }
        let header = BatchHeader {
            base_offset: self.options.base_offset,
            batch_length: length(batch.len() - PREFIX_BYTES),
            leader_epoch: self.options.leader_epoch,
            magic: MAGIC,
            crc: 0,
            attributes,
            last_offset_delta: self.last_offset_delta,
            base_timestamp: self.base_timestamp,
            max_timestamp: self.max_timestamp,
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            base_sequence: producer.base_sequence,
            record_count: self.count,
        };
        batch[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
        let crc = batch_crc(&batch);
        batch[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_be_bytes());
        batch
    }
}

/// Where and for whom a transaction marker is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MarkerPlace {
    pub base_offset: Offset,
    pub leader_epoch: LeaderEpoch,
    pub producer_id: ProducerId,
    pub producer_epoch: ProducerEpoch,
    /// Milliseconds since the epoch.
    pub timestamp: i64,
}

/// A whole batch that ends a transaction; `control` is Commit or Abort.
pub fn end_marker(control: ControlType, marker: EndMarker, place: MarkerPlace) -> Vec<u8> {
    assert!(matches!(control, ControlType::Commit | ControlType::Abort));
    assert!(place.producer_id.0 >= 0);
    let mut builder = BatchBuilder::new(BatchOptions {
        base_offset: place.base_offset,
        leader_epoch: place.leader_epoch,
        producer: Producer {
            id: place.producer_id,
            epoch: place.producer_epoch,
            base_sequence: NO_SEQUENCE,
            transactional: true,
        },
        control: true,
        ..BatchOptions::default()
    });
    builder.append(place.timestamp, Some(&control.to_key()), Some(&marker.to_value()), &[]);
    builder.finish()
}

fn put_bytes(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => out.put_varint(-1),
        Some(bytes) => {
            out.put_varint(length(bytes.len()));
            out.put(bytes);
        }
    }
}

fn length(len: usize) -> i32 {
    i32::try_from(len).expect("our batches are below 2 GiB")
}
