//! The handles by which a test owns, runs, breaks and inspects a simulated machine.

use super::disk::DiskStats;
use super::env::MemoryEnv;
use super::fault::{Fault, FaultId};
use super::inode::PowerCut;
use super::net::{ConnectionId, ConnectionInfo, Side};
use super::operation::OpId;
use super::options::Options;
use super::random::TraceEntry;
use super::world::{Halt, Main, Slot, World};
use crate::mail::{Bell, Mail, mesh};
use engine_base::ShardId;
use std::cell::RefCell;
use std::future::Future;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A simulated machine with a disk that outlives the processes run on it. All [`Control`] methods
/// work on it too.
pub struct Machine {
    control: Control,
    /// A process ran and was neither killed nor cut off since.
    is_used: std::cell::Cell<bool>,
}

impl Machine {
    pub fn new(seed: u64, options: Options) -> Machine {
        let control = Control { world: World::new(seed, options) };
        Machine { control, is_used: std::cell::Cell::new(false) }
    }

    /// A process with one shard; runs until `main` ends. Other tasks stay where they are then, and
    /// operations in flight with them, for [`kill`](Self::kill) or [`power_cut`](Self::power_cut)
    /// to decide about; the next run kills them otherwise. Panics, naming the seed, when nothing can
    /// ever run again.
    pub fn run<T>(&self, main: impl AsyncFnOnce(MemoryEnv) -> T) -> T {
        self.run_one(None, main).expect("only a halt ends a run early")
    }

    /// As [`run`](Self::run), but ends with `None` when `halt` says so first, or
    /// [`Control::halt`] was called. `main` is dropped then without a chance to act.
    pub fn run_until<T>(&self, halt: Halt, main: impl AsyncFnOnce(MemoryEnv) -> T) -> Option<T> {
        self.run_one(Some(halt), main)
    }

    fn run_one<T>(&self, halt: Option<Halt>, main: impl AsyncFnOnce(MemoryEnv) -> T) -> Option<T> {
        self.begin();
        let result = RefCell::new(None);
        let env = MemoryEnv::new(self.world.clone(), ShardId(0), 1);
        let future = async {
            let value = main(env).await;
            result.replace(Some(value));
        };
        let main = Main { slot: self.world.slot(), future: Some(Box::pin(future)) };
        self.drive(&mut [main], halt);
        result.into_inner()
    }

    /// A process with `count` shards, each with its own main future and mail to the others. Returns
    /// what they returned, by shard, once all have ended.
    pub fn run_shards<M: Send + 'static, T>(
        &self,
        count: u16,
        main: impl AsyncFn(MemoryEnv, Mail<M>) -> T,
    ) -> Vec<T> {
        self.run_many(count, None, main).expect("only a halt ends a run early")
    }

    /// As [`run_shards`](Self::run_shards), with an early end as in [`run_until`](Self::run_until).
    pub fn run_shards_until<M: Send + 'static, T>(
        &self,
        count: u16,
        halt: Halt,
        main: impl AsyncFn(MemoryEnv, Mail<M>) -> T,
    ) -> Option<Vec<T>> {
        self.run_many(count, Some(halt), main)
    }

    fn run_many<M: Send + 'static, T>(
        &self,
        count: u16,
        halt: Option<Halt>,
        main: impl AsyncFn(MemoryEnv, Mail<M>) -> T,
    ) -> Option<Vec<T>> {
        assert!(count > 0);
        self.begin();
        let postmen: Vec<Slot> = (0..count).map(|_| self.world.slot()).collect();
        let bells: Vec<Arc<dyn Bell>> = postmen
            .iter()
            .map(|slot| Arc::new(MemoryBell(slot.waker())) as Arc<dyn Bell>)
            .collect();
        let results: Vec<RefCell<Option<T>>> = (0..count).map(|_| RefCell::new(None)).collect();
        let mut mains = Vec::new();
        for ((shard, slot), mailbox) in (0..count).zip(postmen).zip(mesh::<M>(&bells)) {
            let mail = mailbox.open();
            self.world.spawn(slot, Postman(mail.clone()));
            let env = MemoryEnv::new(self.world.clone(), ShardId(shard), count);
            let (main, result) = (&main, &results[usize::from(shard)]);
            let future = async move {
                let value = main(env, mail).await;
                result.replace(Some(value));
            };
            mains.push(Main { slot: self.world.slot(), future: Some(Box::pin(future)) });
        }
        self.drive(&mut mains, halt);
        drop(mains);
        results.into_iter().map(RefCell::into_inner).collect()
    }

    fn begin(&self) {
        if self.is_used.replace(true) {
            self.kill();
            self.is_used.set(true);
        }
    }

    fn drive(&self, mains: &mut [Main<'_>], halt: Option<Halt>) {
        if !self.world.drive(mains, halt) {
            self.world.is_dying.set(true);
            mains.iter_mut().for_each(|main| main.future = None);
            self.world.is_dying.set(false);
        }
    }

    /// The process dies (`kill -9`). Direct writes in flight have happened, or in part, or not; so
    /// have other operations in flight. The page cache and the names stay. Connections are reset.
    pub fn kill(&self) {
        let world = &self.world;
        world.trace("kill", 0, 0);
        world.drop_tasks();
        world.disk.borrow_mut().kill(&mut world.random.borrow_mut());
        world.net.borrow_mut().kill();
        world.is_stopping.set(false);
        world.process.set(world.process.get() + 1);
        self.is_used.set(false);
    }

    /// The power goes: a kill, then each write that was not durable is lost, kept or torn.
    pub fn power_cut(&self) {
        self.power_cut_with(PowerCut::Random);
    }

    pub fn power_cut_with(&self, cut: PowerCut) {
        self.kill();
        let world = &self.world;
        world.trace("power cut", 0, 0);
        world.disk.borrow_mut().power_cut(cut, &mut world.random.borrow_mut());
    }
}

