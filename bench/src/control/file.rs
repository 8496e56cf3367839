//! Files of the control loops. Each has no name once it is open, so nothing stays when the loop
//! is killed; and each is written once before use, since the first write of a block costs more.

use crate::Failure;
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use std::path::Path;

/// Direct reads and writes want memory, lengths and places that are multiples of this.
const ALIGN_BYTES: usize = 4096;
/// One transfer.
pub const CHUNK_BYTES: usize = 1 << 20;

/// Where a file is made, and how large.
pub struct Place<'a> {
    pub folder: &'a Path,
    pub bytes: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    Direct,
    /// Through the page cache.
    Cached,
}

/// A file of `place.bytes`, each chunk of it a copy of `content`, on the device.
pub fn make(place: &Place<'_>, access: Access, content: &Chunk) -> Result<OwnedFd, Failure> {
    let path = place.folder.join(format!("bench-control-{}", std::process::id()));
    let flags = match access {
        Access::Direct => OFlags::DIRECT,
        Access::Cached => OFlags::empty(),
    };
    let fail = |what: &str, error: rustix::io::Errno| -> Failure {
        format!("{what} {}: {error}", path.display()).into()
    };
    let flags = flags | OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
    let file = rustix::fs::open(&path, flags, Mode::RUSR | Mode::WUSR)
        .map_err(|error| fail("cannot make", error))?;
    std::fs::remove_file(&path)?;
    let mut offset = 0;
    while offset < place.bytes {
        let len = rustix::io::pwrite(&file, content.bytes(), offset)
            .map_err(|error| fail("cannot write", error))?;
        if len != CHUNK_BYTES {
            return Err(format!("cannot write {}: {len} bytes of a chunk", path.display()).into());
        }
        offset += u64::try_from(len)?;
    }
    rustix::fs::fsync(&file).map_err(|error| fail("cannot sync", error))?;
    Ok(file)
}

/// Memory that a direct transfer takes.
pub struct Chunk {
    memory: Vec<u8>,
    start: usize,
}

impl Chunk {
    pub fn new() -> Chunk {
        // Touched here, so that no later use pays for fresh memory.
        let memory = vec![1; CHUNK_BYTES + ALIGN_BYTES];
        let start = memory.as_ptr().align_offset(ALIGN_BYTES);
        assert!(start < ALIGN_BYTES);
        Chunk { memory, start }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.start + CHUNK_BYTES]
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + CHUNK_BYTES]
    }
}

/// Places of a file one after another, from its start again at its end.
pub struct Places {
    bytes: u64,
    next: u64,
}

impl Places {
    pub fn new(bytes: u64) -> Places {
        Places { bytes, next: 0 }
    }

    /// A place of `len` bytes, which is at most the file's size.
    pub fn take(&mut self, len: u64) -> u64 {
        if self.next + len > self.bytes {
            self.next = 0;
        }
        let place = self.next;
        self.next += len;
        place
    }
}
