//! API 1, Fetch.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use crate::generated::ApiKey;
use crate::message::{Request, Response};
use crate::records::Records;
use engine_base::Uuid;
use engine_base::codec::{Reader, Result, Write as _};
use engine_base::encoder::Encoder;
use engine_base::message::{Array, Element, Message, Version, read_nullable_text, read_text};

#[derive(Clone, PartialEq, Debug)]
pub struct FetchRequest<'a> {
    /// Versions 12+, tag 0.
    pub cluster_id: Option<&'a str>,
    /// Versions 4-14.
    pub replica_id: i32,
    /// Versions 15+, tag 1.
    pub replica_state: ReplicaState,
    pub max_wait_ms: i32,
    pub min_bytes: i32,
    pub max_bytes: i32,
    pub isolation_level: i8,
    /// Versions 7+.
    pub session_id: i32,
    /// Versions 7+.
    pub session_epoch: i32,
    pub topics: Array<'a, FetchTopic<'a>>,
    /// Versions 7+.
    pub forgotten_topics_data: Array<'a, ForgottenTopic<'a>>,
    /// Versions 11+.
    pub rack_id: &'a str,
}

impl Default for FetchRequest<'_> {
    fn default() -> Self {
        FetchRequest {
            cluster_id: None,
            replica_id: -1,
            replica_state: ReplicaState::default(),
            max_wait_ms: 0,
            min_bytes: 0,
            max_bytes: i32::MAX,
            isolation_level: 0,
            session_id: 0,
            session_epoch: -1,
            topics: Array::EMPTY,
            forgotten_topics_data: Array::EMPTY,
            rack_id: "",
        }
    }
}

impl<'a> Element<'a> for FetchRequest<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let mut this = FetchRequest {
            cluster_id: None,
            replica_id: if version.number <= 14 { reader.i32()? } else { -1 },
            replica_state: ReplicaState::default(),
            max_wait_ms: reader.i32()?,
            min_bytes: reader.i32()?,
            max_bytes: reader.i32()?,
            isolation_level: reader.i8()?,
            session_id: if version.number >= 7 { reader.i32()? } else { 0 },
            session_epoch: if version.number >= 7 { reader.i32()? } else { -1 },
            topics: Array::read(reader, version)?,
            forgotten_topics_data: if version.number >= 7 {
                Array::read(reader, version)?
            } else {
                Array::EMPTY
            },
            rack_id: if version.number >= 11 { read_text(reader, version)? } else { "" },
        };
        if version.flexible {
            reader.tagged_fields(|tag, mut content| {
                let reader = &mut content;
                match tag {
                    0 => this.cluster_id = read_nullable_text(reader, version)?,
                    1 if version.number >= 15 => {
                        this.replica_state = ReplicaState::read(reader, version)?
                    }
                    _ => return Ok(()),
                }
                content.finish()
            })?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        if version.number <= 14 {
            out.put_i32(self.replica_id);
        } else if self.replica_id != -1 {
            out.unsupported("replica_id");
        }
        if version.number < 15 && self.replica_state != ReplicaState::default() {
            out.unsupported("replica_state");
        }
        out.put_i32(self.max_wait_ms);
        out.put_i32(self.min_bytes);
        out.put_i32(self.max_bytes);
        out.put_i8(self.isolation_level);
        if version.number >= 7 {
            out.put_i32(self.session_id);
        }
        if version.number >= 7 {
            out.put_i32(self.session_epoch);
        }
        self.topics.write(out, version);
        if version.number >= 7 {
            self.forgotten_topics_data.write(out, version);
        } else if !self.forgotten_topics_data.is_empty() {
            out.unsupported("forgotten_topics_data");
        }
        if version.number >= 11 {
            out.put_text(version, Some(self.rack_id));
        }
        if version.flexible {
            let has_cluster_id = version.number >= 12 && self.cluster_id.is_some();
            let has_replica_state =
                version.number >= 15 && self.replica_state != ReplicaState::default();
            out.put_unsigned_varint(u32::from(has_cluster_id) + u32::from(has_replica_state));
            if has_cluster_id {
                out.put_tagged(0, |out| {
                    out.put_text(version, self.cluster_id);
                });
            }
            if has_replica_state {
                out.put_tagged(1, |out| {
                    self.replica_state.write(out, version);
                });
            }
        }
    }
}

