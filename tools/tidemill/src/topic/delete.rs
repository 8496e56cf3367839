//! `tidemill topic delete`.

use crate::client::cluster::Peer;
use crate::client::{ClientError, Cluster, ClusterArgs, check};
use crate::failure::Failure;
use crate::output::{self, Format};
use net_wire::generated::delete_topics::{
    DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};
use net_wire::{ApiKey, ErrorCode};
use serde::Serialize;
use std::io::{self, BufRead, IsTerminal, Write};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Names of the topics
    #[arg(required = true)]
    topics: Vec<String>,

    /// Do not ask, even on a terminal
    #[arg(short, long)]
    yes: bool,

    /// Be content if there is no such topic
    #[arg(long)]
    if_exists: bool,

    #[arg(long, value_enum, default_value_t)]
    format: Format,

    #[command(flatten)]
    cluster: ClusterArgs,
}

#[derive(Serialize)]
struct Deleted {
    topic: String,
    existed: bool,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let mut cluster = args.cluster.connect()?;
    if !args.yes && !confirmed(&args.topics)? {
        return Err(Failure::new("nothing deleted"));
    }
    let controller = cluster.controller()?;
    let mut deleted = Vec::new();
    let mut failed: Option<ClientError> = None;
    for (name, outcome) in delete(&mut cluster, controller, args)? {
        let existed = match outcome {
            Ok(()) => true,
            Err(error)
                if args.if_exists && error.code() == Some(ErrorCode::UnknownTopicOrPartition) =>
            {
                false
            }
            Err(error) => {
                failed.get_or_insert(error);
                continue;
            }
        };
        deleted.push(Deleted { topic: name, existed });
    }
    match args.format {
        Format::Json => output::print_json(&deleted)?,
        Format::Text => {
            for topic in &deleted {
                let done = if topic.existed { "deleted" } else { "did not exist" };
                output::print(&format!("{} {done}\n", topic.topic))?;
            }
        }
    }
    failed.map_or(Ok(()), |error| Err(error.into()))
}

type Outcomes = Vec<(String, Result<(), ClientError>)>;

fn delete(cluster: &mut Cluster, controller: Peer, args: &Args) -> Result<Outcomes, ClientError> {
    let version = cluster.connection(controller)?.version(ApiKey::DeleteTopics, i16::MAX)?;
    let names = args.topics.iter().map(String::as_str);
    let timeout_ms = i32::try_from(args.cluster.request_timeout.as_millis()).unwrap_or(i32::MAX);
    let mut request = DeleteTopicsRequest { timeout_ms, ..Default::default() };
    if version >= 6 {
        let state = |name| DeleteTopicState { name: Some(name), ..Default::default() };
        request.topics = names.map(state).collect();
    } else {
        request.topic_names = names.collect();
    }
    let reply = cluster.call_up_to(controller, &request, version)?;
    let response: DeleteTopicsResponse<'_> = reply.decode()?;
    let outcome = response.responses.iter().map(|result| {
        let name = result.name.unwrap_or_default().to_owned();
        let what = format!("topic {name}");
        (name, check(result.error_code, result.error_message, || what))
    });
    Ok(outcome.collect())
}

/// Asks, if there is somebody to ask.
fn confirmed(topics: &[String]) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(true);
    }
    eprint!("delete {} with all data? [y/N] ", topics.join(", "));
    let mut answer = String::new();
    io::stderr()
        .flush()
        .and_then(|()| io::stdin().lock().read_line(&mut answer))
        .map_err(|error| Failure::new(format!("cannot ask: {error}")).hint("add --yes"))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
