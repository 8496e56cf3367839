//! Memory that devices and sockets use directly. An [`Arena`] belongs to one shard and hands out
//! aligned blocks in four sizes up to a limit. A block is either a [`DmaBuf`] (one owner, any use)
//! or a [`Chunk`] (append only: what was appended never changes again, so it can be shared as
//! [`Bytes`] with readers, sockets and the disk at once while the rest is still being filled).
//! Blocks go back to their arena from whatever thread drops the last reference.

use crate::slabs::Slabs;
use bytes::Bytes;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Alignment of memory, file position and length of direct I/O, in bytes.
pub const DMA_ALIGN: usize = 4096;

/// Size of a block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ChunkClass {
    K16,
    K64,
    K256,
    M1,
}

impl ChunkClass {
    pub const ALL: [ChunkClass; 4] =
        [ChunkClass::K16, ChunkClass::K64, ChunkClass::K256, ChunkClass::M1];

    pub const fn bytes(self) -> usize {
        match self {
            ChunkClass::K16 => 16 << 10,
            ChunkClass::K64 => 64 << 10,
            ChunkClass::K256 => 256 << 10,
            ChunkClass::M1 => 1 << 20,
        }
    }

    /// The smallest class that holds `bytes`, or the largest there is.
    pub fn fitting(bytes: usize) -> ChunkClass {
        Self::ALL.into_iter().find(|class| class.bytes() >= bytes).unwrap_or(ChunkClass::M1)
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    fn layout(self) -> Layout {
        Layout::from_size_align(self.bytes(), DMA_ALIGN).expect("constant sizes and alignment")
    }
}

struct ArenaShared {
    limit_bytes: usize,
    /// Bytes in blocks that are in use.
    used_bytes: AtomicUsize,
    /// Taken once per block of 16 KiB to 1 MiB, never per request.
    slabs: Mutex<Slabs>,
}

impl ArenaShared {
    fn slabs(&self) -> MutexGuard<'_, Slabs> {
        self.slabs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One shard's supply of aligned memory. Cheap to clone.
#[derive(Clone)]
pub struct Arena(Arc<ArenaShared>);

impl Arena {
    /// An arena that has at most `limit_bytes` in use at a time. What happens there: [`Arena::buffer`]
    /// and [`Arena::chunk`] return `None` and the caller waits, evicts or refuses. Errors: the system
    /// has not even addresses for so much (`ulimit -v`).
    pub fn reserve(limit_bytes: usize) -> io::Result<Self> {
        Ok(Arena(Arc::new(ArenaShared {
            limit_bytes,
            used_bytes: AtomicUsize::new(0),
            slabs: Mutex::new(Slabs::new(limit_bytes)?),
        })))
    }

    /// As [`reserve`](Self::reserve), for tests and tools: panics if there are no addresses.
    pub fn new(limit_bytes: usize) -> Self {
        Arena::reserve(limit_bytes).expect("addresses for a small arena")
    }

    pub fn limit_bytes(&self) -> usize {
        self.0.limit_bytes
    }

    pub fn used_bytes(&self) -> usize {
        self.0.used_bytes.load(Ordering::Relaxed)
    }

    /// A block for one owner, with unspecified (but initialised) content.
    pub fn buffer(&self, class: ChunkClass) -> Option<DmaBuf> {
        Some(DmaBuf { block: self.block(class)? })
    }

    /// An empty append-only block.
    pub fn chunk(&self, class: ChunkClass) -> Option<Chunk> {
        Some(Chunk { block: Arc::new(self.block(class)?), len: 0 })
    }

    /// `None` where the limit would be exceeded, what is free lies in smaller pieces, or the system
    /// gives no more memory.
    fn block(&self, class: ChunkClass) -> Option<Block> {
        let start = self.0.slabs().take(class)?;
        self.0.used_bytes.fetch_add(class.bytes(), Ordering::Relaxed);
        Some(Block { start, class, arena: Some(self.0.clone()) })
    }
}

impl std::fmt::Debug for Arena {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Arena({} of {} bytes)", self.used_bytes(), self.limit_bytes())
    }
}

/// An allocated block; returns to its arena when dropped, or to the allocator.
struct Block {
    start: NonNull<u8>,
    class: ChunkClass,
    arena: Option<Arc<ArenaShared>>,
}

// SAFETY: the block owns its memory. Shared access (`&Block`) never writes: the only writers are
// `DmaBuf` through `&mut` and `Chunk` into the part beyond its length, which no reader may see.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}

impl Block {
    fn slice(&self, range: Range<usize>) -> &[u8] {
        assert!(range.start <= range.end && range.end <= self.class.bytes());
        // SAFETY: in bounds (checked above), initialised (zeroed at allocation), and the callers
        // only name ranges that nobody writes while this borrow lives.
        unsafe {
            std::slice::from_raw_parts(
                self.start.as_ptr().add(range.start),
                range.end - range.start,
            )
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let Some(arena) = &self.arena else {
            // SAFETY: without an arena it came from `alloc_zeroed` with this class's layout.
            return unsafe { dealloc(self.start.as_ptr(), self.class.layout()) };
        };
        arena.used_bytes.fetch_sub(self.class.bytes(), Ordering::Relaxed);
        arena.slabs().give(self.start, self.class);
    }
}

/// An aligned buffer with one owner: the target of direct reads, the source of small direct writes.
pub struct DmaBuf {
    block: Block,
}

impl DmaBuf {
    /// A buffer outside any arena's limit, of the class that fits `bytes` (at most 1 MiB). For
    /// start-up, tools, and what cannot wait for an arena that is full.
    pub fn unpooled(bytes: usize) -> DmaBuf {
        let class = ChunkClass::fitting(bytes);
        // SAFETY: the layout has a size that is not zero.
        let start = unsafe { alloc_zeroed(class.layout()) };
        let start = NonNull::new(start).unwrap_or_else(|| handle_alloc_error(class.layout()));
        DmaBuf { block: Block { start, class, arena: None } }
    }