impl<'a> Message<'a> for FetchRequest<'a> {
    const NAME: &'static str = "FetchRequest";
    const KEY: i16 = 1;
    const VERSION_MIN: i16 = 4;
    const VERSION_MAX: i16 = 18;
    const FLEXIBLE_SINCE: i16 = 12;
}

impl<'a> Request<'a> for FetchRequest<'a> {
    type Response<'r> = FetchResponse<'r>;
    const API: ApiKey = ApiKey::Fetch;
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct FetchResponse<'a> {
    pub throttle_time_ms: i32,
    /// Versions 7+.
    pub error_code: i16,
    /// Versions 7+.
    pub session_id: i32,
    pub responses: Array<'a, FetchableTopicResponse<'a>>,
    /// Versions 16+, tag 0.
    pub node_endpoints: Array<'a, NodeEndpoint<'a>>,
}

impl<'a> Element<'a> for FetchResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let mut this = FetchResponse {
            throttle_time_ms: reader.i32()?,
            error_code: if version.number >= 7 { reader.i16()? } else { 0 },
            session_id: if version.number >= 7 { reader.i32()? } else { 0 },
            responses: Array::read(reader, version)?,
            node_endpoints: Array::EMPTY,
        };
        if version.flexible {
            reader.tagged_fields(|tag, mut content| {
                let reader = &mut content;
                match tag {
                    0 if version.number >= 16 => {
                        this.node_endpoints = Array::read(reader, version)?
                    }
                    _ => return Ok(()),
                }
                content.finish()
            })?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.throttle_time_ms);
        if version.number >= 7 {
            out.put_i16(self.error_code);
        }
        if version.number >= 7 {
            out.put_i32(self.session_id);
        }
        self.responses.write(out, version);
        if version.flexible {
            let has_node_endpoints = version.number >= 16 && !self.node_endpoints.is_empty();
            out.put_unsigned_varint(u32::from(has_node_endpoints));
            if has_node_endpoints {
                out.put_tagged(0, |out| {
                    self.node_endpoints.write(out, version);
                });
            }
        }
    }
}

impl<'a> Message<'a> for FetchResponse<'a> {
    const NAME: &'static str = "FetchResponse";
    const KEY: i16 = 1;
    const VERSION_MIN: i16 = 4;
    const VERSION_MAX: i16 = 18;
    const FLEXIBLE_SINCE: i16 = 12;
}

impl<'a> Response<'a> for FetchResponse<'a> {
    const API: ApiKey = ApiKey::Fetch;
}

#[derive(Clone, PartialEq, Debug)]
pub struct ReplicaState {
    pub replica_id: i32,
    pub replica_epoch: i64,
}

impl Default for ReplicaState {
    fn default() -> Self {
        ReplicaState { replica_id: -1, replica_epoch: -1 }
    }
}

