//! Starting the broker and stopping it: the log directory, the runtime, one server per shard, and
//! the order of it all. Called by the binary with the configuration; returns when the broker has
//! stopped.

use crate::config::BrokerConfig;
use crate::serving::{self, Identity, serve_shard};
use engine_base::ShardId;
use engine_io::mail::Mail;
use engine_io::uring::{RuntimeConfig, StartError as RuntimeError, StopHandle, UringEnv};
use engine_io::{Env, uring};
use engine_shard::{ShardMail, StartError};
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use std::fs::{File, TryLockError};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tracing::{error, info};

/// Why the broker did not start, or did not stop cleanly.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    #[error("{0}")]
    Runtime(#[from] RuntimeError),
    #[error("log directory {}: {source}", path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error(
        "log directory {} is in use by another broker; stop that one, or set another log.dirs",
        path.display()
    )]
    Locked { path: PathBuf },
    #[error(
        "{} belongs to {key} {found}, but this broker is {expected}; \
         set {key} back or use another log.dirs",
        path.display()
    )]
    Identity { path: PathBuf, key: &'static str, found: String, expected: String },
    /// Kafka refuses such a directory too (`MetaPropertiesEnsemble.verify`).
    #[error(
        "{} is missing, but the directory is not new: it holds {holds}, of a cluster whose id is \
         not known here. Put the file back, or write one with the lines version=1, \
         cluster.id=<the id its clients and tools know>, node.id={node_id}, \
         directory.id={directory_id}; for a new cluster use another log.dirs",
        path.display()
    )]
    Unnamed { path: PathBuf, holds: String, node_id: i32, directory_id: String },
    #[error("cannot listen on {address}: {source}; is another broker running there?")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("shard {shard}: {source}")]
    Shard { shard: u16, source: StartError },
    #[error("the broker stopped, but not everything was written; the next start recovers")]
    Unclean,
}

impl BootError {
    /// Exit code by sysexits: 78 for configuration, 74 for the log directory, 1 for the rest.
    pub fn exit_code(&self) -> u8 {
        match self {
            BootError::Identity { .. } => 78,
            BootError::Directory { .. }
            | BootError::Unnamed { .. }
            | BootError::Locked { .. }
            | BootError::Shard { .. } => 74,
            _ => 1,
        }
    }
}

/// What is known once every listener accepts.
pub struct Ready {
    pub cluster_id: String,
    pub node_id: i32,
    pub log_dir: PathBuf,
    pub listeners: Vec<String>,
    pub shards: u16,
    pub start_ms: u128,
}

/// Runs a broker until it is asked to stop. `ready` is called once, on some shard's thread, when
/// every listener accepts.
pub fn run(
    config: BrokerConfig,
    stop: StopHandle,
    ready: impl Fn(&Ready) + Send + Sync + 'static,
) -> Result<(), BootError> {
    let begun = Instant::now();
    let config = Arc::new(config);
    let directory = |source| BootError::Directory { path: config.log_dir.clone(), source };
    std::fs::create_dir_all(&config.log_dir).map_err(directory)?;
    let _lock = lock_directory(&config.log_dir)?;
    check_addresses(&config.bind_addresses(), ADDRESS_WAIT)?;
    uring::probe_directory(&config.log_dir)?;
    let runtime =
        RuntimeConfig { shards: config.shards(), cpus: config.cpus.clone(), stop: stop.clone() };
    let machine = uring::probe(&runtime)?;
    info!("{}", machine.describe());
    let node = Arc::new(Node {
        config,
        shards: runtime.shards,
        stop,
        identity: Mutex::new(None),
        serving: AtomicU16::new(0),
        failure: Mutex::new(None),
        begun,
        ready: Box::new(ready),
    });
    let shared = node.clone();
    let results = uring::run::<ShardMail, _, _, _>(&runtime, move |env, mail| {
        shard_main(env, mail, shared.clone())
    })?;
    if let Some(error) = node.failure.lock().unwrap_or_else(|poison| poison.into_inner()).take() {
        return Err(error);
    }
    if results.iter().all(|clean| *clean) { Ok(()) } else { Err(BootError::Unclean) }
}

/// What the shards of this process share. Touched at start and stop only.
struct Node {
    config: Arc<BrokerConfig>,
    shards: u16,
    stop: StopHandle,
    /// Of the directory: made or read by the first shard that asks.
    identity: Mutex<Option<Identity>>,
    /// Shards that accept connections.
    serving: AtomicU16,
    failure: Mutex<Option<BootError>>,
    begun: Instant,
    ready: Box<dyn Fn(&Ready) + Send + Sync>,
}

impl Node {
    /// Whether some shard could not start.
    fn has_failed(&self) -> bool {
        self.failure.lock().unwrap_or_else(|poison| poison.into_inner()).is_some()
    }

