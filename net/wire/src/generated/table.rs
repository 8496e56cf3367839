//! The table of APIs whose messages exist here.
//!
//! Written by `cargo dev generate` from the schema folder. Do not edit.

use std::fmt;

/// An API whose messages exist here, by Kafka's number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(i16)]
pub enum ApiKey {
    Produce = 0,
    Fetch = 1,
    ListOffsets = 2,
    Metadata = 3,
    OffsetCommit = 8,
    OffsetFetch = 9,
    FindCoordinator = 10,
    JoinGroup = 11,
    Heartbeat = 12,
    LeaveGroup = 13,
    SyncGroup = 14,
    DescribeGroups = 15,
    ListGroups = 16,
    ApiVersions = 18,
    CreateTopics = 19,
    DeleteTopics = 20,
    DeleteRecords = 21,
    InitProducerId = 22,
    OffsetForLeaderEpoch = 23,
    DescribeConfigs = 32,
    DescribeLogDirs = 35,
    CreatePartitions = 37,
    DeleteGroups = 42,
    IncrementalAlterConfigs = 44,
    OffsetDelete = 47,
    DescribeCluster = 60,
    ListConfigResources = 74,
    DescribeTopicPartitions = 75,
}

/// What is known of one API without its messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Api {
    pub key: ApiKey,
    /// Kafka's name, such as `Fetch`.
    pub name: &'static str,
    /// First version that can be read and written.
    pub version_min: i16,
    /// Last version that can be read and written.
    pub version_max: i16,
    /// First version to announce: Produce is announced from 0, for librdkafka (KAFKA-18659).
    pub advertised_min: i16,
    /// Last version to announce: Kafka keeps unstable ones back.
    pub advertised_max: i16,
    /// First flexible version, `i16::MAX` if there is none.
    pub flexible_since: i16,
    pub broker: bool,
    pub controller: bool,
}

impl Api {
    /// Whether requests of this version are served: it can be read and is announced.
    pub const fn serves(&self, version: i16) -> bool {
        version >= self.version_min && version <= self.version_max && version <= self.advertised_max
    }

    /// Version of the request header: 1 plain, 2 with tagged fields.
    pub const fn request_header_version(&self, version: i16) -> i16 {
        if version >= self.flexible_since { 2 } else { 1 }
    }

    /// Version of the response header: 0 plain, 1 with tagged fields. That of ApiVersions is
    /// always 0, for its reader doesn't know yet what it talks to.
    pub const fn response_header_version(&self, version: i16) -> i16 {
        if version >= self.flexible_since && !matches!(self.key, ApiKey::ApiVersions) {
            1
        } else {
            0
        }
    }
}