impl<'a> Element<'a> for ReplicaState {
    fn read(reader: &mut Reader<'a>, _: Version) -> Result<Self> {
        let this = ReplicaState { replica_id: reader.i32()?, replica_epoch: reader.i64()? };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, _: Version) {
        out.put_i32(self.replica_id);
        out.put_i64(self.replica_epoch);
        out.put_unsigned_varint(0);
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct FetchTopic<'a> {
    /// Versions 4-12.
    pub topic: &'a str,
    /// Versions 13+.
    pub topic_id: Uuid,
    pub partitions: Array<'a, FetchPartition>,
}

impl<'a> Element<'a> for FetchTopic<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = FetchTopic {
            topic: if version.number <= 12 { read_text(reader, version)? } else { "" },
            topic_id: if version.number >= 13 { reader.uuid()? } else { Uuid::ZERO },
            partitions: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        if version.number <= 12 {
            out.put_text(version, Some(self.topic));
        }
        if version.number >= 13 {
            out.put_uuid(self.topic_id);
        }
        self.partitions.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct FetchPartition {
    pub partition: i32,
    /// Versions 9+.
    pub current_leader_epoch: i32,
    pub fetch_offset: i64,
    /// Versions 12+.
    pub last_fetched_epoch: i32,
    /// Versions 5+.
    pub log_start_offset: i64,
    pub partition_max_bytes: i32,
    /// Versions 17+, tag 0.
    pub replica_directory_id: Uuid,
    /// Versions 18+, tag 1.
    pub high_watermark: i64,
}

impl Default for FetchPartition {
    fn default() -> Self {
        FetchPartition {
            partition: 0,
            current_leader_epoch: -1,
            fetch_offset: 0,
            last_fetched_epoch: -1,
            log_start_offset: -1,
            partition_max_bytes: 0,
            replica_directory_id: Uuid::ZERO,
            high_watermark: i64::MAX,
        }
    }
}

impl<'a> Element<'a> for FetchPartition {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let mut this = FetchPartition {
            partition: reader.i32()?,
            current_leader_epoch: if version.number >= 9 { reader.i32()? } else { -1 },
            fetch_offset: reader.i64()?,
            last_fetched_epoch: if version.number >= 12 { reader.i32()? } else { -1 },
            log_start_offset: if version.number >= 5 { reader.i64()? } else { -1 },
            partition_max_bytes: reader.i32()?,
            replica_directory_id: Uuid::ZERO,
            high_watermark: i64::MAX,
        };
        if version.flexible {
            reader.tagged_fields(|tag, mut content| {
                let reader = &mut content;
                match tag {
                    0 if version.number >= 17 => this.replica_directory_id = reader.uuid()?,
                    1 if version.number >= 18 => this.high_watermark = reader.i64()?,
                    _ => return Ok(()),
                }
                content.finish()
            })?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.partition);
        if version.number >= 9 {
            out.put_i32(self.current_leader_epoch);
        }
        out.put_i64(self.fetch_offset);
        if version.number >= 12 {
            out.put_i32(self.last_fetched_epoch);
        } else if self.last_fetched_epoch != -1 {
            out.unsupported("last_fetched_epoch");
        }
        if version.number >= 5 {
            out.put_i64(self.log_start_offset);
        }
        out.put_i32(self.partition_max_bytes);
        if version.flexible {
            let has_replica_directory_id =
                version.number >= 17 && !self.replica_directory_id.is_zero();
            let has_high_watermark = version.number >= 18 && self.high_watermark != i64::MAX;
            out.put_unsigned_varint(
                u32::from(has_replica_directory_id) + u32::from(has_high_watermark),
            );
            if has_replica_directory_id {
                out.put_tagged(0, |out| {
                    out.put_uuid(self.replica_directory_id);
                });
            }
            if has_high_watermark {
                out.put_tagged(1, |out| {
                    out.put_i64(self.high_watermark);
                });
            }
        }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct ForgottenTopic<'a> {
    /// Versions 7-12.
    pub topic: &'a str,
    /// Versions 13+.
    pub topic_id: Uuid,
    pub partitions: Array<'a, i32>,
}

impl<'a> Element<'a> for ForgottenTopic<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = ForgottenTopic {
            topic: if version.number <= 12 { read_text(reader, version)? } else { "" },
            topic_id: if version.number >= 13 { reader.uuid()? } else { Uuid::ZERO },
            partitions: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        if version.number <= 12 {
            out.put_text(version, Some(self.topic));
        }
        if version.number >= 13 {
            out.put_uuid(self.topic_id);
        }
        self.partitions.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct FetchableTopicResponse<'a> {
    /// Versions 4-12.
    pub topic: &'a str,
    /// Versions 13+.
    pub topic_id: Uuid,
    pub partitions: Array<'a, PartitionData<'a>>,
}

impl<'a> Element<'a> for FetchableTopicResponse<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = FetchableTopicResponse {
            topic: if version.number <= 12 { read_text(reader, version)? } else { "" },
            topic_id: if version.number >= 13 { reader.uuid()? } else { Uuid::ZERO },
            partitions: Array::read(reader, version)?,
        };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        if version.number <= 12 {
            out.put_text(version, Some(self.topic));
        }
        if version.number >= 13 {
            out.put_uuid(self.topic_id);
        }
        self.partitions.write(out, version);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct PartitionData<'a> {
    pub partition_index: i32,
    pub error_code: i16,
    pub high_watermark: i64,
    pub last_stable_offset: i64,
    /// Versions 5+.
    pub log_start_offset: i64,
    /// Versions 12+, tag 0.
    pub diverging_epoch: EpochEndOffset,
    /// Versions 12+, tag 1.
    pub current_leader: LeaderIdAndEpoch,
    /// Versions 12+, tag 2.
    pub snapshot_id: SnapshotId,
    pub aborted_transactions: Option<Array<'a, AbortedTransaction>>,
    /// Versions 11+.
    pub preferred_read_replica: i32,
    pub records: Records<'a>,
}

impl Default for PartitionData<'_> {
    fn default() -> Self {
        PartitionData {
            partition_index: 0,
            error_code: 0,
            high_watermark: 0,
            last_stable_offset: -1,
            log_start_offset: -1,
            diverging_epoch: EpochEndOffset::default(),
            current_leader: LeaderIdAndEpoch::default(),
            snapshot_id: SnapshotId::default(),
            aborted_transactions: Some(Array::EMPTY),
            preferred_read_replica: -1,
            records: Records::Null,
        }
    }
}

