//! `tidemill topic describe`: partitions with their offsets, and what is configured.

use crate::client::cluster::{Missing, Peer};
use crate::client::metadata::Partition;
use crate::client::offsets::{self, EARLIEST, LATEST};
use crate::client::{ClientError, Cluster, ClusterArgs, Topic, check};
use crate::failure::Failure;
use crate::output::table::{Align, Table};
use crate::output::{self, Format};
use net_wire::generated::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResponse,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Kafka's number of the resource type, and of the source "set on this topic".
const TOPIC_RESOURCE: i8 = 2;
const SOURCE_TOPIC: i8 = 1;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Names of the topics
    #[arg(required = true)]
    topics: Vec<String>,

    /// Show all configurations, not only those set on the topic
    #[arg(short, long)]
    all_configs: bool,

    #[arg(long, value_enum, default_value_t)]
    format: Format,

    #[command(flatten)]
    cluster: ClusterArgs,
}

#[derive(Serialize)]
struct Described {
    topic: String,
    topic_id: Option<String>,
    internal: bool,
    partitions: Vec<PartitionRow>,
    configs: Vec<ConfigRow>,
}

#[derive(Serialize)]
struct PartitionRow {
    partition: i32,
    /// Null if there is none.
    leader: Option<i32>,
    leader_epoch: i32,
    replicas: Vec<i32>,
    in_sync_replicas: Vec<i32>,
    offline_replicas: Vec<i32>,
    start_offset: Option<i64>,
    end_offset: Option<i64>,
}

#[derive(Serialize)]
struct ConfigRow {
    name: String,
    /// Null if it is secret.
    value: Option<String>,
    source: &'static str,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let mut cluster = args.cluster.connect()?;
    let names: Vec<&str> = args.topics.iter().map(String::as_str).collect();
    let metadata = cluster.metadata(Some(&names), Missing::Refuse)?;
    let mut described = Vec::new();
    let mut failed: Option<ClientError> = None;
    for topic in metadata.topics {
        match topic.checked().and_then(|topic| describe(&mut cluster, &topic, args)) {
            Ok(topic) => described.push(topic),
            Err(error) => {
                failed.get_or_insert(error);
            }
        }
    }
    match args.format {
        Format::Json => output::print_json(&described)?,
        Format::Text => {
            let texts: Vec<String> = described.iter().map(text).collect();
            output::print(&texts.join("\n"))?;
        }
    }
    failed.map_or(Ok(()), |error| Err(error.into()))
}

fn describe(cluster: &mut Cluster, topic: &Topic, args: &Args) -> Result<Described, ClientError> {
    let led: Vec<i32> = topic
        .partitions
        .iter()
        .filter(|partition| partition.leader >= 0)
        .map(|partition| partition.index)
        .collect();
    let starts = offsets::list(cluster, topic, &led, EARLIEST)?;
    let ends = offsets::list(cluster, topic, &led, LATEST)?;
    let row = |partition: &Partition| PartitionRow {
        partition: partition.index,
        leader: Some(partition.leader).filter(|leader| *leader >= 0),
        leader_epoch: partition.leader_epoch,
        replicas: partition.replicas.clone(),
        in_sync_replicas: partition.in_sync.clone(),
        offline_replicas: partition.offline.clone(),
        start_offset: offset(&starts, partition.index),
        end_offset: offset(&ends, partition.index),
    };
    Ok(Described {
        topic: topic.name.clone(),
        topic_id: Some(topic.id).filter(|id| !id.is_zero()).map(|id| id.to_string()),
        internal: topic.is_internal,
        partitions: topic.partitions.iter().map(row).collect(),
        configs: configs(cluster, topic, args.all_configs)?,
    })
}

fn offset(offsets: &BTreeMap<i32, i64>, partition: i32) -> Option<i64> {
    offsets.get(&partition).copied().filter(|offset| *offset >= 0)
}

fn configs(cluster: &mut Cluster, topic: &Topic, all: bool) -> Result<Vec<ConfigRow>, ClientError> {
    let resource = DescribeConfigsResource {
        resource_type: TOPIC_RESOURCE,
        resource_name: &topic.name,
        configuration_keys: None,
    };
    let request = DescribeConfigsRequest { resources: vec![resource].into(), ..Default::default() };
    let reply = match cluster.call(Peer::Any, &request) {
        Err(ClientError::Unsupported { .. }) => return Ok(Vec::new()),
        reply => reply?,
    };
    let response: DescribeConfigsResponse<'_> = reply.decode()?;
    let mut rows = Vec::new();
    for result in &response.results {
        check(result.error_code, result.error_message, || {
            format!("configuration of topic {}", topic.name)
        })?;
        for config in &result.configs {
            if all || config.config_source == SOURCE_TOPIC {
                rows.push(ConfigRow {
                    name: config.name.to_owned(),
                    value: config.value.map(str::to_owned),
                    source: source(config.config_source),
                });
            }
        }
    }
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(rows)
}

/// Kafka's numbers of where a value comes from.
fn source(code: i8) -> &'static str {
    match code {
        SOURCE_TOPIC => "topic",
        2 => "broker, dynamic",
        3 => "all brokers, dynamic",
        4 => "broker file",
        5 => "default",
        6 => "broker, loggers",
        8 => "group",
        _ => "unknown",
    }
}

fn text(topic: &Described) -> String {
    let mut out = format!("topic  {}\n", output::stdout_paint().bold(&topic.topic));
    if let Some(id) = &topic.topic_id {
        let _ = writeln!(out, "id     {id}");
    }
    let mut table = Table::new(&[
        ("PARTITION", Align::Right),
        ("LEADER", Align::Right),
        ("EPOCH", Align::Right),
        ("REPLICAS", Align::Left),
        ("IN SYNC", Align::Left),
        ("START", Align::Right),
        ("END", Align::Right),
    ]);
    let number = |value: Option<i64>| value.map_or("-".into(), |value| value.to_string());
    for partition in &topic.partitions {
        table.row(vec![
            partition.partition.to_string(),
            partition.leader.map_or("none".into(), |leader| leader.to_string()),
            partition.leader_epoch.to_string(),
            ids(&partition.replicas),
            ids(&partition.in_sync_replicas),
            number(partition.start_offset),
            number(partition.end_offset),
        ]);
    }
    out.push('\n');
    out.push_str(&table.render(output::stdout_paint()));
    if !topic.configs.is_empty() {
        let columns = [("CONFIG", Align::Left), ("VALUE", Align::Left), ("FROM", Align::Left)];
        let mut table = Table::new(&columns);
        for config in &topic.configs {
            let value = config.value.clone().unwrap_or("(secret)".into());
            table.row(vec![config.name.clone(), value, config.source.into()]);
        }
        out.push('\n');
        out.push_str(&table.render(output::stdout_paint()));
    }
    out
}

fn ids(ids: &[i32]) -> String {
    let ids: Vec<String> = ids.iter().map(i32::to_string).collect();
    ids.join(",")
}
