//! `tidemill group list`.

use crate::client::cluster::{Missing, Peer};
use crate::client::{ClusterArgs, check};
use crate::failure::Failure;
use crate::output::table::{Align, Table};
use crate::output::{self, Format};
use net_wire::generated::list_groups::{ListGroupsRequest, ListGroupsResponse};
use serde::Serialize;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    #[command(flatten)]
    cluster: ClusterArgs,
}

#[derive(Serialize)]
struct Row {
    group: String,
    /// Null if the broker is too old to say; so is the type.
    state: Option<String>,
    #[serde(rename = "type")]
    group_type: Option<String>,
    protocol_type: String,
    coordinator: i32,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let mut cluster = args.cluster.connect()?;
    let brokers = cluster.metadata(Some(&[]), Missing::Refuse)?.brokers;
    let mut rows = Vec::new();
    for node in brokers.keys() {
        let reply = cluster.call(Peer::Node(*node), &ListGroupsRequest::default())?;
        let response: ListGroupsResponse<'_> = reply.decode()?;
        check(response.error_code, None, || format!("groups of broker {node}"))?;
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        rows.extend(response.groups.iter().map(|group| Row {
            group: group.group_id.to_owned(),
            state: given(group.group_state),
            group_type: given(group.group_type),
            protocol_type: group.protocol_type.to_owned(),
            coordinator: *node,
        }));
    }
    rows.sort_by(|a, b| a.group.cmp(&b.group));
    if args.format == Format::Json {
        return output::print_json(&rows);
    }
    if rows.is_empty() {
        eprintln!("no groups");
        return Ok(());
    }
    let mut table = Table::new(&[
        ("GROUP", Align::Left),
        ("STATE", Align::Left),
        ("TYPE", Align::Left),
        ("PROTOCOL", Align::Left),
        ("COORDINATOR", Align::Right),
    ]);
    for row in rows {
        table.row(vec![
            row.group,
            row.state.unwrap_or("-".into()),
            row.group_type.unwrap_or("-".into()),
            row.protocol_type,
            row.coordinator.to_string(),
        ]);
    }
    output::print(&table.render(output::stdout_paint()))
}
