//! Fetch, 4 to 18, for consumers: sessions (KIP-227), topic ids from 13, both size limits, the wait
//! for `min_bytes`. Records leave as references to the log's memory.

use crate::context::Context;
use crate::error::partition_code;
use crate::pipeline::{Outcome, Reply};
use crate::request::Request;
use crate::session::{Answered, Plan, SessionError, SessionRequest, TopicKey, Wanted};
use crate::work::HEAVY_WAIT_MAX_MS;
use engine_base::codec::ITEM_WEIGHT;
use engine_base::{Offset, TopicPartition};
use engine_io::Env;
use engine_shard::{FetchLimits, FetchPart, FetchedPart, fetch_deadline};
use engine_state::metadata::{Image, TopicImage};
use hashbrown::HashMap;
use net_wire::generated::fetch::{
    FetchRequest, FetchResponse, FetchableTopicResponse, ForgottenTopic, PartitionData,
};
use net_wire::{ErrorCode, Records};
use std::rc::Rc;

/// The session epoch of a request that wants no session.
const SESSION_EPOCH_FINAL: i32 = -1;

/// One partition of the answer.
struct Row {
    topic: TopicKey,
    partition: i32,
    code: ErrorCode,
    fetched: Option<FetchedPart>,
}

pub async fn handle<E: Env>(server: Rc<Context<E>>, request: Request<E::Stream>) -> Outcome {
    let body: FetchRequest = request.decode().await?;
    let plan = match plan(&server, &request, &body).await {
        Ok(plan) => plan,
        Err(error) => return refuse(&request, error),
    };
    let mut rows = Vec::with_capacity(plan.wanted.len());
    let mut parts = Vec::with_capacity(plan.wanted.len());
    let mut sources = Vec::with_capacity(plan.wanted.len());
    {
        let image = server.shard.image();
        for wanted in &plan.wanted {
            request.turn(&server.env).await;
            let found = find(&image, wanted);
            if let Ok(topic) = found {
                sources.push(rows.len());
                parts.push(FetchPart {
                    partition: TopicPartition { topic_id: topic.id, partition: wanted.partition },
                    offset: Offset(wanted.offset),
                    bytes_max: usize::try_from(wanted.max_bytes).unwrap_or(0),
                    current_epoch: wanted.leader_epoch,
                });
            }
            rows.push(Row {
                topic: wanted.topic.clone(),
                partition: wanted.partition,
                code: found.err().unwrap_or(ErrorCode::None),
                fetched: None,
            });
        }
    }
    // An error is told at once: nobody should wait for news that cannot come.
    let hurry = sources.len() < rows.len() || rows.is_empty();
    let wait_ms = match (hurry, request.is_heavy()) {
        (true, _) => 0,
        (false, false) => body.max_wait_ms,
        (false, true) => body.max_wait_ms.min(HEAVY_WAIT_MAX_MS),
    };
    let bytes_max = usize::try_from(body.max_bytes).unwrap_or(0);
    let mut held = server.answers.begin();
    let limits = FetchLimits {
        bytes_min: usize::try_from(body.min_bytes).unwrap_or(0),
        bytes_max: bytes_max.min(server.config.fetch_bytes_max).min(held.share_bytes()),
        deadline: fetch_deadline(server.env.now(), wait_ms),
    };
    let fetched = server.shard.fetch(parts, limits).await;
    held.has_read(fetched.iter().map(FetchedPart::bytes).sum());
    for (index, part) in sources.into_iter().zip(fetched) {
        rows[index].code = part.error.as_ref().map_or(ErrorCode::None, partition_code);
        rows[index].fetched = Some(part);
    }
    match answer(&server, &request, &plan, rows).await? {
        Reply::Frame(frame) => Ok(Reply::Holding(frame, held)),
        reply => Ok(reply),
    }
}

