//! DescribeGroups and ListGroups. Source: Kafka's `GroupMetadataManager.describeGroups` and
//! `listGroups`.

use super::coordinator::Coordinator;
use super::error::GroupError;
use super::group::{Group, GroupState};
use super::reply::{DescribedGroup, DescribedMember, ListedGroup};
use super::request::ListFilter;

impl Coordinator {
    /// A group as it is now. A missing one is `GroupIdNotFound`; before version 6 of the API that
    /// is shown as state Dead without an error.
    pub fn describe(&self, group_id: &str) -> Result<DescribedGroup, GroupError> {
        self.ready()?;
        self.groups.get(group_id).map(Group::describe).ok_or(GroupError::GroupIdNotFound)
    }

    /// The groups that pass the filter, by name. Unknown states and types match nothing.
    pub fn list(&self, filter: &ListFilter) -> Result<Vec<ListedGroup>, GroupError> {
        self.ready()?;
        let states: Vec<String> =
            filter.states.iter().map(|state| state.trim().to_lowercase()).collect();
        let classic = filter.types.is_empty()
            || filter.types.iter().any(|kind| kind.eq_ignore_ascii_case("classic"));
        let passes = |group: &Group| {
            let name = group.state.name();
            classic && (states.is_empty() || states.iter().any(|s| s.eq_ignore_ascii_case(name)))
        };
        let listed = self.groups.values().filter(|group| passes(group)).map(|group| ListedGroup {
            group_id: group.id.to_string(),
            protocol_type: group.protocol_type.as_deref().unwrap_or("").to_owned(),
            state: group.state,
        });
        Ok(listed.collect())
    }
}

impl Group {
    fn describe(&self) -> DescribedGroup {
        let protocol = match self.state {
            GroupState::Stable => self.protocol.as_deref(),
            _ => None,
        };
        let members = self.members().iter().map(|(id, member)| DescribedMember {
            member_id: id.to_string(),
            instance_id: member.instance_id.as_deref().map(str::to_owned),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            metadata: protocol.and_then(|name| member.metadata(name)).cloned().unwrap_or_default(),
            assignment: member.assignment.clone(),
        });
        DescribedGroup {
            state: self.state,
            protocol_type: self.protocol_type.as_deref().unwrap_or("").to_owned(),
            protocol: protocol.unwrap_or("").to_owned(),
            members: members.collect(),
        }
    }
}
