//! What comes before a load: waits until the broker takes requests for all partitions, so that the
//! moment a topic needs after it was made is no part of what is measured.

use crate::Failure;
use crate::client::Client;
use crate::connection::partition_errors;
use crate::error::Refused;
use crate::frames::{Frames, PRODUCE_VERSION};
use crate::leaders::Leaders;
use engine_base::message::Message as _;
use net_wire::generated::metadata::{MetadataRequest, MetadataRequestTopic};
use net_wire::generated::produce::ProduceRequest;
use net_wire::{ErrorCode, RequestHeader};
use std::time::{Duration, Instant};

/// A new topic's partitions have a leader by then.
const SETTLE_LIMIT: Duration = Duration::from_secs(60);
const METADATA_VERSION: i16 = 8;
const SETTLE_PAUSE: Duration = Duration::from_millis(20);

/// Sends each request once until it is taken.
pub fn settle(leaders: &Leaders, frames: &Frames) -> Result<(), Failure> {
    let brokers = leaders.groups(frames.groups(), |group| frames.partitions_of(group))?;
    for (broker, groups) in brokers.iter().enumerate() {
        settle_with(leaders.address(broker), groups, frames)?;
    }
    Ok(())
}

fn settle_with(address: &str, groups: &[usize], frames: &Frames) -> Result<(), Failure> {
    let mut client = Client::connect(address)?;
    let end = Instant::now() + SETTLE_LIMIT;
    for &group in groups {
        let (_, body) = RequestHeader::decode(&frames.whole(group)[net_wire::frame::LEN_BYTES..])
            .map_err(|error| error.to_string())?;
        let request = ProduceRequest::decode(body, PRODUCE_VERSION)?;
        loop {
            let answer = client.call(PRODUCE_VERSION, &request)?;
            let refused = partition_errors(answer.body())?.into_iter().find(|(_, code)| *code != 0);
            let Some((partition, code)) = refused else { break };
            let error = ErrorCode::from_code(code);
            let waits = matches!(
                error,
                Some(
                    ErrorCode::LeaderNotAvailable
                        | ErrorCode::NotLeaderOrFollower
                        | ErrorCode::UnknownTopicOrPartition
                )
            );
            if !waits || Instant::now() > end {
                return Err(Refused { what: format!("partition {partition}"), code }.into());
            }
            if error == Some(ErrorCode::UnknownTopicOrPartition) {
                ask_for(&mut client, &request)?;
            }
            std::thread::sleep(SETTLE_PAUSE);
        }
    }
    Ok(())
}

/// Has the topic created by a broker that creates topics when asked about them.
fn ask_for(client: &mut Client, request: &ProduceRequest<'_>) -> Result<(), Failure> {
    let names = request
        .topic_data
        .iter()
        .map(|topic| MetadataRequestTopic { name: Some(topic.name), ..Default::default() });
    let metadata = MetadataRequest {
        topics: Some(names.collect::<Vec<_>>().into()),
        allow_auto_topic_creation: true,
        ..Default::default()
    };
    client.call(METADATA_VERSION, &metadata).map(|_| ())
}