/// The session's view of the request.
async fn plan<E: Env>(
    server: &Context<E>,
    request: &Request<E::Stream>,
    body: &FetchRequest<'_>,
) -> Result<Plan, SessionError> {
    let by_id = request.version >= 13;
    // Before version 7 there are no sessions: every request is full and final.
    let epoch = if request.version < 7 { SESSION_EPOCH_FINAL } else { body.session_epoch };
    // A short request may stand for a large session.
    let kept = server.sessions.borrow().partitions(body.session_id, epoch);
    request.weigh_also(kept.saturating_mul(ITEM_WEIGHT)).await;
    let mut wanted: Vec<Wanted> = Vec::new();
    let mut places = HashMap::new();
    for topic in &body.topics {
        let key = topic_key(by_id, topic.topic, topic.topic_id);
        for partition in &topic.partitions {
            request.turn(&server.env).await;
            let one = Wanted {
                topic: key.clone(),
                partition: partition.partition,
                offset: partition.fetch_offset,
                max_bytes: partition.partition_max_bytes,
                leader_epoch: partition.current_leader_epoch,
                last_fetched_epoch: partition.last_fetched_epoch,
            };
            // Of a partition that is named twice the last counts, as in Kafka. Of few nobody looks.
            if request.is_heavy() {
                let place = *places.entry((key.clone(), one.partition)).or_insert(wanted.len());
                if let Some(earlier) = wanted.get_mut(place) {
                    *earlier = one;
                    continue;
                }
            }
            wanted.push(one);
        }
    }
    let mut forgotten = Vec::new();
    for ForgottenTopic { topic, topic_id, partitions } in &body.forgotten_topics_data {
        let key = topic_key(by_id, topic, topic_id);
        forgotten.extend(partitions.iter().map(|partition| (key.clone(), partition)));
    }
    let asked = SessionRequest { id: body.session_id, epoch, by_id, wanted, forgotten };
    let random = server.env.random();
    server.sessions.borrow_mut().plan(asked, server.env.now(), random)
}

fn topic_key(by_id: bool, name: &str, id: engine_base::Uuid) -> TopicKey {
    if by_id { TopicKey::Id(id) } else { TopicKey::Name(name.into()) }
}

fn find<'i>(image: &'i Image, wanted: &Wanted) -> Result<&'i TopicImage, ErrorCode> {
    let topic = match &wanted.topic {
        TopicKey::Id(id) => image.topic_by_id(id).ok_or(ErrorCode::UnknownTopicId)?,
        TopicKey::Name(name) => image.topic(name).ok_or(ErrorCode::UnknownTopicOrPartition)?,
    };
    if topic.partition(wanted.partition).is_some() {
        Ok(topic)
    } else {
        Err(ErrorCode::UnknownTopicOrPartition)
    }
}

fn refuse<S>(request: &Request<S>, error: SessionError) -> Outcome {
    let code = match error {
        SessionError::IdNotFound => ErrorCode::FetchSessionIdNotFound,
        SessionError::InvalidEpoch => ErrorCode::InvalidFetchSessionEpoch,
        SessionError::TopicIdMismatch => ErrorCode::FetchSessionTopicIdError,
    };
    request.reply(&FetchResponse { error_code: code.code(), ..FetchResponse::default() })
}

/// Rows grouped by topic, in order, as far as the session has to tell them.
async fn answer<E: Env>(
    server: &Context<E>,
    request: &Request<E::Stream>,
    plan: &Plan,
    rows: Vec<Row>,
) -> Outcome {
    let mut told: Vec<Row> = Vec::with_capacity(rows.len());
    for row in rows {
        request.turn(&server.env).await;
        let part = row.fetched.as_ref();
        let answered = Answered {
            has_records: part.is_some_and(|part| part.bytes() > 0),
            failed: row.code.is_error(),
            high_watermark: part.map_or(-1, |part| part.high_watermark.0),
            log_start: part.map_or(-1, |part| part.log_start.0),
        };
        let mut sessions = server.sessions.borrow_mut();
        if sessions.answer(plan, &row.topic, row.partition, answered) {
            told.push(row);
        }
    }
    let mut responses: Vec<FetchableTopicResponse> = Vec::new();
    for group in told.chunk_by_mut(|a, b| a.topic == b.topic) {
        let partitions = group.iter_mut().map(partition_data).collect();
        let (topic, topic_id) = match &group[0].topic {
            TopicKey::Name(name) => (&**name, engine_base::Uuid::ZERO),
            TopicKey::Id(id) => ("", *id),
        };
        responses.push(FetchableTopicResponse { topic, topic_id, partitions });
    }
    request.reply(&FetchResponse {
        session_id: plan.session_id,
        responses: responses.into(),
        ..FetchResponse::default()
    })
}

fn partition_data<'a>(row: &mut Row) -> PartitionData<'a> {
    let failed = PartitionData {
        partition_index: row.partition,
        error_code: row.code.code(),
        high_watermark: -1,
        // Zero-length, never null: clients trip over null (KIP-74's Event Hubs story).
        records: Records::Segments(Vec::new()),
        ..PartitionData::default()
    };
    let Some(part) = &mut row.fetched else { return failed };
    PartitionData {
        high_watermark: part.high_watermark.0,
        last_stable_offset: part.high_watermark.0,
        log_start_offset: part.log_start.0,
        records: Records::Segments(std::mem::take(&mut part.records)),
        ..failed
    }
}
