//! Answers to fetches, judged: batches whole and undamaged, offsets without a gap.

use crate::Failure;
use crate::error;
use engine_base::message::Message as _;
use engine_record::{BatchHeader, verify_batch};
use net_wire::frame::encode_request;
use net_wire::generated::fetch::{FetchPartition, FetchRequest, FetchResponse, FetchTopic};
use net_wire::{ApiKey, ErrorCode, Records, ResponseHeader};

/// The newest version before the flexible ones, with topics by name.
pub const FETCH_VERSION: i16 = 11;

/// What one partition is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    pub topic: &'a str,
    pub partition: i32,
    pub offset: i64,
    pub bytes_min: i32,
    pub bytes_max: i32,
    pub wait_ms: i32,
    pub client_id: &'a str,
}

impl Ask<'_> {
    /// A Fetch request without a session, as a whole frame.
    pub fn frame(&self) -> Result<Vec<u8>, Failure> {
        let partition = FetchPartition {
            partition: self.partition,
            current_leader_epoch: -1,
            fetch_offset: self.offset,
            log_start_offset: -1,
            partition_max_bytes: self.bytes_max,
            ..Default::default()
        };
        let topic = FetchTopic {
            topic: self.topic,
            partitions: vec![partition].into(),
            ..Default::default()
        };
        let request = FetchRequest {
            replica_id: -1,
            max_wait_ms: self.wait_ms,
            min_bytes: self.bytes_min,
            max_bytes: self.bytes_max.max(self.bytes_min),
            session_epoch: -1,
            topics: vec![topic].into(),
            ..Default::default()
        };
        Ok(encode_request(FETCH_VERSION, 0, Some(self.client_id), &request)?.to_vec())
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Checked {
    Batches(Content),
    Empty,
    OutOfRange,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Content {
    /// Of the record field, a cut last batch included.
    pub bytes: usize,
    pub records: u64,
    /// Offset after the last whole batch.
    pub end: i64,
    pub high_watermark: i64,
}

/// What may lie between two batches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gaps {
    Refuse,
    /// As compaction leaves them.
    Allow,
}

/// Checks an answer (a frame without its length) to a fetch at `offset`: batches whole and
/// undamaged, offsets without a gap. Kafka may cut the last batch.
pub fn check_answer(frame: &[u8], offset: i64) -> Result<Checked, Failure> {
    check_answer_with(frame, offset, Gaps::Refuse)
}

pub fn check_answer_with(frame: &[u8], offset: i64, gaps: Gaps) -> Result<Checked, Failure> {
    let (_, body) = ResponseHeader::decode(frame, ApiKey::Fetch, FETCH_VERSION)?;
    let response = FetchResponse::decode(body, FETCH_VERSION)?;
    let topic = response.responses.iter().next().ok_or("an answer without a topic")?;
    let partition = topic.partitions.iter().next().ok_or("an answer without a partition")?;
    match ErrorCode::from_code(partition.error_code) {
        Some(ErrorCode::OffsetOutOfRange) => return Ok(Checked::OutOfRange),
        _ => error::check(partition.error_code, || {
            format!("fetch of partition {}", partition.partition_index)
        })?,
    }
    let bytes = match partition.records {
        Records::Slice(bytes) => bytes,
        _ => &[],
    };
    let mut content = Content {
        bytes: bytes.len(),
        records: 0,
        end: offset,
        high_watermark: partition.high_watermark,
    };
    let mut rest = bytes;
    while let Ok(header) = BatchHeader::parse(rest) {
        let Some(batch) = rest.get(..header.bytes_len()) else { break };
        verify_batch(batch).map_err(|error| format!("batch at offset {}: {error}", content.end))?;
        let found = header.base_offset.0;
        let starts_before = found < offset && content.records == 0;
        let gap = found > content.end && gaps == Gaps::Allow;
        if found != content.end && !starts_before && !gap {
            return Err(format!("offset {found} came after {}", content.end).into());
        }
        content.records += u64::try_from(header.record_count).unwrap_or(0);
        content.end = header.next_offset().0;
        rest = &rest[batch.len()..];
    }
    if content.records > 0 {
        Ok(Checked::Batches(content))
    } else if bytes.is_empty() {
        Ok(Checked::Empty)
    } else {
        Err("an answer without a whole batch".into())
    }
}

/// Headers of the whole batches in an answer.
pub fn batches(frame: &[u8]) -> Result<Vec<BatchHeader>, Failure> {
    let (_, body) = ResponseHeader::decode(frame, ApiKey::Fetch, FETCH_VERSION)?;
    let response = FetchResponse::decode(body, FETCH_VERSION)?;
    let mut found = Vec::new();
    for topic in response.responses.iter() {
        for partition in topic.partitions.iter() {
            let Records::Slice(mut rest) = partition.records else { continue };
            while let Ok(header) = BatchHeader::parse(rest) {
                let Some(after) = rest.get(header.bytes_len()..) else { break };
                found.push(header);
                rest = after;
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
pub mod tests {
    use super::{Checked, Content, FETCH_VERSION, Gaps, check_answer, check_answer_with};
    use engine_base::Offset;
    use engine_record::{BatchBuilder, BatchOptions};
    use net_wire::Records;
    use net_wire::frame::encode_response;
    use net_wire::generated::fetch::{FetchResponse, FetchableTopicResponse, PartitionData};

    pub fn batch(base_offset: i64, count: i64) -> Vec<u8> {
        let base_offset = Offset(base_offset);
        let mut builder = BatchBuilder::new(BatchOptions { base_offset, ..Default::default() });
        for _ in 0..count {
            builder.append(1, None, Some(b"value"), &[]);
        }
        builder.finish()
    }

    /// A frame, its length included.
    pub fn answer(error_code: i16, high_watermark: i64, records: &[u8]) -> Vec<u8> {
        let partition = PartitionData {
            error_code,
            high_watermark,
            records: Records::Slice(records),
            ..Default::default()
        };
        let topic = FetchableTopicResponse {
            topic: "t",
            partitions: vec![partition].into(),
            ..Default::default()
        };
        let response = FetchResponse { responses: vec![topic].into(), ..Default::default() };
        encode_response(FETCH_VERSION, 1, &response).expect("short").to_vec()
    }

    #[test]
    fn answers_are_checked_batch_by_batch() {
        let check = |records: &[u8], offset| {
            check_answer(&answer(0, 9, records)[4..], offset).map_err(|error| error.to_string())
        };
        let two = [batch(3, 2), batch(5, 4)].concat();
        let bytes = two.len();
        let content = Content { bytes, records: 6, end: 9, high_watermark: 9 };
        assert_eq!(check(&two, 3), Ok(Checked::Batches(content)));
        assert_eq!(check(&two, 4), Ok(Checked::Batches(content)));
        let cut = Content { bytes: bytes - 1, records: 2, end: 5, high_watermark: 9 };
        assert_eq!(check(&two[..bytes - 1], 3), Ok(Checked::Batches(cut)));
        assert_eq!(check(&[], 3), Ok(Checked::Empty));
        let gap = [batch(3, 2), batch(6, 1)].concat();
        assert_eq!(check(&gap, 3), Err("offset 6 came after 5".to_owned()));
        assert!(check(&batch(5, 1), 3).is_err_and(|error| error.contains("came after 3")));
        let frame = answer(0, 9, &gap);
        let compacted = check_answer_with(&frame[4..], 3, Gaps::Allow).expect("a gap is fine");
        let content = Content { bytes: gap.len(), records: 3, end: 7, high_watermark: 9 };
        assert_eq!(compacted, Checked::Batches(content));
        let back = [batch(3, 2), batch(4, 1)].concat();
        let error = check_answer_with(&answer(0, 9, &back)[4..], 3, Gaps::Allow);
        assert!(error.is_err_and(|error| error.to_string().contains("offset 4 came after 5")));
        let mut damaged = batch(3, 2);
        *damaged.last_mut().expect("not empty") ^= 1;
        assert!(check(&damaged, 3).is_err_and(|error| error.contains("batch at offset 3")));
        assert!(check(&two[..20], 3).is_err_and(|error| error.contains("without a whole batch")));
    }

    #[test]
    fn errors_are_named() {
        let moved = check_answer(&answer(1, 0, &[])[4..], 0).expect("out of range");
        assert_eq!(moved, Checked::OutOfRange);
        let error = check_answer(&answer(3, 0, &[])[4..], 0).expect_err("unknown topic");
        assert!(error.to_string().contains("UNKNOWN_TOPIC_OR_PARTITION"), "{error}");
    }
}