impl<'a> Element<'a> for PartitionData<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let mut this = PartitionData {
            partition_index: reader.i32()?,
            error_code: reader.i16()?,
            high_watermark: reader.i64()?,
            last_stable_offset: reader.i64()?,
            log_start_offset: if version.number >= 5 { reader.i64()? } else { -1 },
            diverging_epoch: EpochEndOffset::default(),
            current_leader: LeaderIdAndEpoch::default(),
            snapshot_id: SnapshotId::default(),
            aborted_transactions: Array::read_nullable(reader, version)?,
            preferred_read_replica: if version.number >= 11 { reader.i32()? } else { -1 },
            records: Records::read(reader, version)?,
        };
        if version.flexible {
            reader.tagged_fields(|tag, mut content| {
                let reader = &mut content;
                match tag {
                    0 => this.diverging_epoch = EpochEndOffset::read(reader, version)?,
                    1 => this.current_leader = LeaderIdAndEpoch::read(reader, version)?,
                    2 => this.snapshot_id = SnapshotId::read(reader, version)?,
                    _ => return Ok(()),
                }
                content.finish()
            })?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.partition_index);
        out.put_i16(self.error_code);
        out.put_i64(self.high_watermark);
        out.put_i64(self.last_stable_offset);
        if version.number >= 5 {
            out.put_i64(self.log_start_offset);
        }
        Array::write_nullable(self.aborted_transactions.as_ref(), out, version);
        if version.number >= 11 {
            out.put_i32(self.preferred_read_replica);
        }
        self.records.write(out, version);
        if version.flexible {
            let has_diverging_epoch =
                version.number >= 12 && self.diverging_epoch != EpochEndOffset::default();
            let has_current_leader =
                version.number >= 12 && self.current_leader != LeaderIdAndEpoch::default();
            let has_snapshot_id = version.number >= 12 && self.snapshot_id != SnapshotId::default();
            out.put_unsigned_varint(
                u32::from(has_diverging_epoch)
                    + u32::from(has_current_leader)
                    + u32::from(has_snapshot_id),
            );
            if has_diverging_epoch {
                out.put_tagged(0, |out| {
                    self.diverging_epoch.write(out, version);
                });
            }
            if has_current_leader {
                out.put_tagged(1, |out| {
                    self.current_leader.write(out, version);
                });
            }
            if has_snapshot_id {
                out.put_tagged(2, |out| {
                    self.snapshot_id.write(out, version);
                });
            }
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct EpochEndOffset {
    pub epoch: i32,
    pub end_offset: i64,
}

impl Default for EpochEndOffset {
    fn default() -> Self {
        EpochEndOffset { epoch: -1, end_offset: -1 }
    }
}

impl<'a> Element<'a> for EpochEndOffset {
    fn read(reader: &mut Reader<'a>, _: Version) -> Result<Self> {
        let this = EpochEndOffset { epoch: reader.i32()?, end_offset: reader.i64()? };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, _: Version) {
        out.put_i32(self.epoch);
        out.put_i64(self.end_offset);
        out.put_unsigned_varint(0);
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct LeaderIdAndEpoch {
    pub leader_id: i32,
    pub leader_epoch: i32,
}

impl Default for LeaderIdAndEpoch {
    fn default() -> Self {
        LeaderIdAndEpoch { leader_id: -1, leader_epoch: -1 }
    }
}

impl<'a> Element<'a> for LeaderIdAndEpoch {
    fn read(reader: &mut Reader<'a>, _: Version) -> Result<Self> {
        let this = LeaderIdAndEpoch { leader_id: reader.i32()?, leader_epoch: reader.i32()? };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, _: Version) {
        out.put_i32(self.leader_id);
        out.put_i32(self.leader_epoch);
        out.put_unsigned_varint(0);
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct SnapshotId {
    pub end_offset: i64,
    pub epoch: i32,
}

impl Default for SnapshotId {
    fn default() -> Self {
        SnapshotId { end_offset: -1, epoch: -1 }
    }
}

impl<'a> Element<'a> for SnapshotId {
    fn read(reader: &mut Reader<'a>, _: Version) -> Result<Self> {
        let this = SnapshotId { end_offset: reader.i64()?, epoch: reader.i32()? };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, _: Version) {
        out.put_i64(self.end_offset);
        out.put_i32(self.epoch);
        out.put_unsigned_varint(0);
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct AbortedTransaction {
    pub producer_id: i64,
    pub first_offset: i64,
}

impl<'a> Element<'a> for AbortedTransaction {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = AbortedTransaction { producer_id: reader.i64()?, first_offset: reader.i64()? };
        if version.flexible {
            reader.skip_tagged_fields()?;
        }
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i64(self.producer_id);
        out.put_i64(self.first_offset);
        if version.flexible {
            out.put_unsigned_varint(0);
        }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct NodeEndpoint<'a> {
    pub node_id: i32,
    pub host: &'a str,
    pub port: i32,
    pub rack: Option<&'a str>,
}

impl<'a> Element<'a> for NodeEndpoint<'a> {
    fn read(reader: &mut Reader<'a>, version: Version) -> Result<Self> {
        let this = NodeEndpoint {
            node_id: reader.i32()?,
            host: read_text(reader, version)?,
            port: reader.i32()?,
            rack: read_nullable_text(reader, version)?,
        };
        reader.skip_tagged_fields()?;
        Ok(this)
    }

    fn write(&self, out: &mut Encoder, version: Version) {
        out.put_i32(self.node_id);
        out.put_text(version, Some(self.host));
        out.put_i32(self.port);
        out.put_text(version, self.rack);
        out.put_unsigned_varint(0);
    }
}