/// All of them, in order of key.
pub const APIS: &[Api] = &[
    Api {
        key: ApiKey::Produce,
        name: "Produce",
        version_min: 3,
        version_max: 13,
        advertised_min: 0,
        advertised_max: 13,
        flexible_since: 9,
        broker: true,
        controller: false,
    },
    Api {
        key: ApiKey::Fetch,
        name: "Fetch",
        version_min: 4,
        version_max: 18,
        advertised_min: 4,
        advertised_max: 18,
        flexible_since: 12,
        broker: true,
        controller: true,
    },
    Api {
        key: ApiKey::ListOffsets,
        name: "ListOffsets",
        version_min: 1,
        version_max: 11,
        advertised_min: 1,
        advertised_max: 11,
        flexible_since: 6,
        broker: true,
        controller: false,
    },
    Api {
        key: ApiKey::Metadata,
        name: "Metadata",
        version_min: 0,
        version_max: 13,
        advertised_min: 0,
        advertised_max: 13,
        flexible_since: 9,
        broker: true,
        controller: false,
    },
    Api {
        key: ApiKey::OffsetCommit,
        name: "OffsetCommit",
        version_min: 2,
        version_max: 10,
        advertised_min: 2,
        advertised_max: 10,
        flexible_since: 8,
        broker: true,
        controller: false,
    },
    Api {
        key: ApiKey::OffsetFetch,
        name: "OffsetFetch",
        version_min: 1,
        version_max: 10,
        advertised_min: 1,
        advertised_max: 10,
        flexible_since: 6,
        broker: true,
        controller: false,
    },
    Api {
        key: ApiKey::FindCoordinator,
        name: "FindCoordinator",
        version_min: 0,
        version_max: 6,
        advertised_min: 0,
        advertised_max: 6,
        flexible_since: 3,
        broker: true,
        controller: false,
    },
    Api {
        key: ApiKey::JoinGroup,
        name: "JoinGroup",
        version_min: 0,
        version_max: 9,
        advertised_min: 0,
        advertised_max: 9,
        flexible_since: 6,
        broker: true,
        controller: false,
    },
    Api {
        key: ApiKey::Heartbeat,
        name: "Heartbeat",
        version_min: 0,
        version_max: 4,
        advertised_min: 0,
        advertised_max: 4,
        flexible_since: 4,
        broker: true,
        controller: false,
    },
    Api {
        key: ApiKey::LeaveGroup,
        name: "LeaveGroup",
        version_min: 0,
        version_max: 5,
        advertised_min: 0,
        advertised_max: 5,
        flexible_since: 4,
        broker: true,
        controller: false,
    },
    Api {
        key: ApiKey::SyncGroup,
        name: "SyncGroup",
        version_min: 0,
        version_max: 5,
        advertised_min: 0,
        advertised_max: 5,
        flexible_since: 4,
        broker: true,
        controller: false,
    },
    Api {
        key: ApiKey::DescribeGroups,
        name: "DescribeGroups",
        version_min: 0,
        version_max: 6,
        advertised_min: 0,
        advertised_max: 6,
        flexible_since: 5,
        broker: true,
        controller: false,
    },
    Api {
        key: ApiKey::ListGroups,
        name: "ListGroups",
        version_min: 0,
        version_max: 5,
        advertised_min: 0,
        advertised_max: 5,
        flexible_since: 3,
        broker: true,
        controller: false,
    },
    Api {
        key: ApiKey::ApiVersions,
        name: "ApiVersions",
        version_min: 0,
        version_max: 4,
        advertised_min: 0,
        advertised_max: 4,
        flexible_since: 3,
        broker: true,
        controller: true,
    },
    Api {
        key: ApiKey::CreateTopics,
        name: "CreateTopics",
        version_min: 2,
        version_max: 7,
        advertised_min: 2,
        advertised_max: 7,
        flexible_since: 5,
        broker: true,
        controller: true,
    },
    Api {
        key: ApiKey::DeleteTopics,
        name: "DeleteTopics",
        version_min: 1,
        version_max: 6,
        advertised_min: 1,
        advertised_max: 6,
        flexible_since: 4,
        broker: true,
        controller: true,
    },
    Api {
        key: ApiKey::DeleteRecords,
        name: "DeleteRecords",
        version_min: 0,
        version_max: 2,
        advertised_min: 0,
        advertised_max: 2,
        flexible_since: 2,
        broker: true,
        controller: false,
    },
    Api {
        key: ApiKey::InitProducerId,
        name: "InitProducerId",
        version_min: 0,
        version_max: 6,
        advertised_min: 0,
        advertised_max: 5,
        flexible_since: 2,
        broker: true,
        controller: false,
    },
    Api {
        key: ApiKey::OffsetForLeaderEpoch,
        name: "OffsetForLeaderEpoch",
        version_min: 2,
        version_max: 4,
        advertised_min: 2,
        advertised_max: 4,
        flexible_since: 4,
        broker: true,
        controller: false,
    },
    Api {
        key: ApiKey::DescribeConfigs,
        name: "DescribeConfigs",
        version_min: 1,
        version_max: 4,
        advertised_min: 1,
        advertised_max: 4,
        flexible_since: 4,
        broker: true,
        controller: true,
    },
    Api {
        key: ApiKey::DescribeLogDirs,
        name: "DescribeLogDirs",
        version_min: 1,
        version_max: 5,
        advertised_min: 1,
        advertised_max: 5,
        flexible_since: 2,
        broker: true,
        controller: false,
    },
    Api {
        key: ApiKey::CreatePartitions,
        name: "CreatePartitions",
        version_min: 0,
        version_max: 3,
        advertised_min: 0,
        advertised_max: 3,
        flexible_since: 2,
        broker: true,
        controller: true,
    },
    Api {
        key: ApiKey::DeleteGroups,
        name: "DeleteGroups",
        version_min: 0,
        version_max: 2,
        advertised_min: 0,
        advertised_max: 2,
        flexible_since: 2,
        broker: true,
        controller: false,
    },
    Api {
        key: ApiKey::IncrementalAlterConfigs,
        name: "IncrementalAlterConfigs",
        version_min: 0,
        version_max: 1,
        advertised_min: 0,
        advertised_max: 1,
        flexible_since: 1,
        broker: true,
        controller: true,
    },
    Api {
        key: ApiKey::OffsetDelete,
        name: "OffsetDelete",
        version_min: 0,
        version_max: 0,
        advertised_min: 0,
        advertised_max: 0,
        flexible_since: i16::MAX,
        broker: true,
        controller: false,
    },
    Api {
        key: ApiKey::DescribeCluster,
        name: "DescribeCluster",
        version_min: 0,
        version_max: 2,
        advertised_min: 0,
        advertised_max: 2,
        flexible_since: 0,
        broker: true,
        controller: true,
    },
    Api {
        key: ApiKey::ListConfigResources,
        name: "ListConfigResources",
        version_min: 0,
        version_max: 1,
        advertised_min: 0,
        advertised_max: 1,
        flexible_since: 0,
        broker: true,
        controller: false,
    },
    Api {
        key: ApiKey::DescribeTopicPartitions,
        name: "DescribeTopicPartitions",
        version_min: 0,
        version_max: 0,
        advertised_min: 0,
        advertised_max: 0,
        flexible_since: 0,
        broker: true,
        controller: false,
    },
];

