//! Files: direct input and output on the ring, cached ones by system calls on the spot.

use super::request::{self, Payload, VECTORS_MAX};
use super::ring::Ring;
use super::socket::advance;
use crate::buffer::{DMA_ALIGN, DmaBuf};
use crate::env::{Create, Durability, File, OpenMode};
use bytes::Bytes;
use std::ffi::CString;
use std::io;
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;

/// How often a write or read that the kernel put off (EAGAIN, EINTR) is asked again. Beyond: the
/// error goes to the caller.
const RETRIES_MAX: u32 = 16;

/// An open file.
pub struct UringFile {
    ring: Rc<Ring>,
    descriptor: Rc<OwnedFd>,
    is_direct: bool,
}

/// Opens with the flags of open(2).
pub(super) async fn open_raw(ring: &Rc<Ring>, path: &Path, flags: i32) -> io::Result<OwnedFd> {
    let name = c_path(path)?;
    let completion = ring.clone().perform(|| request::open(name, flags)).await?;
    let raw = i32::try_from(completion.outcome()?).expect("the result was a positive i32");
    // SAFETY: the kernel made this descriptor for us; nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

pub(super) fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::ErrorKind::InvalidInput.into())
}

impl UringFile {
    pub(super) async fn open(ring: Rc<Ring>, path: &Path, mode: OpenMode) -> io::Result<UringFile> {
        let mut flags = if mode.write { libc::O_RDWR } else { libc::O_RDONLY };
        flags |= match mode.create {
            Create::Never => 0,
            Create::IfMissing => libc::O_CREAT,
            Create::New => libc::O_CREAT | libc::O_EXCL,
        };
        if mode.direct {
            flags |= libc::O_DIRECT;
        }
        let descriptor = Rc::new(open_raw(&ring, path, flags).await?);
        Ok(UringFile { ring, descriptor, is_direct: mode.direct })
    }

    pub(super) fn from_raw(ring: Rc<Ring>, descriptor: OwnedFd) -> UringFile {
        UringFile { ring, descriptor: Rc::new(descriptor), is_direct: false }
    }
}

/// Counts down what the kernel may put off.
struct Patience(u32);

impl Patience {
    /// `Ok(None)`: ask again.
    fn judge(&mut self, outcome: io::Result<u32>) -> io::Result<Option<usize>> {
        match outcome {
            Ok(count) => Ok(Some(usize::try_from(count).expect("32 bits"))),
            Err(error) => {
                let code = error.raw_os_error();
                if self.0 > 0 && (code == Some(libc::EAGAIN) || code == Some(libc::EINTR)) {
                    self.0 -= 1;
                    return Ok(None);
                }
                Err(error)
            }
        }
    }
}

