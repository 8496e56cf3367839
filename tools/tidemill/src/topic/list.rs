//! `tidemill topic list`.

use crate::client::cluster::Missing;
use crate::client::{ClusterArgs, Topic};
use crate::failure::Failure;
use crate::output::table::{Align, Table};
use crate::output::{self, Format};
use serde::Serialize;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show Kafka's internal topics too
    #[arg(short, long)]
    internal: bool,

    #[arg(long, value_enum, default_value_t)]
    format: Format,

    #[command(flatten)]
    cluster: ClusterArgs,
}

#[derive(Serialize)]
struct Row {
    topic: String,
    topic_id: Option<String>,
    partitions: usize,
    replication_factor: usize,
    internal: bool,
    /// Partitions without a leader.
    leaderless: usize,
}

impl Row {
    fn new(topic: &Topic) -> Row {
        let partitions = &topic.partitions;
        Row {
            topic: topic.name.clone(),
            topic_id: Some(topic.id).filter(|id| !id.is_zero()).map(|id| id.to_string()),
            partitions: partitions.len(),
            replication_factor: partitions.iter().map(|p| p.replicas.len()).max().unwrap_or(0),
            internal: topic.is_internal,
            leaderless: partitions.iter().filter(|partition| partition.leader < 0).count(),
        }
    }
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let mut cluster = args.cluster.connect()?;
    let metadata = cluster.metadata(None, Missing::Refuse)?;
    let mut rows: Vec<Row> = metadata
        .topics
        .iter()
        .filter(|topic| args.internal || !topic.is_internal)
        .map(Row::new)
        .collect();
    rows.sort_by(|a, b| a.topic.cmp(&b.topic));
    if args.format == Format::Json {
        return output::print_json(&rows);
    }
    if rows.is_empty() {
        eprintln!("no topics; make one with: tidemill topic create NAME");
        return Ok(());
    }
    let mut table = Table::new(&[
        ("TOPIC", Align::Left),
        ("PARTITIONS", Align::Right),
        ("REPLICAS", Align::Right),
        ("ID", Align::Left),
    ]);
    for row in rows {
        table.row(vec![
            row.topic,
            row.partitions.to_string(),
            row.replication_factor.to_string(),
            row.topic_id.unwrap_or("-".into()),
        ]);
    }
    output::print(&table.render(output::stdout_paint()))
}
