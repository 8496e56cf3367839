//! The production [`Env`]: a handle to its shard, cheap to clone, never leaving its thread.

use super::file::{UringFile, c_path, open_raw};
use super::request;
use super::shard::Shard;
use super::socket::{UringListener, UringStream};
use crate::env::{DirEntry, Env, File, Instant, OpenMode, Queue};
use engine_base::ShardId;
use std::ffi::OsString;
use std::future::Future;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

/// See the head of the file.
#[derive(Clone)]
pub struct UringEnv(pub(super) Rc<Shard>);

impl UringEnv {
    async fn perform(&self, make: impl FnOnce() -> request::Request) -> io::Result<()> {
        self.0.ring.clone().perform(make).await?.outcome()?;
        Ok(())
    }

    /// Writes `content` to a new or emptied file and makes it durable.
    async fn write_new(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC;
        let descriptor = open_raw(&self.0.ring, path, flags).await?;
        let file = UringFile::from_raw(self.0.ring.clone(), descriptor);
        file.write_cached(&[io::IoSlice::new(content)], 0)?;
        file.sync_data().await
    }
}

impl Env for UringEnv {
    type File = UringFile;
    type Stream = UringStream;
    type Listener = UringListener;

    fn shard(&self) -> ShardId {
        self.0.id
    }

    fn shard_count(&self) -> u16 {
        self.0.count
    }

    fn now(&self) -> Instant {
        self.0.timers.moment()
    }

    fn wall_ms(&self) -> i64 {
        self.0.wall_ms()
    }

    fn random(&self) -> u64 {
        self.0.random()
    }

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + 'static {
        self.0.sleep_until(at)
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + 'static {
        self.0.sleep(duration)
    }

    fn yield_now(&self) -> impl Future<Output = ()> + 'static {
        self.0.yield_now()
    }

    fn spawn(&self, queue: Queue, task: impl Future<Output = ()> + 'static) {
        self.0.spawn(queue, task);
    }

    fn stopped(&self) -> impl Future<Output = ()> + 'static {
        self.0.stopped()
    }

    async fn open(&self, path: &Path, mode: OpenMode) -> io::Result<UringFile> {
        UringFile::open(self.0.ring.clone(), path, mode).await
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // Follows links; an entry that vanished meanwhile, or a link to nothing, is skipped.
            let Ok(status) = std::fs::metadata(entry.path()) else { continue };
            let is_dir = status.is_dir();
            entries.push(DirEntry { name, is_dir, len: if is_dir { 0 } else { status.len() } });
        }
        entries.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(entries)
    }

    async fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut missing: Vec<&Path> = Vec::new();
        let mut current = Some(path);
        while let Some(dir) = current {
            if dir.as_os_str().is_empty() || dir.is_dir() {
                break;
            }
            missing.push(dir);
            current = dir.parent();
        }
        for dir in missing.into_iter().rev() {
            let name = c_path(dir)?;
            match self.perform(|| request::create_dir(name)).await {
                // Somebody else made it meanwhile.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => {}
                result => result?,
            }
        }
        Ok(())
    }

    async fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (c_path(from)?, c_path(to)?);
        self.perform(|| request::rename(from, to)).await
    }

    async fn remove_file(&self, path: &Path) -> io::Result<()> {
        let path = c_path(path)?;
        self.perform(|| request::remove_file(path)).await
    }

    async fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let path = c_path(path)?;
        self.perform(|| request::remove_dir(path)).await
    }

    async fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let flags = libc::O_RDONLY | libc::O_DIRECTORY;
        let directory = Rc::new(open_raw(&self.0.ring, path, flags).await?);
        self.perform(|| request::sync_all(&directory)).await
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        let path = c_path(path)?;
        // SAFETY: zeros are a valid `statvfs`.
        let mut status: libc::statvfs = unsafe { std::mem::zeroed() };
        // SAFETY: the path ends with a zero byte, `status` is writable.
        let result = unsafe { libc::statvfs(path.as_ptr(), &raw mut status) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(status.f_bavail.saturating_mul(status.f_frsize))
    }

    async fn read_whole(&self, path: &Path, limit: usize) -> io::Result<Vec<u8>> {
        let file = std::fs::File::open(path)?;
        let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        let mut content = Vec::new();
        file.take(bound).read_to_end(&mut content)?;
        if content.len() > limit {
            let text = format!("{} is larger than {limit} bytes", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(content)
    }

    async fn write_whole(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let Some(name) = path.file_name() else { return Err(io::ErrorKind::InvalidInput.into()) };
        let mut temporary_name = OsString::from(name);
        temporary_name.push(".tmp");
        let temporary: PathBuf = path.with_file_name(temporary_name);
        let result = match self.write_new(&temporary, content).await {
            Ok(()) => self.rename(&temporary, path).await,
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            // The content did not get there; what is left of it is of no use.
            let _ = self.remove_file(&temporary).await;
            return Err(error);
        }
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => self.sync_dir(parent).await,
            _ => self.sync_dir(Path::new(".")).await,
        }
    }

    fn listen(&self, address: SocketAddr) -> io::Result<UringListener> {
        UringListener::new(self.0.clone(), address)
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<UringStream> {
        UringStream::connect(self.0.ring.clone(), address).await
    }
}
