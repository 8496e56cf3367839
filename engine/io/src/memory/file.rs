//! An open file of the simulated disk.

use super::disk::size;
use super::fault::DiskCall;
use super::namespace::NodeId;
use super::operation::Op;
use super::world::{World, outcome};
use crate::buffer::{DMA_ALIGN, DmaBuf};
use crate::env::{Durability, File, OpenMode};
use crate::sync::oneshot;
use bytes::Bytes;
use std::borrow::Cow;
use std::future::Future;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// An open file. Belongs to the process that opened it: after a kill it must not be used. As with
/// the production backend an operation starts when its future is first polled.
pub struct MemoryFile(Rc<Handle>);

/// The file stays open as long as an operation on it is under way.
struct Handle {
    world: Rc<World>,
    node: NodeId,
    mode: OpenMode,
    process: u64,
}

fn error(code: i32) -> io::Error {
    io::Error::from_raw_os_error(code)
}

impl Handle {
    fn path(&self) -> PathBuf {
        assert_eq!(self.process, self.world.process.get(), "a file of a dead process is used");
        self.world.disk.borrow().inode(self.node).path.clone()
    }

    fn check(&self, is_direct_call: bool) -> PathBuf {
        let path = self.path();
        let how = |direct| if direct { "direct" } else { "cached" };
        assert!(
            self.mode.direct == is_direct_call,
            "{} call on {}, which is open for {} I/O",
            how(is_direct_call),
            path.display(),
            how(self.mode.direct)
        );
        path
    }

    fn submit(&self, call: DiskCall, op: Op) {
        self.world.submit(&self.path(), call, op);
    }
}

fn check_aligned(path: &Path, what: &str, value: usize) {
    let path = path.display();
    let is_aligned = value.is_multiple_of(DMA_ALIGN);
    assert!(is_aligned, "{what} of direct I/O on {path} is not aligned: {value}");
}

fn check_position(path: &Path, position: u64) {
    let rest = usize::try_from(position % size(DMA_ALIGN)).expect("below a block");
    check_aligned(path, "position", rest);
}

impl MemoryFile {
    pub(super) fn new(world: Rc<World>, node: NodeId, mode: OpenMode) -> Self {
        let process = world.process.get();
        MemoryFile(Rc::new(Handle { world, node, mode, process }))
    }
}

impl File for MemoryFile {
    fn write_direct(
        &self,
        mut data: Vec<Bytes>,
        position: u64,
        durability: Durability,
    ) -> impl Future<Output = io::Result<()>> + 'static {
        let path = self.0.check(true);
        check_position(&path, position);
        data.retain(|piece| !piece.is_empty());
        for piece in &data {
            check_aligned(&path, "length", piece.len());
            check_aligned(&path, "memory", piece.as_ptr().addr() % DMA_ALIGN);
        }
        let handle = self.0.clone();
        async move {
            if data.is_empty() {
                return Ok(());
            }
            if !handle.mode.write {
                return Err(error(libc::EBADF));
            }
            let mut checksum = crc32fast::Hasher::new();
            data.iter().for_each(|piece| checksum.update(piece));
            handle.world.trace("write", position, u64::from(checksum.finalize()));
            let (done, result) = oneshot();
            let op = Op::Write { node: handle.node, data, position, durability, done };
            handle.submit(DiskCall::Write, op);
            outcome(result).await
        }
    }

    fn read_direct(
        &self,
        buffer: DmaBuf,
        position: u64,
    ) -> impl Future<Output = (io::Result<usize>, DmaBuf)> + 'static {
        let path = self.0.check(true);
        check_position(&path, position);
        let handle = self.0.clone();
        async move {
            let (done, result) = oneshot();
            let op = Op::Read { node: handle.node, buffer, position, done };
            handle.submit(DiskCall::Read, op);
            outcome(result).await
        }
    }

    fn write_cached(&self, data: &[IoSlice<'_>], position: u64) -> io::Result<()> {
        if self.0.world.is_dying.get() {
            return Err(error(libc::EIO));
        }
        let path = self.0.check(false);
        if !self.0.mode.write {
            return Err(error(libc::EBADF));
        }
        let verdict = self.0.world.judge(&path, DiskCall::Write);
        self.0.world.now.set(self.0.world.now.get().saturating_add(verdict.delay));
        let data: Cow<'_, [u8]> = match data {
            [one] => Cow::Borrowed(&one[..]),
            many => {
                let mut all = Vec::with_capacity(many.iter().map(|piece| piece.len()).sum());
                many.iter().for_each(|piece| all.extend_from_slice(piece));
                Cow::Owned(all)
            }
        };
        self.0.world.trace("write", position, u64::from(crc32fast::hash(&data)));
        let mut disk = self.0.world.disk.borrow_mut();
        disk.stats.cached_writes += 1;
        disk.stats.write_bytes += size(data.len());
        if let Some(failure) = verdict.failure {
            disk.stats.failed += 1;
            return Err(failure.error());
        }
        if verdict.lose || data.is_empty() {
            return Ok(());
        }
        disk.write_cached(self.0.node, &data, verdict.misdirect.unwrap_or(position))
    }

    fn read_cached(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        let path = self.0.check(false);
        let verdict = self.0.world.judge(&path, DiskCall::Read);
        self.0.world.now.set(self.0.world.now.get().saturating_add(verdict.delay));
        let mut disk = self.0.world.disk.borrow_mut();
        disk.stats.reads += 1;
        disk.stats.read_bytes += size(buffer.len());
        if let Some(failure) = verdict.failure {
            disk.stats.failed += 1;
            return Err(failure.error());
        }
        Ok(disk.inode(self.0.node).read(position, buffer))
    }

    fn sync_data(&self) -> impl Future<Output = io::Result<()>> + 'static {
        let handle = self.0.clone();
        async move {
            let (done, result) = oneshot();
            let capture = {
                let mut disk = handle.world.disk.borrow_mut();
                let up_to = disk.last_change();
                disk.change(handle.node, |inode| inode.capture(up_to))
            };
            handle.submit(DiskCall::Sync, Op::Sync { node: handle.node, capture, done });
            outcome(result).await
        }
    }

    fn allocate(&self, start: u64, len: u64) -> impl Future<Output = io::Result<()>> + 'static {
        let handle = self.0.clone();
        async move {
            if len == 0 {
                return Err(error(libc::EINVAL));
            }
            let (done, result) = oneshot();
            let op = Op::Allocate { node: handle.node, start, len, done };
            handle.submit(DiskCall::Allocate, op);
            outcome(result).await
        }
    }

    fn set_len(&self, len: u64) -> impl Future<Output = io::Result<()>> + 'static {
        let handle = self.0.clone();
        async move {
            let (done, result) = oneshot();
            handle.submit(DiskCall::SetLen, Op::SetLen { node: handle.node, len, done });
            outcome(result).await
        }
    }

    fn len(&self) -> io::Result<u64> {
        self.0.path();
        Ok(self.0.world.disk.borrow().inode(self.0.node).len())
    }

    fn drop_cache(&self) {
        self.0.path();
        self.0.world.disk.borrow_mut().change(self.0.node, super::inode::Inode::drop_cache);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // A dead process has no open files; while a panic unwinds the disk may be borrowed.
        if self.process == self.world.process.get()
            && let Ok(mut disk) = self.world.disk.try_borrow_mut()
        {
            disk.close(self.node);
        }
    }
}

impl std::fmt::Debug for MemoryFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryFile({})", self.0.node)
    }
}
