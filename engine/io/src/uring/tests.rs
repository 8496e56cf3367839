//! Tests of the production backend: the shared suite on a real disk and real sockets, and what only
//! this backend promises.

use super::{RuntimeConfig, StopHandle, UringEnv, run};
use crate::mail::Mail;
use crate::suite::{Message, environment_suite};
use std::future::Future;
use std::path::{Path, PathBuf};

/// An empty directory of its own, on the disk that holds the build.
fn directory(name: &str) -> PathBuf {
    let parent = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-io");
    let path = parent.join(format!("{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a directory under target");
    path.canonicalize().expect("it is there")
}

fn config(shards: u16) -> RuntimeConfig {
    RuntimeConfig { shards, cpus: Vec::new(), stop: StopHandle::new() }
}

fn run_suite<F, Fut>(name: &str, shards: u16, main: F)
where
    F: Fn(UringEnv, Mail<Message>, PathBuf) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let path = directory(name);
    let inner = path.clone();
    let results = run(&config(shards), move |env, mail| main(env, mail, inner.clone()));
    assert_eq!(results.expect("a runtime").len(), usize::from(shards));
    std::fs::remove_dir_all(&path).expect("removed");
}

environment_suite!(run_suite);
