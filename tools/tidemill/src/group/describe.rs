//! `tidemill group describe`.

use crate::client::assignment::decode_assignment;
use crate::client::cluster::{Missing, Peer};
use crate::client::offsets::{self, LATEST};
use crate::client::{ClientError, Cluster, ClusterArgs, check};
use crate::failure::Failure;
use crate::output::table::{Align, Table};
use crate::output::{self, Format};
use net_wire::generated::describe_groups::{DescribeGroupsRequest, DescribeGroupsResponse};
use net_wire::generated::offset_fetch::{
    OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchResponse,
};
use net_wire::{ApiKey, ErrorCode};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Names of the groups
    #[arg(required = true)]
    groups: Vec<String>,

    #[arg(long, value_enum, default_value_t)]
    format: Format,

    #[command(flatten)]
    cluster: ClusterArgs,
}

#[derive(Serialize)]
struct Described {
    group: String,
    state: String,
    protocol_type: String,
    protocol: String,
    members: Vec<Member>,
    offsets: Vec<Committed>,
}

#[derive(Serialize)]
struct Member {
    member_id: String,
    group_instance_id: Option<String>,
    client_id: String,
    host: String,
    assignment: BTreeMap<String, Vec<i32>>,
}

#[derive(Serialize)]
struct Committed {
    topic: String,
    partition: i32,
    committed_offset: i64,
    /// Null if the partition is not there any more; so is the lag.
    end_offset: Option<i64>,
    lag: Option<i64>,
    metadata: String,
    member_id: Option<String>,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let mut cluster = args.cluster.connect()?;
    let mut described = Vec::new();
    for group in &args.groups {
        described.push(describe(&mut cluster, group, args)?);
    }
    match args.format {
        Format::Json => output::print_json(&described),
        Format::Text => {
            let texts: Vec<String> = described.iter().map(text).collect();
            output::print(&texts.join("\n"))
        }
    }
}

fn describe(cluster: &mut Cluster, group: &str, args: &Args) -> Result<Described, ClientError> {
    let peer = cluster.coordinator(group, args.cluster.request_timeout)?;
    let request = DescribeGroupsRequest { groups: vec![group].into(), ..Default::default() };
    let reply = cluster.call(peer, &request)?;
    let response: DescribeGroupsResponse<'_> = reply.decode()?;
    let what = || format!("group {group}");
    let gone = || ClientError::refused(what(), ErrorCode::GroupIdNotFound, None);
    let found = response.groups.iter().next().ok_or_else(gone)?;
    check(found.error_code, found.error_message, what)?;
    let members: Vec<Member> = found
        .members
        .iter()
        .map(|member| Member {
            member_id: member.member_id.to_owned(),
            group_instance_id: member.group_instance_id.map(str::to_owned),
            client_id: member.client_id.to_owned(),
            host: member.client_host.trim_start_matches('/').to_owned(),
            // Other kinds of groups have assignments in forms of their own.
            assignment: decode_assignment(member.member_assignment).unwrap_or_default(),
        })
        .collect();
    let mut offsets = committed(cluster, peer, group)?;
    if found.group_state == "Dead" && offsets.is_empty() {
        return Err(gone());
    }
    lags(cluster, &mut offsets)?;
    for row in &mut offsets {
        let owns = |member: &&Member| {
            member.assignment.get(&row.topic).is_some_and(|list| list.contains(&row.partition))
        };
        row.member_id = members.iter().find(owns).map(|member| member.member_id.clone());
    }
    Ok(Described {
        group: group.to_owned(),
        state: found.group_state.to_owned(),
        protocol_type: found.protocol_type.to_owned(),
        protocol: found.protocol_data.to_owned(),
        members,
        offsets,
    })
}

