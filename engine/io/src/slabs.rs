//! The address space behind an [`Arena`](crate::buffer::Arena): one reservation, taken slab by slab
//! from its start and cut into aligned blocks. Blocks that are free again are whole again: four
//! neighbours of one class are one of the next, without moving or giving back a page, since a page's
//! first use is the dear one. Lives behind its arena's lock.

use crate::buffer::ChunkClass;
use std::io;
use std::ptr::NonNull;

/// What all blocks are multiples of.
const UNIT_BYTES: usize = ChunkClass::K16.bytes();
const SLAB_BYTES: usize = ChunkClass::M1.bytes();
const SLAB_UNITS: usize = SLAB_BYTES / UNIT_BYTES;
/// The reservation becomes usable, and the system's large pages are asked for, in steps of this.
const STEP_BYTES: usize = 2 << 20;

const _: () = assert!(SLAB_UNITS == 64, "a slab's units are the bits of a word");
const _: () = assert!(STEP_BYTES.is_multiple_of(SLAB_BYTES));

/// A range of addresses, aligned to [`STEP_BYTES`], that becomes memory from its start on.
struct Reservation {
    start: NonNull<u8>,
    bytes: usize,
    mapped: (NonNull<u8>, usize),
}

// SAFETY: a reservation owns its mapping and has no references into it.
unsafe impl Send for Reservation {}

impl Reservation {
    /// Addresses without memory: they count against nothing until they become usable.
    fn new(bytes: usize) -> io::Result<Reservation> {
        let mapped = bytes + STEP_BYTES;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new private mapping at an address of the kernel's choice touches nothing of ours.
        let raw =
            unsafe { libc::mmap(std::ptr::null_mut(), mapped, libc::PROT_NONE, flags, -1, 0) };
        if raw == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let raw = NonNull::new(raw.cast::<u8>()).expect("the kernel maps nothing at zero");
        // SAFETY: the offset is below STEP_BYTES, by which the mapping is longer.
        let start = unsafe { raw.add(raw.align_offset(STEP_BYTES)) };
        Ok(Reservation { start, bytes, mapped: (raw, mapped) })
    }

    /// Makes `from..to` usable, zeroed. Both are multiples of a page.
    fn open(&self, from: usize, to: usize) -> io::Result<()> {
        assert!(from < to && to <= self.bytes);
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: `from` lies in our mapping (asserted).
        let at = unsafe { self.start.add(from) }.as_ptr().cast();
        // A small broker stays small: its first step comes page by page. Advice may be refused.
        if from > 0 && to - from == STEP_BYTES {
            // SAFETY: the range lies in our mapping; the advice changes no content.
            unsafe { libc::madvise(at, to - from, libc::MADV_HUGEPAGE) };
        }
        // SAFETY: the range lies in our mapping (asserted), nobody refers to it yet.
        let done = unsafe { libc::mprotect(at, to - from, access) };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and with the last block gone nobody refers to it.
        let done = unsafe { libc::munmap(self.mapped.0.as_ptr().cast(), self.mapped.1) };
        assert_eq!(done, 0, "a mapping of ours can be unmapped");
    }
}

/// Slabs by number, as bits.
#[derive(Default)]
struct SlabSet(Vec<u64>);

impl SlabSet {
    fn set(&mut self, slab: usize, is_in: bool) {
        let bit = 1 << (slab % 64);
        match is_in {
            true => self.0[slab / 64] |= bit,
            false => self.0[slab / 64] &= !bit,
        }
    }

    fn first(&self) -> Option<usize> {
        let word = self.0.iter().position(|word| *word != 0)?;
        Some(word * 64 + self.0[word].trailing_zeros() as usize)
    }
}

pub(crate) struct Slabs {
    memory: Reservation,
    /// Bytes that have become usable: always the first of the reservation.
    opened: usize,
    /// The system had no memory for the next step, and that was told.
    is_refused: bool,
    /// Free units of each usable slab, the first in the lowest bit.
    free: Vec<u64>,
    /// Slabs by the largest class of which they have a block.
    by_class: [SlabSet; 4],
}