    /// Notes the first failure and has everything stop.
    fn fail(&self, error: BootError) {
        error!(%error, "the broker cannot start");
        self.failure.lock().unwrap_or_else(|poison| poison.into_inner()).get_or_insert(error);
        self.stop.request_stop();
    }
}

impl Node {
    /// Another shard accepts connections; the last of them says that the broker is ready.
    fn serve(&self, identity: &Identity) {
        if self.serving.fetch_add(1, Ordering::SeqCst) + 1 < self.shards {
            return;
        }
        (self.ready)(&Ready {
            cluster_id: identity.cluster_id.clone(),
            node_id: self.config.node_id,
            log_dir: self.config.log_dir.clone(),
            listeners: self.config.listener_texts(),
            shards: self.shards,
            start_ms: self.begun.elapsed().as_millis(),
        });
    }
}

/// One shard from start to stop. True if it stopped with everything written.
async fn shard_main(env: UringEnv, mail: Mail<ShardMail>, node: Arc<Node>) -> bool {
    let identity = match identity(&env, &node).await {
        Ok(Some(identity)) => identity,
        Ok(None) => return false,
        Err(error) => {
            node.fail(error);
            return false;
        }
    };
    let shard = env.shard().0;
    let bound = |bound| match bound {
        Ok(()) => node.serve(&identity),
        Err(error) => node.fail(error),
    };
    match serve_shard(env, mail, node.config.clone(), identity.clone(), bound).await {
        Ok(clean) => clean,
        Err(StartError::Stopped) => false,
        Err(source) => {
            node.fail(BootError::Shard { shard, source });
            false
        }
    }
}

/// Ids of cluster and directory: read from `meta.properties`, or made. Shard 0 does it; the others
/// wait, and get none if it fails.
async fn identity(env: &UringEnv, node: &Node) -> Result<Option<Identity>, BootError> {
    let known = || node.identity.lock().unwrap_or_else(|poison| poison.into_inner()).clone();
    if env.shard() != ShardId(0) {
        loop {
            if let Some(identity) = known() {
                return Ok(Some(identity));
            }
            if node.has_failed() {
                return Ok(None);
            }
            env.sleep(Duration::from_millis(1)).await;
        }
    }
    let identity = serving::identify(env, &node.config).await?;
    *node.identity.lock().unwrap_or_else(|poison| poison.into_inner()) = Some(identity.clone());
    Ok(Some(identity))
}

/// Kafka's `.lock`, held by both kinds of lock: of one open file against ourselves in other
/// processes, and of the process against a Java broker, whose file locks are of that kind. Freed when
/// the file is closed.
fn lock_directory(dir: &Path) -> Result<File, BootError> {
    let path = dir.join(".lock");
    let failed = |source| BootError::Directory { path: dir.to_path_buf(), source };
    let file =
        File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    let locked = || Err(BootError::Locked { path: dir.to_path_buf() });
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return locked(),
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    match rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(Errno::ACCESS | Errno::AGAIN) => locked(),
        Err(error) => Err(failed(error.into())),
    }
}

/// How long an address may stay in use at the start: the kernel takes the rings of a killed broker
/// apart after its end, and its listening sockets go with them, some milliseconds later.
const ADDRESS_WAIT: Duration = Duration::from_secs(2);
const ADDRESS_RETRY: Duration = Duration::from_millis(2);

/// Refuses addresses that somebody listens on already. The sockets of the shards share their port, and
/// the kernel would let those of another broker share it too: each would get some of the clients.
fn check_addresses(addresses: &[SocketAddr], wait: Duration) -> Result<(), BootError> {
    let begun = Instant::now();
    for address in addresses {
        while let Err(source) = TcpListener::bind(address) {
            if source.kind() != io::ErrorKind::AddrInUse || begun.elapsed() >= wait {
                return Err(BootError::Listen { address: *address, source });
            }
            std::thread::sleep(ADDRESS_RETRY);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{ADDRESS_WAIT, BootError, check_addresses};
    use std::net::TcpListener;
    use std::time::Duration;

    #[test]
    fn an_address_in_use_is_refused_and_a_free_one_is_left_free() {
        let other = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = other.local_addr().expect("bound");
        let refused = check_addresses(&[address], Duration::ZERO);
        assert!(
            matches!(refused, Err(BootError::Listen { address: found, .. }) if found == address)
        );
        drop(other);
        check_addresses(&[address], Duration::ZERO).expect("nobody listens there");
        TcpListener::bind(address).expect("still free");
    }

    #[test]
    fn an_address_that_gets_free_in_a_moment_is_waited_for() {
        let other = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = other.local_addr().expect("bound");
        let (begin, begun) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let checked = scope.spawn(move || {
                assert!(TcpListener::bind(address).is_err());
                begin.send(()).expect("somebody waits");
                check_addresses(&[address], ADDRESS_WAIT)
            });
            begun.recv().expect("begun");
            drop(other);
            checked.join().expect("no panic").expect("free by now");
        });
    }
}
