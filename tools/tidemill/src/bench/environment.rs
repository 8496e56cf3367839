//! Where a run took place: this machine, and what the brokers say of themselves.

use crate::client::cluster::{Missing, Peer};
use crate::client::{ClientError, Cluster, check};
use net_wire::ApiKey;
use net_wire::generated::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use net_wire::generated::describe_cluster::{DescribeClusterRequest, DescribeClusterResponse};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Environment {
    pub client: Client,
    pub brokers: Brokers,
}

/// The machine that made the load. What it does not tell is empty.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Client {
    /// Program and version.
    pub version: String,
    pub host: String,
    pub system: String,
    pub processor: String,
    pub cores: usize,
    pub memory_bytes: u64,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Brokers {
    /// As given.
    pub bootstrap: String,
    /// None if the broker is too old to tell.
    pub cluster_id: Option<String>,
    pub controller_id: i32,
    /// By node id.
    pub addresses: BTreeMap<i32, String>,
    /// Finalized features by level, such as `metadata.version`; brokers do not tell their release.
    pub features: BTreeMap<String, i16>,
    /// Newest versions of the two APIs that say most about a broker's age.
    pub produce_version: Option<i16>,
    pub fetch_version: Option<i16>,
}

impl Client {
    pub fn here() -> Client {
        let line = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let (release, machine) = (line("/proc/sys/kernel/osrelease"), std::env::consts::ARCH);
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        Client {
            version: format!("tidemill {}", env!("CARGO_PKG_VERSION")),
            host: line("/proc/sys/kernel/hostname"),
            system: format!("Linux {release} {machine}"),
            processor: field(&line("/proc/cpuinfo"), "model name").unwrap_or_default(),
            cores,
            memory_bytes: memory_bytes(&line("/proc/meminfo")),
        }
    }
}

/// The first line `name : value` of a file in /proc.
fn field(text: &str, name: &str) -> Option<String> {
    let value = |line: &str| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    };
    text.lines().find_map(value)
}

fn memory_bytes(meminfo: &str) -> u64 {
    let total = field(meminfo, "MemTotal").unwrap_or_default();
    let kib: u64 = total.split(' ').next().and_then(|kib| kib.parse().ok()).unwrap_or(0);
    kib << 10
}

impl Brokers {
    pub fn ask(cluster: &mut Cluster, bootstrap: String) -> Result<Brokers, ClientError> {
        let mut found = Brokers { bootstrap, controller_id: -1, ..Brokers::default() };
        found.ask_versions(cluster)?;
        let request = DescribeClusterRequest::default();
        match cluster.call(Peer::Any, &request) {
            Ok(reply) => {
                let response: DescribeClusterResponse<'_> = reply.decode()?;
                check(response.error_code, response.error_message, || "the cluster".into())?;
                found.cluster_id = Some(response.cluster_id.to_owned());
                found.controller_id = response.controller_id;
                for broker in &response.brokers {
                    let address = format!("{}:{}", broker.host, broker.port);
                    found.addresses.insert(broker.broker_id, address);
                }
            }
            Err(ClientError::Unsupported { .. }) => {
                let metadata = cluster.metadata(Some(&[]), Missing::Refuse)?;
                found.controller_id = metadata.controller_id;
                let addresses = metadata.brokers.into_iter();
                found.addresses = addresses.map(|(id, at)| (id, at.to_string())).collect();
            }
            Err(error) => return Err(error),
        }
        Ok(found)
    }

    fn ask_versions(&mut self, cluster: &mut Cluster) -> Result<(), ClientError> {
        let request = ApiVersionsRequest {
            client_software_name: "tidemill",
            client_software_version: env!("CARGO_PKG_VERSION"),
        };
        let reply = cluster.call(Peer::Any, &request)?;
        let response: ApiVersionsResponse<'_> = reply.decode()?;
        check(response.error_code, None, || "ApiVersions".into())?;
        for feature in &response.finalized_features {
            self.features.insert(feature.name.to_owned(), feature.max_version_level);
        }
        for api in &response.api_keys {
            if api.api_key == ApiKey::Produce.code() {
                self.produce_version = Some(api.max_version);
            } else if api.api_key == ApiKey::Fetch.code() {
                self.fetch_version = Some(api.max_version);
            }
        }
        Ok(())
    }

    /// One line for people.
    pub fn text(&self) -> String {
        let mut parts = vec![match self.addresses.len() {
            1 => "1 broker".to_owned(),
            count => format!("{count} brokers"),
        }];
        if let Some(id) = &self.cluster_id {
            parts.push(format!("cluster {id}"));
        }
        if let Some(level) = self.features.get("metadata.version") {
            parts.push(format!("metadata.version {level}"));
        }
        if let (Some(produce), Some(fetch)) = (self.produce_version, self.fetch_version) {
            parts.push(format!("Produce {produce}, Fetch {fetch}"));
        }
        format!("{}: {}", self.bootstrap, parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::{Client, field, memory_bytes};

    #[test]
    fn files_in_proc_are_read() {
        let text = "processor\t: 0\nmodel name\t: A: B 7\nmodel name\t: second\n";
        assert_eq!(field(text, "model name").as_deref(), Some("A: B 7"));
        assert_eq!(field(text, "flags"), None);
        assert_eq!(memory_bytes("MemTotal:       1024 kB\nMemFree: 1 kB"), 1 << 20);
        assert_eq!(memory_bytes(""), 0);
        let here = Client::here();
        assert!(here.cores > 0 && here.memory_bytes > 0, "{here:?}");
        assert!(here.version.starts_with("tidemill "), "{here:?}");
    }
}
