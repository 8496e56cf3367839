//! One shard of a broker from its start to its stop, on any machine, and the identity of the log
//! directory it serves. Called on every shard: by [`boot`](crate::boot) on the real machine, by
//! tests and simulations on theirs.

use crate::boot::BootError;
use crate::config::BrokerConfig;
use crate::context::Context;
use crate::listener::{accept_on, bind, drain};
use engine_base::Uuid;
use engine_io::Env;
use engine_io::mail::Mail;
use engine_log::node_files::{MetaProperties, find_use, take_clean_marker};
use engine_shard::{Settings, Shard, ShardMail, StartError};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

/// What the log directory says of itself.
#[derive(Clone, Debug)]
pub struct Identity {
    pub cluster_id: String,
    pub directory_id: Uuid,
    /// The last stop was clean. Said once: the marker is gone then.
    pub clean: bool,
}

/// Ids of cluster and directory: read from `meta.properties`, or made. Once for all shards.
pub async fn identify<E: Env>(env: &E, config: &BrokerConfig) -> Result<Identity, BootError> {
    let dir = &config.log_dir;
    let failed = |source| BootError::Directory { path: dir.clone(), source };
    let random_id = || {
        loop {
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&env.random().to_be_bytes());
            bytes[8..].copy_from_slice(&env.random().to_be_bytes());
            if let Some(id) = Uuid::from_random(bytes) {
                return id;
            }
        }
    };
    let found = MetaProperties::read(env, dir).await.map_err(failed)?;
    let properties = match found {
        Some(properties) => {
            check(config, dir, &properties)?;
            properties
        }
        None => {
            if let Some(holds) = find_use(env, dir).map_err(failed)? {
                let (path, node_id) = (dir.join("meta.properties"), config.node_id);
                let directory_id = random_id().to_string();
                return Err(BootError::Unnamed { path, holds, node_id, directory_id });
            }
            let cluster_id = config.cluster_id.clone().unwrap_or_else(|| random_id().to_string());
            let properties =
                MetaProperties { cluster_id, node_id: config.node_id, directory_id: random_id() };
            properties.write(env, dir).await.map_err(failed)?;
            properties
        }
    };
    let clean = take_clean_marker(env, dir).await.map_err(failed)?;
    let MetaProperties { cluster_id, directory_id, .. } = properties;
    Ok(Identity { cluster_id, directory_id, clean })
}

fn check(config: &BrokerConfig, dir: &Path, properties: &MetaProperties) -> Result<(), BootError> {
    let path = dir.join("meta.properties");
    if properties.node_id != config.node_id {
        return Err(BootError::Identity {
            path,
            key: "node.id",
            found: properties.node_id.to_string(),
            expected: config.node_id.to_string(),
        });
    }
    match &config.cluster_id {
        Some(expected) if *expected != properties.cluster_id => Err(BootError::Identity {
            path,
            key: "cluster id",
            found: properties.cluster_id.clone(),
            expected: expected.clone(),
        }),
        _ => Ok(()),
    }
}

/// Starts a shard, serves clients until the process is asked to stop, and stops. `bound` learns
/// whether every listener accepts; if not, it has everything stop. True if all was written.
pub async fn serve_shard<E: Env>(
    env: E,
    mail: Mail<ShardMail>,
    config: Arc<BrokerConfig>,
    identity: Identity,
    bound: impl FnOnce(Result<(), BootError>),
) -> Result<bool, StartError> {
    let settings = settings(&config, env.shard_count(), &identity);
    let shard = Shard::start(env.clone(), mail, settings).await?;
    let addresses = config.bind_addresses();
    let cluster_id = Arc::from(identity.cluster_id.as_str());
    let server = Rc::new(Context::new(env.clone(), shard.clone(), config, cluster_id));
    bound(match bind(&env, &addresses) {
        Ok(listeners) => {
            accept_on(&server, listeners);
            Ok(())
        }
        Err((address, source)) => Err(BootError::Listen { address, source }),
    });
    env.stopped().await;
    drain(&server).await;
    Ok(shard.stop().await)
}