    pub fn capacity(&self) -> usize {
        self.block.class.bytes()
    }

    pub fn bytes(&self) -> &[u8] {
        self.block.slice(0..self.capacity())
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: `self` is the only owner of the block and is borrowed mutably; the memory is
        // initialised and of this length.
        unsafe { std::slice::from_raw_parts_mut(self.block.start.as_ptr(), self.capacity()) }
    }

    /// The bytes in `range`, shared from now on. They keep the whole block in use.
    pub fn freeze(self, range: Range<usize>) -> Bytes {
        assert!(range.start <= range.end && range.end <= self.capacity());
        Bytes::from_owner(Shared { block: Arc::new(self.block), range })
    }
}

/// A range of a block that nobody writes any more.
struct Shared {
    block: Arc<Block>,
    range: Range<usize>,
}

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.block.slice(self.range.clone())
    }
}

/// A block that only grows at its end. The one `Chunk` is its writer; what lies below
/// [`len`](Self::len) never changes and may be shared with anyone.
pub struct Chunk {
    block: Arc<Block>,
    len: usize,
}

impl Chunk {
    pub fn capacity(&self) -> usize {
        self.block.class.bytes()
    }

    pub fn class(&self) -> ChunkClass {
        self.block.class
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that can still be appended.
    pub fn spare(&self) -> usize {
        self.capacity() - self.len
    }

    /// Copies `bytes` to the end and lends them for last changes (a base offset, say) before anyone
    /// can see them. Panics if there is no room: the caller looks at [`spare`](Self::spare) first.
    pub fn append(&mut self, bytes: &[u8]) -> &mut [u8] {
        assert!(bytes.len() <= self.spare());
        let start = self.len;
        self.len += bytes.len();
        // SAFETY: `start..start + bytes.len()` lies inside the block and beyond the old length, so
        // no `Shared` covers it; `&mut self` is the only writer. Source and target do not overlap:
        // the source is a live borrow, which can only name bytes below the old length.
        unsafe {
            let target = self.block.start.as_ptr().add(start);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len());
            std::slice::from_raw_parts_mut(target, bytes.len())
        }
    }

    /// Everything appended so far.
    pub fn bytes(&self) -> &[u8] {
        self.block.slice(0..self.len)
    }

    /// A shared view of an appended range.
    pub fn share(&self, range: Range<usize>) -> Bytes {
        assert!(range.start <= range.end && range.end <= self.len);
        Bytes::from_owner(Shared { block: self.block.clone(), range })
    }
}

impl std::fmt::Debug for Chunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Chunk({} of {} bytes)", self.len, self.capacity())
    }
}

impl std::fmt::Debug for DmaBuf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DmaBuf({} bytes)", self.capacity())
    }
}

#[cfg(test)]
mod tests {
    use super::{Arena, ChunkClass, DMA_ALIGN};

    #[test]
    fn the_limit_holds_and_blocks_come_back() {
        let arena = Arena::new(2 * ChunkClass::K16.bytes());
        let first = arena.chunk(ChunkClass::K16).expect("room for one");
        let second = arena.buffer(ChunkClass::K16).expect("room for two");
        assert!(arena.chunk(ChunkClass::K16).is_none());
        let shared = {
            let mut first = first;
            first.append(b"kept");
            first.share(0..4)
        };
        drop(second);
        assert_eq!(arena.used_bytes(), ChunkClass::K16.bytes(), "the shared view keeps its block");
        let other = std::thread::spawn(move || assert_eq!(&shared[..], b"kept"));
        other.join().expect("no panic");
        assert_eq!(arena.used_bytes(), 0);
        assert!(arena.chunk(ChunkClass::K16).is_some());
    }

    #[test]
    fn appended_bytes_can_be_patched_once_then_shared_while_growing() {
        let arena = Arena::new(1 << 20);
        let mut chunk = arena.chunk(ChunkClass::K64).expect("room");
        chunk.append(b"hello")[0] = b'j';
        let view = chunk.share(0..5);
        chunk.append(b" world");
        assert_eq!(&view[..], b"jello");
        assert_eq!(chunk.bytes(), b"jello world");
        assert_eq!(chunk.bytes().as_ptr().align_offset(DMA_ALIGN), 0);
    }

    #[test]
    fn free_blocks_of_other_sizes_make_room() {
        let arena = Arena::new(1 << 20);
        let small: Vec<_> = (0..64).map_while(|_| arena.buffer(ChunkClass::K16)).collect();
        assert_eq!(small.len(), 64);
        drop(small);
        let large = arena.buffer(ChunkClass::M1).expect("nothing is in use");
        assert!(arena.buffer(ChunkClass::K16).is_none());
        drop(large);
        assert!(arena.buffer(ChunkClass::K16).is_some());
    }

    #[test]
    fn more_than_the_system_has_addresses_for_is_an_error() {
        assert!(Arena::reserve(1 << 60).is_err());
    }

    #[test]
    fn classes_fit() {
        assert_eq!(ChunkClass::fitting(1), ChunkClass::K16);
        assert_eq!(ChunkClass::fitting((16 << 10) + 1), ChunkClass::K64);
        assert_eq!(ChunkClass::fitting(9 << 20), ChunkClass::M1);
    }
}