impl ApiKey {
    pub fn from_code(code: i16) -> Option<Self> {
        Some(match code {
            0 => ApiKey::Produce,
            1 => ApiKey::Fetch,
            2 => ApiKey::ListOffsets,
            3 => ApiKey::Metadata,
            8 => ApiKey::OffsetCommit,
            9 => ApiKey::OffsetFetch,
            10 => ApiKey::FindCoordinator,
            11 => ApiKey::JoinGroup,
            12 => ApiKey::Heartbeat,
            13 => ApiKey::LeaveGroup,
            14 => ApiKey::SyncGroup,
            15 => ApiKey::DescribeGroups,
            16 => ApiKey::ListGroups,
            18 => ApiKey::ApiVersions,
            19 => ApiKey::CreateTopics,
            20 => ApiKey::DeleteTopics,
            21 => ApiKey::DeleteRecords,
            22 => ApiKey::InitProducerId,
            23 => ApiKey::OffsetForLeaderEpoch,
            32 => ApiKey::DescribeConfigs,
            35 => ApiKey::DescribeLogDirs,
            37 => ApiKey::CreatePartitions,
            42 => ApiKey::DeleteGroups,
            44 => ApiKey::IncrementalAlterConfigs,
            47 => ApiKey::OffsetDelete,
            60 => ApiKey::DescribeCluster,
            74 => ApiKey::ListConfigResources,
            75 => ApiKey::DescribeTopicPartitions,
            _ => return None,
        })
    }

    /// Kafka's number.
    pub const fn code(self) -> i16 {
        match self {
            ApiKey::Produce => 0,
            ApiKey::Fetch => 1,
            ApiKey::ListOffsets => 2,
            ApiKey::Metadata => 3,
            ApiKey::OffsetCommit => 8,
            ApiKey::OffsetFetch => 9,
            ApiKey::FindCoordinator => 10,
            ApiKey::JoinGroup => 11,
            ApiKey::Heartbeat => 12,
            ApiKey::LeaveGroup => 13,
            ApiKey::SyncGroup => 14,
            ApiKey::DescribeGroups => 15,
            ApiKey::ListGroups => 16,
            ApiKey::ApiVersions => 18,
            ApiKey::CreateTopics => 19,
            ApiKey::DeleteTopics => 20,
            ApiKey::DeleteRecords => 21,
            ApiKey::InitProducerId => 22,
            ApiKey::OffsetForLeaderEpoch => 23,
            ApiKey::DescribeConfigs => 32,
            ApiKey::DescribeLogDirs => 35,
            ApiKey::CreatePartitions => 37,
            ApiKey::DeleteGroups => 42,
            ApiKey::IncrementalAlterConfigs => 44,
            ApiKey::OffsetDelete => 47,
            ApiKey::DescribeCluster => 60,
            ApiKey::ListConfigResources => 74,
            ApiKey::DescribeTopicPartitions => 75,
        }
    }

    /// The row of [`APIS`].
    pub const fn api(self) -> &'static Api {
        match self {
            ApiKey::Produce => &APIS[0],
            ApiKey::Fetch => &APIS[1],
            ApiKey::ListOffsets => &APIS[2],
            ApiKey::Metadata => &APIS[3],
            ApiKey::OffsetCommit => &APIS[4],
            ApiKey::OffsetFetch => &APIS[5],
            ApiKey::FindCoordinator => &APIS[6],
            ApiKey::JoinGroup => &APIS[7],
            ApiKey::Heartbeat => &APIS[8],
            ApiKey::LeaveGroup => &APIS[9],
            ApiKey::SyncGroup => &APIS[10],
            ApiKey::DescribeGroups => &APIS[11],
            ApiKey::ListGroups => &APIS[12],
            ApiKey::ApiVersions => &APIS[13],
            ApiKey::CreateTopics => &APIS[14],
            ApiKey::DeleteTopics => &APIS[15],
            ApiKey::DeleteRecords => &APIS[16],
            ApiKey::InitProducerId => &APIS[17],
            ApiKey::OffsetForLeaderEpoch => &APIS[18],
            ApiKey::DescribeConfigs => &APIS[19],
            ApiKey::DescribeLogDirs => &APIS[20],
            ApiKey::CreatePartitions => &APIS[21],
            ApiKey::DeleteGroups => &APIS[22],
            ApiKey::IncrementalAlterConfigs => &APIS[23],
            ApiKey::OffsetDelete => &APIS[24],
            ApiKey::DescribeCluster => &APIS[25],
            ApiKey::ListConfigResources => &APIS[26],
            ApiKey::DescribeTopicPartitions => &APIS[27],
        }
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.api().name)
    }
}