impl Slabs {
    /// Room for `bytes`, rounded down to whole units. Errors: the system has no addresses to give.
    pub fn new(bytes: usize) -> io::Result<Slabs> {
        let bytes = bytes / UNIT_BYTES * UNIT_BYTES;
        let words = bytes.div_ceil(SLAB_BYTES).div_ceil(64);
        Ok(Slabs {
            memory: Reservation::new(bytes)?,
            opened: 0,
            is_refused: false,
            free: Vec::new(),
            by_class: std::array::from_fn(|_| SlabSet(vec![0; words])),
        })
    }

    /// A block, if there is a choice of a slab that can give no larger one, and of memory that was
    /// used before. `None`: no free block is large enough.
    pub fn take(&mut self, class: ChunkClass) -> Option<NonNull<u8>> {
        loop {
            let classes = &ChunkClass::ALL[class.index()..];
            let slab = classes.iter().find_map(|class| self.by_class[class.index()].first());
            if let Some(slab) = slab {
                let unit =
                    first_block(self.free[slab], class).expect("it is among those that have one");
                self.set_free(slab, self.free[slab] & !block_mask(unit, class));
                // SAFETY: the unit lies in a usable slab.
                return Some(unsafe {
                    self.memory.start.add(slab * SLAB_BYTES + unit * UNIT_BYTES)
                });
            }
            self.open_step()?;
        }
    }

    /// Takes back a block of `class` that [`take`](Self::take) gave.
    pub fn give(&mut self, start: NonNull<u8>, class: ChunkClass) {
        let at = start.addr().get() - self.memory.start.addr().get();
        let (slab, unit) = (at / SLAB_BYTES, at % SLAB_BYTES / UNIT_BYTES);
        assert!(unit.is_multiple_of(block_units(class)), "a block is aligned to its size");
        let mask = block_mask(unit, class);
        assert_eq!(self.free[slab] & mask, 0, "a block comes back once");
        self.set_free(slab, self.free[slab] | mask);
    }

    fn open_step(&mut self) -> Option<()> {
        let from = self.opened;
        let to = self.memory.bytes.min(from + STEP_BYTES);
        if from == to {
            return None;
        }
        if let Err(error) = self.memory.open(from, to) {
            if !self.is_refused {
                tracing::warn!(%error, "the system gives no more than {from} bytes of data memory");
            }
            self.is_refused = true;
            return None;
        }
        self.opened = to;
        for start in (from..to).step_by(SLAB_BYTES) {
            let units = (to - start).min(SLAB_BYTES) / UNIT_BYTES;
            self.free.push(0);
            self.set_free(self.free.len() - 1, u64::MAX >> (SLAB_UNITS - units));
        }
        Some(())
    }

    fn set_free(&mut self, slab: usize, units: u64) {
        let before = largest(std::mem::replace(&mut self.free[slab], units));
        let after = largest(units);
        if before != after {
            for (class, is_in) in [(before, false), (after, true)] {
                if let Some(class) = class {
                    self.by_class[class.index()].set(slab, is_in);
                }
            }
        }
    }
}

const fn block_units(class: ChunkClass) -> usize {
    class.bytes() / UNIT_BYTES
}

/// The units of the block of `class` that begins at `unit`.
const fn block_mask(unit: usize, class: ChunkClass) -> u64 {
    (u64::MAX >> (SLAB_UNITS - block_units(class))) << unit
}

/// The first unit of a whole block of `class` among free `units`.
fn first_block(units: u64, class: ChunkClass) -> Option<usize> {
    let mut starts = units;
    let mut width = 1;
    while width < block_units(class) {
        starts &= starts >> width;
        width *= 2;
    }
    // Blocks are aligned to their size.
    let aligned = u64::MAX / block_mask(0, class);
    let starts = starts & aligned;
    (starts != 0).then(|| starts.trailing_zeros() as usize)
}

fn largest(units: u64) -> Option<ChunkClass> {
    ChunkClass::ALL.into_iter().rev().find(|class| first_block(units, *class).is_some())
}