impl File for UringFile {
    fn write_direct(
        &self,
        mut data: Vec<Bytes>,
        mut position: u64,
        durability: Durability,
    ) -> impl Future<Output = io::Result<()>> + 'static {
        assert!(self.is_direct, "the file was not opened for direct writes");
        let (ring, descriptor) = (self.ring.clone(), self.descriptor.clone());
        async move {
            let mut patience = Patience(RETRIES_MAX);
            loop {
                data.retain(|piece| !piece.is_empty());
                if data.is_empty() {
                    return Ok(());
                }
                let make = || request::write(&descriptor, data, position, durability);
                let completion = ring.clone().perform(make).await?;
                let outcome = completion.outcome();
                let Payload::Pieces(pieces, _) = completion.payload else {
                    unreachable!("a write has a write's payload")
                };
                data = pieces;
                let Some(written) = patience.judge(outcome)? else { continue };
                // A block written in part is written again as a whole: the rest stays aligned.
                let whole = written - written % DMA_ALIGN;
                if whole == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                advance(&mut data, whole);
                position += u64::try_from(whole).expect("usize is at most 64 bits");
            }
        }
    }

    fn read_direct(
        &self,
        mut buffer: DmaBuf,
        position: u64,
    ) -> impl Future<Output = (io::Result<usize>, DmaBuf)> + 'static {
        assert!(self.is_direct, "the file was not opened for direct reads");
        let (ring, descriptor) = (self.ring.clone(), self.descriptor.clone());
        async move {
            let mut patience = Patience(RETRIES_MAX);
            let mut filled = 0;
            while filled < buffer.capacity() {
                let at = position + u64::try_from(filled).expect("usize is at most 64 bits");
                let make = || request::read(&descriptor, buffer, filled, at);
                let completion = match ring.clone().perform(make).await {
                    Ok(completion) => completion,
                    Err(error) => return (Err(error), DmaBuf::unpooled(DMA_ALIGN)),
                };
                let outcome = completion.outcome();
                let Payload::Block(block) = completion.payload else {
                    unreachable!("a read has a read's payload")
                };
                buffer = block;
                match patience.judge(outcome) {
                    Ok(None) => continue,
                    Ok(Some(count)) => {
                        filled += count;
                        // A read that stops inside a block stopped at the end of the file.
                        if count == 0 || count % DMA_ALIGN != 0 {
                            break;
                        }
                    }
                    Err(error) => return (Err(error), buffer),
                }
            }
            (Ok(filled), buffer)
        }
    }

    fn write_cached(&self, data: &[io::IoSlice<'_>], mut position: u64) -> io::Result<()> {
        assert!(!self.is_direct, "the file was opened for direct input and output");
        let mut index = 0;
        // Bytes of `data[index]` that are written already.
        let mut done = 0;
        while index < data.len() {
            let rest = &data[index][done..];
            let written = if done > 0 {
                write_at(&self.descriptor, &[io::IoSlice::new(rest)], position)?
            } else {
                let end = data.len().min(index + VECTORS_MAX);
                write_at(&self.descriptor, &data[index..end], position)?
            };
            position += u64::try_from(written).expect("usize is at most 64 bits");
            let mut count = written;
            let mut moved = false;
            while index < data.len() && count >= data[index].len() - done {
                count -= data[index].len() - done;
                index += 1;
                done = 0;
                moved = true;
            }
            done += count;
            if written == 0 && !moved {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }

    fn read_cached(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        assert!(!self.is_direct, "the file was opened for direct input and output");
        let mut filled = 0;
        while filled < buffer.len() {
            let rest = &mut buffer[filled..];
            let at = offset(position + u64::try_from(filled).expect("usize is at most 64 bits"))?;
            let fd = self.descriptor.as_raw_fd();
            // SAFETY: `rest` is writable and of the length given.
            let count = unsafe { libc::pread(fd, rest.as_mut_ptr().cast(), rest.len(), at) };
            match usize::try_from(count) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(_) => {
                    let error = io::Error::last_os_error();
                    if error.kind() != io::ErrorKind::Interrupted {
                        return Err(error);
                    }
                }
            }
        }
        Ok(filled)
    }

    fn sync_data(&self) -> impl Future<Output = io::Result<()>> + 'static {
        let (ring, descriptor) = (self.ring.clone(), self.descriptor.clone());
        async move {
            ring.perform(|| request::sync_data(&descriptor)).await?.outcome()?;
            Ok(())
        }
    }

    fn allocate(&self, start: u64, len: u64) -> impl Future<Output = io::Result<()>> + 'static {
        let (ring, descriptor) = (self.ring.clone(), self.descriptor.clone());
        async move {
            offset(start)?;
            offset(len)?;
            let mut patience = Patience(RETRIES_MAX);
            loop {
                let make = || request::allocate(&descriptor, start, len);
                let completion = ring.clone().perform(make).await?;
                if patience.judge(completion.outcome())?.is_some() {
                    return Ok(());
                }
            }
        }
    }

    fn set_len(&self, len: u64) -> impl Future<Output = io::Result<()>> + 'static {
        let (ring, descriptor) = (self.ring.clone(), self.descriptor.clone());
        async move {
            let signed = offset(len)?;
            if ring.has_truncate() {
                ring.perform(|| request::truncate(&descriptor, len)).await?.outcome()?;
                return Ok(());
            }
            // SAFETY: plain system call without pointers.
            let result = unsafe { libc::ftruncate(descriptor.as_raw_fd(), signed) };
            if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
        }
    }

    fn len(&self) -> io::Result<u64> {
        // SAFETY: zeros are a valid `stat`.
        let mut status: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: `status` is writable.
        let result = unsafe { libc::fstat(self.descriptor.as_raw_fd(), &raw mut status) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(u64::try_from(status.st_size).expect("sizes are not negative"))
    }

    fn data_range(&self, position: u64) -> io::Result<Option<Range<u64>>> {
        let len = self.len()?;
        if position >= len {
            return Ok(None);
        }
        let seek = |position, whence| {
            // SAFETY: plain system call without pointers; no call uses the file's own position.
            let found = unsafe { libc::lseek(self.descriptor.as_raw_fd(), position, whence) };
            u64::try_from(found).map_err(|_| io::Error::last_os_error())
        };
        let start = match seek(offset(position)?, libc::SEEK_DATA) {
            Ok(start) => start,
            Err(error) if error.raw_os_error() == Some(libc::ENXIO) => return Ok(None),
            // A file system that does not know.
            Err(_) => return Ok(Some(position..len)),
        };
        let end = seek(offset(start)?, libc::SEEK_HOLE).unwrap_or(len);
        Ok(Some(start..end.max(start)))
    }

    fn drop_cache(&self) {
        let fd = self.descriptor.as_raw_fd();
        // SAFETY: plain system call without pointers. A hint: its failure changes nothing.
        unsafe { libc::posix_fadvise(fd, 0, 0, libc::POSIX_FADV_DONTNEED) };
    }
}

/// A position in the kernel's signed form.
fn offset(position: u64) -> io::Result<i64> {
    i64::try_from(position).map_err(|_| io::ErrorKind::InvalidInput.into())
}

fn write_at(file: &OwnedFd, data: &[io::IoSlice<'_>], position: u64) -> io::Result<usize> {
    assert!(data.len() <= VECTORS_MAX);
    let at = offset(position)?;
    let count = i32::try_from(data.len()).expect("at most 1024");
    loop {
        // SAFETY: `IoSlice` has the layout of `iovec`; each names readable bytes.
        let written = unsafe { libc::pwritev(file.as_raw_fd(), data.as_ptr().cast(), count, at) };
        match usize::try_from(written) {
            Ok(written) => return Ok(written),
            Err(_) => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
}
