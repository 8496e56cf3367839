//! `tidemill topic create`.

use crate::client::{ClientError, ClusterArgs, check};
use crate::failure::Failure;
use crate::output::table::{Align, Table};
use crate::output::{self, Format};
use net_wire::ErrorCode;
use net_wire::generated::create_topics::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest, CreateTopicsResponse,
};
use serde::Serialize;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Names of the topics
    #[arg(required = true)]
    topics: Vec<String>,

    /// Partitions of each; the broker's num.partitions if not given
    #[arg(short, long, value_name = "COUNT", value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,

    /// Copies of each partition; the broker's default.replication.factor if not given
    #[arg(short, long, value_name = "COUNT", value_parser = clap::value_parser!(i16).range(1..))]
    replication_factor: Option<i16>,

    /// A topic configuration, such as retention.ms=3600000
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = pair)]
    config: Vec<(String, String)>,

    /// Be content with a topic of that name that exists
    #[arg(long)]
    if_not_exists: bool,

    /// Only let the broker check whether it would be done
    #[arg(long)]
    dry_run: bool,

    #[arg(long, value_enum, default_value_t)]
    format: Format,

    #[command(flatten)]
    cluster: ClusterArgs,
}

/// `key=value`, for clap.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.to_owned()))
        }
        _ => Err("expected key=value".to_owned()),
    }
}

#[derive(Serialize)]
struct Created {
    topic: String,
    partitions: Option<i32>,
    replication_factor: Option<i16>,
    topic_id: Option<String>,
    existed: bool,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let mut cluster = args.cluster.connect()?;
    let configs: Vec<CreatableTopicConfig<'_>> = args
        .config
        .iter()
        .map(|(name, value)| CreatableTopicConfig { name, value: Some(value) })
        .collect();
    let topic = |name| CreatableTopic {
        name,
        num_partitions: args.partitions.unwrap_or(-1),
        replication_factor: args.replication_factor.unwrap_or(-1),
        configs: configs.as_slice().into(),
        ..Default::default()
    };
    let request = CreateTopicsRequest {
        topics: args.topics.iter().map(|name| topic(name.as_str())).collect(),
        timeout_ms: i32::try_from(args.cluster.request_timeout.as_millis()).unwrap_or(i32::MAX),
        validate_only: args.dry_run,
    };
    let controller = cluster.controller()?;
    let reply = cluster.call(controller, &request)?;
    let response: CreateTopicsResponse<'_> = reply.decode()?;
    let mut created = Vec::new();
    let mut failed: Option<ClientError> = None;
    for result in &response.topics {
        let outcome =
            check(result.error_code, result.error_message, || format!("topic {}", result.name));
        let existed = match outcome {
            Ok(()) => false,
            Err(error)
                if args.if_not_exists && error.code() == Some(ErrorCode::TopicAlreadyExists) =>
            {
                true
            }
            Err(error) => {
                failed.get_or_insert(error);
                continue;
            }
        };
        created.push(Created {
            topic: result.name.to_owned(),
            partitions: Some(result.num_partitions).filter(|count| *count > 0),
            replication_factor: Some(result.replication_factor).filter(|count| *count > 0),
            topic_id: Some(result.topic_id).filter(|id| !id.is_zero()).map(|id| id.to_string()),
            existed,
        });
    }
    print(&created, args)?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}

fn print(created: &[Created], args: &Args) -> Result<(), Failure> {
    if args.format == Format::Json {
        return output::print_json(&created);
    }
    let mut table = Table::new(&[
        ("TOPIC", Align::Left),
        ("PARTITIONS", Align::Right),
        ("REPLICAS", Align::Right),
        ("ID", Align::Left),
        ("STATUS", Align::Left),
    ]);
    for topic in created {
        table.row(vec![
            topic.topic.clone(),
            topic.partitions.map_or("-".into(), |count| count.to_string()),
            topic.replication_factor.map_or("-".into(), |count| count.to_string()),
            topic.topic_id.clone().unwrap_or("-".into()),
            match (topic.existed, args.dry_run) {
                (true, _) => "exists",
                (false, true) => "would be created",
                (false, false) => "created",
            }
            .into(),
        ]);
    }
    if table.is_empty() { Ok(()) } else { output::print(&table.render(output::stdout_paint())) }
}

#[cfg(test)]
mod tests {
    use super::pair;

    #[test]
    fn configs_are_pairs() {
        assert_eq!(pair("a.b=c=d"), Ok(("a.b".to_owned(), "c=d".to_owned())));
        assert_eq!(pair(" a = "), Ok(("a".to_owned(), " ".to_owned())));
        assert!(pair("a").is_err() && pair("=b").is_err());
    }
}