impl Deref for Machine {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.control
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Tasks hold the world: without this they would keep each other alive.
        self.world.drop_tasks();
    }
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Machine({:?})", self.world)
    }
}

/// Rings by waking the shard's postman.
struct MemoryBell(Waker);

impl Bell for MemoryBell {
    fn ring(&self) {
        self.0.wake_by_ref();
    }
}

/// A task of each shard that runs when its bell rang, and tells receivers to look.
struct Postman<M: Send + 'static>(Mail<M>);

impl<M: Send + 'static> Future for Postman<M> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.0.arrived();
        Poll::Pending
    }
}

/// What a test may do to a machine at any time, also from inside a run (see
/// [`MemoryEnv::control`]). Cheap to clone; must not outlive the machine in a task.
#[derive(Clone)]
pub struct Control {
    world: Rc<World>,
}

impl Control {
    pub(super) fn new(world: Rc<World>) -> Self {
        Control { world }
    }

    pub fn seed(&self) -> u64 {
        self.world.seed
    }

    /// Asks the process to stop: [`stopped`](crate::Env::stopped) completes. Forgotten at its end.
    pub fn request_stop(&self) {
        self.world.is_stopping.set(true);
        self.world.stop.notify();
    }

    /// Ends the run after the current poll; to be followed by a kill or a power cut.
    pub fn halt(&self) {
        self.world.is_halted.set(true);
    }

    // Time and chance.

    /// Sets the wall clock, which may jump.
    pub fn set_wall_ms(&self, wall_ms: i64) {
        let passed = i64::try_from(self.world.now.get() / 1_000_000).expect("nanoseconds fit");
        self.world.wall_offset_ms.set(wall_ms - passed);
    }

    /// Lets time pass for everyone at once, as if the machine had been suspended.
    pub fn advance(&self, duration: Duration) {
        let now = self.world.now.get().saturating_add(super::random::nanos(duration));
        self.world.now.set(now);
    }

    /// A draw for the test's own choices, from the machine's seed.
    pub fn draw_below(&self, count: u64) -> u64 {
        self.world.random.borrow_mut().below(count)
    }

    /// A hash of everything that happened so far, in order. Equal for equal runs.
    pub fn trace_hash(&self) -> u64 {
        self.world.trace.borrow().hash()
    }

    /// Everything that happened, if [`Options::keep_trace`] is set.
    pub fn trace(&self) -> Vec<TraceEntry> {
        self.world.trace.borrow().kept()
    }

    // Faults of the disk.

    pub fn inject(&self, fault: Fault) -> FaultId {
        self.world.disk.borrow_mut().faults.inject(fault)
    }

    pub fn heal(&self, fault: FaultId) {
        self.world.disk.borrow_mut().faults.heal(fault);
    }

    pub fn heal_all(&self) {
        self.world.disk.borrow_mut().faults.heal_all();
    }

    /// How many calls `fault` has struck.
    pub fn struck(&self, fault: FaultId) -> u64 {
        self.world.disk.borrow().faults.struck(fault)
    }

    /// Operations whose completion is held back, oldest first.
    pub fn parked(&self) -> Vec<OpId> {
        self.world.disk.borrow().parked.iter().copied().collect()
    }

    /// Lets a parked operation complete now.
    pub fn release(&self, id: OpId) {
        let was_parked = self.world.disk.borrow_mut().parked.remove(&id);
        assert!(was_parked, "{id:?} is not parked");
        self.world.after(0, super::world::Event::Disk(id));
    }

    pub fn release_all(&self) {
        self.parked().into_iter().for_each(|id| self.release(id));
    }