#[cfg(test)]
mod tests {
    use super::{Slabs, UNIT_BYTES, first_block};
    use crate::buffer::ChunkClass;

    #[test]
    fn blocks_are_aligned_to_their_size_and_disjoint() {
        let mut slabs = Slabs::new(3 << 20).expect("addresses");
        let mut taken = Vec::new();
        let classes = [ChunkClass::K16, ChunkClass::K256, ChunkClass::K64, ChunkClass::M1];
        for class in classes.into_iter().cycle().take(4000) {
            if let Some(start) = slabs.take(class) {
                assert_eq!(start.addr().get() % class.bytes(), 0);
                taken.push((start.addr().get(), class.bytes()));
            }
        }
        assert_eq!(taken.iter().map(|(_, bytes)| bytes).sum::<usize>(), 3 << 20, "nothing is lost");
        taken.sort_unstable();
        for pair in taken.windows(2) {
            assert!(pair[0].0 + pair[0].1 <= pair[1].0);
        }
    }

    #[test]
    fn neighbours_become_one_block_again_in_any_order() {
        let mut slabs = Slabs::new(1 << 20).expect("addresses");
        let mut small: Vec<_> = (0..64).map_while(|_| slabs.take(ChunkClass::K16)).collect();
        assert_eq!(small.len(), 64);
        assert!(slabs.take(ChunkClass::K16).is_none());
        small.rotate_left(13);
        for start in small.drain(..16) {
            slabs.give(start, ChunkClass::K16);
        }
        assert!(
            slabs.take(ChunkClass::K256).is_none(),
            "sixteen units, but no aligned block of them"
        );
        for start in small {
            slabs.give(start, ChunkClass::K16);
        }
        assert!(slabs.take(ChunkClass::M1).is_some());
    }

    #[test]
    fn small_blocks_leave_whole_slabs_alone() {
        let mut slabs = Slabs::new(4 << 20).expect("addresses");
        let blocks: Vec<_> = (0..4).map_while(|_| slabs.take(ChunkClass::M1)).collect();
        let first = blocks[0];
        for block in blocks {
            slabs.give(block, ChunkClass::M1);
        }
        for _ in 0..64 {
            let start = slabs.take(ChunkClass::K16).expect("room");
            assert!(start.addr().get() - first.addr().get() < 1 << 20);
        }
        assert!((0..3).all(|_| slabs.take(ChunkClass::M1).is_some()));
    }

    #[test]
    fn room_that_is_no_whole_slab_is_given_too() {
        let mut slabs = Slabs::new((1 << 20) + 5 * UNIT_BYTES).expect("addresses");
        assert!(slabs.take(ChunkClass::M1).is_some());
        assert!(slabs.take(ChunkClass::M1).is_none());
        assert!(slabs.take(ChunkClass::K64).is_some());
        assert!(slabs.take(ChunkClass::K16).is_some());
        assert!(slabs.take(ChunkClass::K16).is_none());
    }

    #[test]
    fn there_may_be_more_slabs_than_bits_in_a_word() {
        let mut slabs = Slabs::new(130 << 20).expect("addresses");
        let blocks: Vec<_> = (0..131).map_while(|_| slabs.take(ChunkClass::M1)).collect();
        assert_eq!(blocks.len(), 130);
        slabs.give(blocks[129], ChunkClass::M1);
        slabs.give(blocks[64], ChunkClass::M1);
        assert_eq!(slabs.take(ChunkClass::M1), Some(blocks[64]), "the first comes first");
        assert_eq!(slabs.take(ChunkClass::M1), Some(blocks[129]));
        assert!(slabs.take(ChunkClass::K16).is_none());
    }

    #[test]
    fn a_block_is_found_only_where_all_its_units_are_free() {
        assert_eq!(first_block(0b1111_0111, ChunkClass::K64), Some(4));
        assert_eq!(first_block(0b0111_1000, ChunkClass::K64), None);
        assert_eq!(first_block(0xFFFF << 32 | 0x7FFF, ChunkClass::K256), Some(32));
        assert_eq!(first_block(u64::MAX - 1, ChunkClass::M1), None);
    }
}
