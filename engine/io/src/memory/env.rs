//! One shard's access to the simulated machine.

use super::disk::size;
use super::fault::DiskCall;
use super::file::MemoryFile;
use super::machine::Control;
use super::net::Side;
use super::operation::Op;
use super::pages::PAGE_BYTES;
use super::stream::{MemoryListener, MemoryStream};
use super::world::{Event, EventKey, World, outcome};
use crate::env::{Create, DirEntry, Env, File, Instant, OpenMode, Queue};
use crate::sync::oneshot;
use engine_base::ShardId;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// See [`Machine`](super::Machine). Cheap to clone.
#[derive(Clone)]
pub struct MemoryEnv {
    world: Rc<World>,
    shard: ShardId,
    shard_count: u16,
}

impl MemoryEnv {
    pub(super) fn new(world: Rc<World>, shard: ShardId, shard_count: u16) -> Self {
        MemoryEnv { world, shard, shard_count }
    }

    /// The machine's controls: faults, inspection, stopping.
    pub fn control(&self) -> Control {
        Control::new(self.world.clone())
    }
}

impl std::fmt::Debug for MemoryEnv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryEnv({} of {}, {:?})", self.shard, self.shard_count, self.world)
    }
}

/// A sleeping task. Its timer goes when it does.
struct Sleep {
    world: Rc<World>,
    at: u64,
    timer: Option<EventKey>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if let Some(timer) = self.timer.take() {
            self.world.cancel(timer);
        }
        if self.world.now.get() >= self.at {
            return Poll::Ready(());
        }
        let timer = self.world.at(self.at, Event::Wake(context.waker().clone()));
        self.timer = Some(timer);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer.take() {
            self.world.cancel(timer);
        }
    }
}

/// Pending once.
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

fn error(code: i32) -> io::Error {
    io::Error::from_raw_os_error(code)
}

impl Env for MemoryEnv {
    type File = MemoryFile;
    type Stream = MemoryStream;
    type Listener = MemoryListener;

    fn shard(&self) -> ShardId {
        self.shard
    }

    fn shard_count(&self) -> u16 {
        self.shard_count
    }

    fn now(&self) -> Instant {
        Instant(self.world.now.get())
    }

    fn wall_ms(&self) -> i64 {
        let passed = i64::try_from(self.world.now.get() / 1_000_000).expect("nanoseconds fit");
        self.world.wall_offset_ms.get() + passed
    }

    fn random(&self) -> u64 {
        let drawn = self.world.entropy.borrow_mut().draw();
        self.world.trace("random", drawn, 0);
        drawn
    }

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + 'static {
        Sleep { world: self.world.clone(), at: at.0, timer: None }
    }

    fn yield_now(&self) -> impl Future<Output = ()> + 'static {
        Yield(false)
    }

    fn spawn(&self, _queue: Queue, task: impl Future<Output = ()> + 'static) {
        self.world.spawn(self.world.slot(), task);
    }

    fn stopped(&self) -> impl Future<Output = ()> + 'static {
        let world = self.world.clone();
        async move {
            while !world.is_stopping.get() {
                world.stop.wait().await;
            }
        }
    }

    async fn open(&self, path: &Path, mode: OpenMode) -> io::Result<MemoryFile> {
        self.world.path_call(path, DiskCall::Open).await?;
        let node = self.world.disk.borrow_mut().open(path, mode)?;
        Ok(MemoryFile::new(self.world.clone(), node, mode))
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.world.disk.borrow().entries(path)
    }

    async fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.world.path_call(path, DiskCall::CreateDir).await?;
        let mut disk = self.world.disk.borrow_mut();
        let mut above: PathBuf = PathBuf::new();
        for component in path.components() {
            above.push(component);
            match disk.names.find(&above)? {
                Some(entry) if entry.is_dir => {}
                Some(_) => return Err(error(libc::EEXIST)),
                None => disk.create_dir(&above)?,
            }
        }
        Ok(())
    }

    async fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.world.path_call(from, DiskCall::Rename).await?;
        self.world.disk.borrow_mut().rename(from, to)
    }

    async fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.world.path_call(path, DiskCall::Remove).await?;
        self.world.disk.borrow_mut().remove(path, false)
    }

    async fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.world.path_call(path, DiskCall::Remove).await?;
        self.world.disk.borrow_mut().remove(path, true)
    }

    async fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let (done, result) = oneshot();
        let (dir, up_to) = {
            let disk = self.world.disk.borrow();
            (disk.names.dir(path)?, disk.last_change())
        };
        self.world.submit(path, DiskCall::SyncDir, Op::SyncDir { dir, up_to, done });
        outcome(result).await
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        let disk = self.world.disk.borrow();
        disk.names.find(path)?.ok_or_else(|| error(libc::ENOENT))?;
        Ok(disk.free_blocks() * PAGE_BYTES)
    }

    async fn read_whole(&self, path: &Path, limit: usize) -> io::Result<Vec<u8>> {
        let mode = OpenMode { write: false, create: Create::Never, direct: false };
        let file = self.open(path, mode).await?;
        let len = file.len()?;
        if len > size(limit) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "larger than the limit"));
        }
        let mut content = vec![0; usize::try_from(len).expect("checked against a usize")];
        let count = file.read_cached(&mut content, 0)?;
        content.truncate(count);
        Ok(content)
    }

    async fn write_whole(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let mut name = path.file_name().ok_or_else(|| error(libc::EINVAL))?.to_owned();
        name.push(".tmp");
        let temporary = path.with_file_name(name);
        let mode = OpenMode { write: true, create: Create::IfMissing, direct: false };
        let file = self.open(&temporary, mode).await?;
        file.set_len(0).await?;
        file.write_cached(&[IoSlice::new(content)], 0)?;
        file.sync_data().await?;
        drop(file);
        self.rename(&temporary, path).await?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        self.sync_dir(parent.unwrap_or(Path::new("/"))).await
    }

    fn listen(&self, address: SocketAddr) -> io::Result<MemoryListener> {
        let id = self.world.next_sequence();
        let port = self.world.net.borrow_mut().listen(id, address);
        Ok(MemoryListener::new(self.world.clone(), port, id))
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<MemoryStream> {
        let latency = self.world.draw(self.world.options.net.latency);
        let at = Instant(self.world.now.get().saturating_add(latency));
        self.sleep_until(at).await;
        let mut net = self.world.net.borrow_mut();
        let listeners = net.listeners(address);
        if listeners.is_empty() {
            return Err(error(libc::ECONNREFUSED));
        }
        let index = self.world.random.borrow_mut().index(listeners.len());
        let port = &listeners[index];
        if port.backlog.borrow().len() >= self.world.options.net.backlog {
            return Err(error(libc::ECONNREFUSED));
        }
        let connection = net.connect(address);
        self.world.trace("connect", size(connection.info.id.0), size(index));
        port.backlog.borrow_mut().push_back(connection.clone());
        port.arrived.notify();
        Ok(MemoryStream::new(self.world.clone(), connection, Side::Client))
    }
}