    pub fn set_capacity(&self, bytes: u64) {
        self.world.disk.borrow_mut().capacity_bytes = bytes;
    }

    /// Flips the bits of `mask` in one byte of a file, in memory and on stable media.
    pub fn flip(&self, path: impl AsRef<Path>, position: u64, mask: u8) {
        self.with_file(path.as_ref(), |inode| inode.flip(position, mask));
    }

    // Content.

    fn with_file<R>(&self, path: &Path, act: impl FnOnce(&mut super::inode::Inode) -> R) -> R {
        let mut disk = self.world.disk.borrow_mut();
        let entry = disk.names.find(path).ok().flatten().filter(|entry| !entry.is_dir);
        let entry = entry.unwrap_or_else(|| panic!("no file {}", path.display()));
        disk.change(entry.node, act)
    }

    pub fn exists(&self, path: impl AsRef<Path>) -> bool {
        matches!(self.world.disk.borrow().names.find(path.as_ref()), Ok(Some(_)))
    }

    /// A file's content as a process would read it now.
    pub fn file(&self, path: impl AsRef<Path>) -> Vec<u8> {
        self.with_file(path.as_ref(), |inode| inode.content())
    }

    /// A file's content on stable media: what a power cut could not take.
    pub fn durable_file(&self, path: impl AsRef<Path>) -> Vec<u8> {
        self.with_file(path.as_ref(), |inode| inode.durable_content())
    }

    /// All files by path, sorted.
    pub fn list(&self) -> Vec<PathBuf> {
        let files = self.world.disk.borrow().names.files();
        let mut paths: Vec<PathBuf> = files.into_iter().map(|(_, path)| path).collect();
        paths.sort();
        paths
    }

    /// Makes a directory and those above it, durably.
    pub fn put_dir(&self, path: impl AsRef<Path>) {
        let mut disk = self.world.disk.borrow_mut();
        let mut above = PathBuf::new();
        for component in path.as_ref().components() {
            above.push(component);
            if !matches!(disk.names.find(&above), Ok(Some(_))) {
                disk.create_dir(&above).expect("the path has no file in it");
            }
        }
        disk.settle_names();
    }

    /// Puts a file there, or replaces its content, durably; directories above are made. All earlier
    /// changes of names become durable with it.
    pub fn put_file(&self, path: impl AsRef<Path>, content: &[u8]) {
        let path = path.as_ref();
        if let Some(parent) = path.parent() {
            self.put_dir(parent);
        }
        {
            let mut disk = self.world.disk.borrow_mut();
            if !matches!(disk.names.find(path), Ok(Some(_))) {
                disk.create_file(path).expect("its directory was just made");
            }
            disk.settle_names();
        }
        let id = self.world.disk.borrow_mut().next_change();
        self.with_file(path, |inode| {
            inode.set_len(id, 0);
            inode.write(id, 0, content);
            inode.settle();
        });
    }

    /// Removes a file, durably.
    pub fn remove(&self, path: impl AsRef<Path>) {
        let mut disk = self.world.disk.borrow_mut();
        disk.remove(path.as_ref(), false).expect("there is such a file");
        disk.settle_names();
    }

    /// Everything as it is now becomes durable.
    pub fn settle(&self) {
        self.world.disk.borrow_mut().settle();
    }

    pub fn disk_stats(&self) -> DiskStats {
        self.world.disk.borrow().stats
    }

    /// Calls to the disk so far, as [`Halt::DiskCalls`] counts them.
    pub fn disk_calls(&self) -> u64 {
        self.world.disk_calls.get()
    }

    // Connections.

    /// All connections ever made, oldest first.
    pub fn connections(&self) -> Vec<ConnectionInfo> {
        self.world.net.borrow().connections.iter().map(|connection| connection.info).collect()
    }

    fn connection(&self, id: ConnectionId) -> Rc<super::net::Connection> {
        self.world.net.borrow().connections[id.0].clone()
    }

    /// Resets a connection: both ends get an error, what was under way is lost.
    pub fn cut(&self, id: ConnectionId) {
        self.world.trace("cut", super::disk::size(id.0), 0);
        self.connection(id).cut();
    }

    /// Holds back everything that `from` sends, until [`resume`](Self::resume).
    pub fn stall(&self, id: ConnectionId, from: Side) {
        self.connection(id).stall(&self.world, from, true);
    }

    pub fn resume(&self, id: ConnectionId, from: Side) {
        self.connection(id).stall(&self.world, from, false);
    }

    /// Half close by `side`, as if its process had ended sending.
    pub fn half_close(&self, id: ConnectionId, side: Side) {
        self.connection(id).end(&self.world, side);
    }
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Control({:?})", self.world)
    }
}
