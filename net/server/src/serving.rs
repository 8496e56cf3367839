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
use engine_log::node_files::{MetaProperties, take_clean_marker};
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