fn settings(config: &BrokerConfig, shards: u16, identity: &Identity) -> Settings {
    Settings {
        node_id: config.node_id,
        log_dir: config.log_dir.clone(),
        directory_id: identity.directory_id,
        endpoints: config.endpoints(),
        rack: config.rack.clone(),
        fixed: config.fixed.clone(),
        groups: config.groups.clone(),
        offsets_topic_partitions: config.offsets_topic_partitions,
        offsets_topic_segment_bytes: config.offsets_topic_segment_bytes,
        producer_id_expiration_ms: config.producer_id_expiration_ms,
        journal_bytes: config.journal_bytes,
        arena_bytes: config.memory_bytes / usize::from(shards),
        relaxed_all: config.acks_all_relaxed,
        clean: identity.clean,
        retention_check_ms: config.log_retention_check_ms,
        default_partitions: config.num_partitions,
        default_replication_factor: config.default_replication_factor,
        topics_can_be_deleted: config.delete_topic_enable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Inputs};
    use engine_io::memory::{Machine, Options};

    const META: &str = "/data/meta.properties";

    fn identify_on(machine: &Machine) -> Result<Identity, BootError> {
        let overrides = ["log.dirs=/data".to_owned(), "node.id=1".to_owned()];
        let facts = config::Machine {
            hostname: "machine".to_owned(),
            cpus: 1,
            memory_bytes: 8 << 30,
            resolve: |_, port| Ok((std::net::Ipv4Addr::LOCALHOST, port).into()),
        };
        let inputs =
            Inputs { file: None, environment: &[], overrides: &overrides, machine: &facts };
        let config = config::load(&inputs).expect("a legal configuration").config;
        machine.run(async |env| identify(&env, &config).await)
    }

    fn text_of(result: Result<Identity, BootError>) -> String {
        result.expect_err("the start must be refused").to_string()
    }

    #[test]
    fn a_new_directory_is_named_and_keeps_its_name() {
        let machine = Machine::new(1, Options::default());
        machine.put_file("/data/.lock", &[]);
        machine.put_dir("/data/lost+found");
        let first = identify_on(&machine).expect("new");
        let again = identify_on(&machine).expect("known");
        assert_eq!(first.cluster_id, again.cluster_id);
        assert_eq!(first.directory_id, again.directory_id);
    }

    #[test]
    fn a_used_directory_without_its_name_is_refused() {
        for used in [
            "orders-0/00000000000000000000.log",
            "orders-0.0123456789abcdef0123456789abcdef-delete/partition.metadata",
            ".tidemill-journal-0-0",
            ".tidemill-points-1-0",
            "recovery-point-offset-checkpoint",
            ".kafka_cleanshutdown",
        ] {
            let machine = Machine::new(1, Options::default());
            machine.put_file(format!("/data/{used}"), b"x");
            let text = text_of(identify_on(&machine));
            let name = used.split('/').next().expect("a part");
            for part in [META, name, "cluster.id=", "node.id=1", "another log.dirs"] {
                assert!(text.contains(part), "{part}: {text}");
            }
            assert!(!machine.exists(META), "nothing is made");
            assert!(machine.exists(format!("/data/{used}")), "nothing is taken away");
        }
    }

    #[test]
    fn a_damaged_name_is_told_with_file_and_line() {
        let machine = Machine::new(1, Options::default());
        machine.put_dir("/data");
        identify_on(&machine).expect("new");
        let good = String::from_utf8(machine.file(META)).expect("text");
        for (from, to, what) in [
            ("node.id=1", "node.id=one", "line 3: node.id is \"one\""),
            ("cluster.id", "#", "cluster.id is missing"),
            ("version=1", "version=7", "line 4: version is \"7\""),
        ] {
            machine.put_file(META, good.replace(from, to).as_bytes());
            let text = text_of(identify_on(&machine));
            assert!(text.contains(META) && text.contains(what), "{text}");
        }
        machine.put_file(META, &[0xFF; 9]);
        assert!(text_of(identify_on(&machine)).contains("it is no text"));
        machine.put_file(META, &[]);
        assert!(text_of(identify_on(&machine)).contains("version is missing"));
        machine.put_file(META, good.as_bytes());
        identify_on(&machine).expect("as it was");
    }
}
