//! Produce, 3 to 13 (0 to 2 are announced for old librdkafka, and close the connection as in Kafka). Each batch is checked here, on the core
//! that received it and while it is hot; then the shard appends it, and the answer waits for the
//! guarantee of `acks`.

use crate::context::Context;
use crate::error::{batch_code, partition_code};
use crate::pipeline::{Outcome, Reply};
use crate::request::Request;
use bytes::Bytes;
use engine_base::TopicPartition;
use engine_io::Env;
use engine_log::Acks;
use engine_record::{
    BatchError, BatchHeader, Codec, ProduceRules, RecordError, TimestampType, recode,
    validate_produce,
};
use engine_shard::{AppendEntry, AppendOutcome};
use engine_state::config::topic::CompressionType;
use engine_state::config::{self, TopicConfig};
use engine_state::metadata::{Image, TopicImage};
use net_wire::ErrorCode;
use net_wire::generated::produce::{
    BatchIndexAndErrorMessage, PartitionProduceResponse, ProduceRequest, ProduceResponse,
    TopicProduceData, TopicProduceResponse,
};
use std::rc::Rc;
use std::sync::Arc;

/// Who may write to Kafka's own topics (`AdminUtils.ADMIN_CLIENT_ID`).
const ADMIN_CLIENT_ID: &str = "__admin_client";

/// What became of one partition's records.
enum Verdict {
    Refused {
        code: ErrorCode,
        message: Option<String>,
        records: Vec<RecordError>,
    },
    /// Index into the append results.
    Appended(usize),
}

impl Verdict {
    fn refused(code: ErrorCode) -> Self {
        Verdict::Refused { code, message: None, records: Vec::new() }
    }

    fn batch(error: &BatchError) -> Self {
        Verdict::Refused {
            code: batch_code(error),
            message: Some(error.to_string()),
            records: error.record_errors().to_vec(),
        }
    }
}

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: ProduceRequest = request.decode().await?;
    let acks = match body.acks {
        0 | 1 => Some(Acks::Leader),
        -1 => Some(Acks::All),
        _ => None,
    };
    let mut verdicts = Vec::new();
    let mut entries = Vec::new();
    let image = server.shard.image();
    for topic in &body.topic_data {
        let known = find_topic(&image, &topic, request.version);
        for data in &topic.partition_data {
            request.turn(&server.env).await;
            let verdict = match (&acks, known) {
                (None, _) => Verdict::refused(ErrorCode::InvalidRequiredAcks),
                _ if body.transactional_id.is_some() => {
                    Verdict::refused(ErrorCode::TransactionalIdAuthorizationFailed)
                }
                (_, Err(code)) => Verdict::refused(code),
                (_, Ok(known)) => {
                    match check(&server, &request, known, data.index, data.records.slice()) {
                        Err(verdict) => verdict,
                        Ok(entry) => {
                            entries.push(entry);
                            Verdict::Appended(entries.len() - 1)
                        }
                    }
                }
            };
            verdicts.push(verdict);
        }
    }
    drop(image);
    let results = server.shard.append(entries, acks.unwrap_or(Acks::Leader));
    if body.acks == 0 {
        // On an error the connection is closed, as in Kafka: the client has no other way to learn
        // of it.
        let refused = verdicts.iter().any(|verdict| matches!(verdict, Verdict::Refused { .. }));
        let failed = results.await.iter().any(Result::is_err);
        return if refused || failed {
            Err(crate::pipeline::Close::because("a produce request with acks=0 failed"))
        } else {
            Ok(Reply::Silent)
        };
    }
    let results = results.await;
    let texts = record_texts(&verdicts);
    let mut verdicts = verdicts.iter().zip(&texts);
    let responses = body
        .topic_data
        .iter()
        .map(|topic| TopicProduceResponse {
            name: topic.name,
            topic_id: topic.topic_id,
            partition_responses: topic
                .partition_data
                .iter()
                .zip(verdicts.by_ref())
                .map(|(data, (verdict, texts))| answer(data.index, verdict, texts, &results))
                .collect(),
        })
        .collect();
    request.reply(&ProduceResponse { responses, ..ProduceResponse::default() })
}

/// The topic by id from version 13, by name before.
fn find_topic<'i>(
    image: &'i Image,
    topic: &TopicProduceData<'_>,
    version: i16,
) -> Result<&'i Arc<TopicImage>, ErrorCode> {
    if version >= 13 {
        image.topic_by_id(&topic.topic_id).ok_or(ErrorCode::UnknownTopicId)
    } else {
        image.topic(topic.name).ok_or(ErrorCode::UnknownTopicOrPartition)
    }
}