fn committed(
    cluster: &mut Cluster,
    peer: Peer,
    group: &str,
) -> Result<Vec<Committed>, ClientError> {
    // From version 10 on the answer has ids in place of names.
    let version = cluster.connection(peer)?.version(ApiKey::OffsetFetch, 9)?;
    let mut request = OffsetFetchRequest::default();
    if version >= 8 {
        let asked = OffsetFetchRequestGroup { group_id: group, topics: None, ..Default::default() };
        request.groups = vec![asked].into();
    } else {
        request.group_id = group;
        request.topics = None;
    }
    let reply = cluster.call_up_to(peer, &request, version)?;
    let response: OffsetFetchResponse<'_> = reply.decode()?;
    let what = || format!("offsets of group {group}");
    check(response.error_code, None, what)?;
    let row = |topic: &str, partition: i32, offset: i64, metadata: Option<&str>| Committed {
        topic: topic.to_owned(),
        partition,
        committed_offset: offset,
        end_offset: None,
        lag: None,
        metadata: metadata.unwrap_or_default().to_owned(),
        member_id: None,
    };
    let mut rows = Vec::new();
    for topic in &response.topics {
        for p in &topic.partitions {
            rows.push(row(topic.name, p.partition_index, p.committed_offset, p.metadata));
        }
    }
    for found in &response.groups {
        check(found.error_code, None, what)?;
        for topic in &found.topics {
            for p in &topic.partitions {
                rows.push(row(topic.name, p.partition_index, p.committed_offset, p.metadata));
            }
        }
    }
    rows.retain(|row| row.committed_offset >= 0);
    rows.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
    Ok(rows)
}

fn lags(cluster: &mut Cluster, rows: &mut [Committed]) -> Result<(), ClientError> {
    let mut names: Vec<String> = rows.iter().map(|row| row.topic.clone()).collect();
    names.dedup();
    let borrowed: Vec<&str> = names.iter().map(String::as_str).collect();
    let metadata = cluster.metadata(Some(&borrowed), Missing::Refuse)?;
    for topic in &metadata.topics {
        let led = |row: &&mut Committed| {
            let partition = topic.partition(row.partition);
            row.topic == topic.name && partition.is_some_and(|partition| partition.leader >= 0)
        };
        let wanted: Vec<i32> = rows.iter_mut().filter(led).map(|row| row.partition).collect();
        let ends = offsets::list(cluster, topic, &wanted, LATEST)?;
        for row in rows.iter_mut().filter(|row| row.topic == topic.name) {
            row.end_offset = ends.get(&row.partition).copied();
            row.lag = row.end_offset.map(|end| (end - row.committed_offset).max(0));
        }
    }
    Ok(())
}

fn text(group: &Described) -> String {
    let mut out = format!("group     {}\n", output::stdout_paint().bold(&group.group));
    let _ = writeln!(out, "state     {}", group.state);
    let _ = writeln!(out, "protocol  {} {}", group.protocol_type, group.protocol);
    if !group.members.is_empty() {
        let mut table = Table::new(&[
            ("MEMBER", Align::Left),
            ("INSTANCE", Align::Left),
            ("CLIENT", Align::Left),
            ("HOST", Align::Left),
            ("PARTITIONS", Align::Right),
        ]);
        for member in &group.members {
            let count: usize = member.assignment.values().map(Vec::len).sum();
            table.row(vec![
                member.member_id.clone(),
                member.group_instance_id.clone().unwrap_or("-".into()),
                member.client_id.clone(),
                member.host.clone(),
                count.to_string(),
            ]);
        }
        let _ = write!(out, "\n{}", table.render(output::stdout_paint()));
    }
    if !group.offsets.is_empty() {
        let mut table = Table::new(&[
            ("TOPIC", Align::Left),
            ("PARTITION", Align::Right),
            ("COMMITTED", Align::Right),
            ("END", Align::Right),
            ("LAG", Align::Right),
            ("MEMBER", Align::Left),
        ]);
        let number = |value: Option<i64>| value.map_or("-".into(), |value| value.to_string());
        for row in &group.offsets {
            table.row(vec![
                row.topic.clone(),
                row.partition.to_string(),
                row.committed_offset.to_string(),
                number(row.end_offset),
                number(row.lag),
                row.member_id.clone().unwrap_or("-".into()),
            ]);
        }
        let _ = write!(out, "\n{}", table.render(output::stdout_paint()));
    }
    out
}