/// Checks one partition's records against the topic's rules.
fn check<E: Env>(
    server: &Context<E>,
    request: &Request<E::Stream>,
    topic: &TopicImage,
    index: i32,
    records: Option<&[u8]>,
) -> Result<AppendEntry, Verdict> {
    if topic.partition(index).is_none() {
        return Err(Verdict::refused(ErrorCode::UnknownTopicOrPartition));
    }
    if topic.is_internal() && request.client_id() != ADMIN_CLIENT_ID {
        return Err(Verdict::refused(ErrorCode::InvalidTopicException));
    }
    let Some(records) = records else {
        return Err(Verdict::refused(ErrorCode::InvalidRecord));
    };
    let config = server.shard.topic_config(topic);
    let rules = produce_rules(server, &config, request.version);
    let header: BatchHeader =
        validate_produce(records, &rules).map_err(|error| Verdict::batch(&error))?;
    if header.is_transactional() {
        // There are no transactions to add it to yet.
        return Err(Verdict::refused(ErrorCode::InvalidTxnState));
    }
    let (batch, header) = match wanted_codec(&config, &header) {
        None => (request.share(records), header),
        Some((codec, level)) => {
            let limit = rules.decompressed_bytes_max;
            let recoded = recode(records, &header, codec, level, limit)
                .and_then(|batch| BatchHeader::parse(&batch).map(|header| (batch, header)));
            let (batch, header) = recoded.map_err(|error| Verdict::batch(&error))?;
            (Bytes::from(batch), header)
        }
    };
    Ok(AppendEntry {
        partition: TopicPartition { topic_id: topic.id, partition: index },
        batch,
        header,
        append_time: rules.timestamp_type == TimestampType::LogAppendTime,
    })
}

fn produce_rules<E: Env>(server: &Context<E>, config: &TopicConfig, version: i16) -> ProduceRules {
    ProduceRules {
        max_message_bytes: usize::try_from(config.max_message_bytes).unwrap_or(usize::MAX),
        timestamp_type: match config.message_timestamp_type {
            config::topic::TimestampType::CreateTime => TimestampType::CreateTime,
            config::topic::TimestampType::LogAppendTime => TimestampType::LogAppendTime,
        },
        timestamp_before_max_ms: config.message_timestamp_before_max_ms,
        timestamp_after_max_ms: config.message_timestamp_after_max_ms,
        keys_required: config.cleanup_compact,
        open_compressed: config.validate_compressed,
        // zstd came with version 7 (KIP-110).
        zstd_allowed: version >= 7,
        ..ProduceRules::new(server.env.wall_ms())
    }
}

/// The codec and level the topic wants, if it wants another one than the batch has.
fn wanted_codec(config: &TopicConfig, header: &BatchHeader) -> Option<(Codec, Option<i32>)> {
    let (codec, level) = match config.compression_type {
        CompressionType::Producer => return None,
        CompressionType::Uncompressed => (Codec::None, None),
        CompressionType::Gzip => (Codec::Gzip, Some(config.compression_gzip_level)),
        CompressionType::Snappy => (Codec::Snappy, None),
        CompressionType::Lz4 => (Codec::Lz4, None),
        CompressionType::Zstd => (Codec::Zstd, Some(config.compression_zstd_level)),
    };
    // -1 is the library's own level.
    let level = level.filter(|level| *level >= 0);
    (header.codec() != Ok(codec)).then_some((codec, level))
}

/// The messages of refused records, kept alive while the answer borrows them.
fn record_texts(verdicts: &[Verdict]) -> Vec<Vec<String>> {
    verdicts
        .iter()
        .map(|verdict| match verdict {
            Verdict::Refused { records, .. } => {
                records.iter().map(|record| record.problem.to_string()).collect()
            }
            Verdict::Appended(_) => Vec::new(),
        })
        .collect()
}

fn answer<'a>(
    index: i32,
    verdict: &'a Verdict,
    texts: &'a [String],
    results: &[engine_shard::AppendResult],
) -> PartitionProduceResponse<'a> {
    let refused = PartitionProduceResponse { index, base_offset: -1, ..Default::default() };
    match verdict {
        Verdict::Refused { code, message, records } => PartitionProduceResponse {
            error_code: code.code(),
            error_message: message.as_deref(),
            record_errors: records
                .iter()
                .zip(texts)
                .map(|(record, text)| BatchIndexAndErrorMessage {
                    batch_index: record.index,
                    batch_index_error_message: Some(text),
                })
                .collect(),
            ..refused
        },
        Verdict::Appended(at) => match &results[*at] {
            Ok(AppendOutcome { base_offset, append_time_ms, log_start }) => {
                PartitionProduceResponse {
                    index,
                    base_offset: base_offset.0,
                    log_append_time_ms: *append_time_ms,
                    log_start_offset: log_start.0,
                    ..Default::default()
                }
            }
            Err(error) => {
                PartitionProduceResponse { error_code: partition_code(error).code(), ..refused }
            }
        },
    }
}
