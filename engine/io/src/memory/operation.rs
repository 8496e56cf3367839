//! Operations of the simulated disk that take time: what they are, what is checked when they start,
//! and what becomes of them when they complete or when the process dies in between.

use super::disk::{Disk, size};
use super::fault::{Failure, Verdict};
use super::inode::Capture;
use super::namespace::NodeId;
use super::pages::{PAGE_BYTES, SECTOR_BYTES};
use super::random::Random;
use crate::buffer::DmaBuf;
use crate::env::Durability;
use crate::sync::Sender;
use bytes::Bytes;
use std::io;

/// Identifies an operation in flight, and a parked one to the test that releases it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct OpId(pub(super) u64);

pub(super) enum Op {
    Write {
        node: NodeId,
        data: Vec<Bytes>,
        position: u64,
        durability: Durability,
        done: Sender<io::Result<()>>,
    },
    Read {
        node: NodeId,
        buffer: DmaBuf,
        position: u64,
        done: Sender<(io::Result<usize>, DmaBuf)>,
    },
    Sync {
        node: NodeId,
        capture: Capture,
        done: Sender<io::Result<()>>,
    },
    SyncDir {
        dir: NodeId,
        up_to: u64,
        done: Sender<io::Result<()>>,
    },
    Allocate {
        node: NodeId,
        start: u64,
        len: u64,
        done: Sender<io::Result<()>>,
    },
    SetLen {
        node: NodeId,
        len: u64,
        done: Sender<io::Result<()>>,
    },
    /// A call by path: its caller acts when this completes.
    Path {
        done: Sender<io::Result<()>>,
    },
}

impl Op {
    /// The file it works on, which stays as long as if it were open.
    fn node(&self) -> Option<NodeId> {
        match self {
            Op::Write { node, .. }
            | Op::Read { node, .. }
            | Op::Sync { node, .. }
            | Op::Allocate { node, .. }
            | Op::SetLen { node, .. } => Some(*node),
            Op::SyncDir { .. } | Op::Path { .. } => None,
        }
    }
}

pub(super) struct InFlight {
    pub op: Op,
    pub verdict: Verdict,
}

fn len_of(data: &[Bytes]) -> u64 {
    data.iter().map(|piece| size(piece.len())).sum()
}

/// How much of a write happened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    All,
    Some,
    Nothing,
}

impl Keep {
    fn draw(random: &mut Random) -> Keep {
        [Keep::All, Keep::Some, Keep::Nothing][random.index(3)]
    }
}

impl Disk {
    /// Takes an operation in. Checks what callers of direct writes have to see to.
    pub fn start(&mut self, id: OpId, op: Op, mut verdict: Verdict) {
        match &op {
            Op::Write { node, data, position, .. } => {
                self.start_write(*node, *position, len_of(data), &mut verdict);
            }
            Op::Read { buffer, .. } => {
                self.stats.reads += 1;
                self.stats.read_bytes += size(buffer.capacity());
            }
            Op::Sync { .. } => {
                self.stats.syncs += 1;
                self.syncs_in_flight += 1;
                self.stats.syncs_in_flight_max =
                    self.stats.syncs_in_flight_max.max(self.syncs_in_flight);
            }
            Op::SyncDir { .. } => self.stats.dir_syncs += 1,
            Op::Allocate { .. } | Op::SetLen { .. } | Op::Path { .. } => {}
        }
        if let Some(node) = op.node() {
            self.change(node, |inode| inode.open_count += 1);
        }
        if verdict.park {
            self.parked.insert(id);
        }
        self.in_flight.insert(id, InFlight { op, verdict });
    }

    fn start_write(&mut self, node: NodeId, position: u64, len: u64, verdict: &mut Verdict) {
        self.stats.direct_writes += 1;
        self.stats.write_bytes += len;
        self.writes_in_flight += 1;
        self.stats.writes_in_flight_max =
            self.stats.writes_in_flight_max.max(self.writes_in_flight);
        let end = position + len;
        let inode = self.inode(node);
        let missing = inode.blocks_missing(position, end);
        if missing > 0 || end > inode.len() {
            self.stats.unallocated_writes += 1;
        }
        if missing > self.free_blocks() {
            verdict.failure = verdict.failure.or(Some(Failure::NoSpace));
        }
        let has_room = verdict.failure.is_none();
        self.change(node, |inode| {
            for block in position / PAGE_BYTES..end / PAGE_BYTES {
                let is_alone = inode.blocks_in_flight.insert(block);
                let path = inode.path.display();
                assert!(is_alone, "two direct writes in flight on block {block} of {path}");
            }
            if has_room {
                inode.reserve(position, end);
            }
        });
    }

    pub fn complete(&mut self, id: OpId, random: &mut Random) {
        let InFlight { op, verdict } =
            self.in_flight.remove(&id).expect("an operation completes once");
        self.parked.remove(&id);
        let result = match verdict.failure {
            Some(failure) => {
                self.stats.failed += 1;
                Err(failure.error())
            }
            None => Ok(()),
        };
        let node = op.node();
        self.take_effect(op, verdict, result, random);
        if let Some(node) = node {
            self.close(node);
        }
    }

    fn take_effect(
        &mut self,
        op: Op,
        verdict: Verdict,
        result: io::Result<()>,
        random: &mut Random,
    ) {
        match op {
            Op::Write { node, data, position, durability, done } => {
                let keep = match (verdict.failure, verdict.lose) {
                    (None, false) => Keep::All,
                    (Some(Failure::Io), _) => Keep::draw(random),
                    _ => Keep::Nothing,
                };
                let durability = if result.is_ok() { durability } else { Durability::Written };
                self.release_blocks(node, &data, position);
                let position = verdict.misdirect.unwrap_or(position);
                self.end_write(node, &data, position, durability, keep, random);
                done.send(result);
            }
            Op::Read { node, mut buffer, position, done } => {
                let count = self.inode(node).read(position, buffer.bytes_mut());
                done.send((result.map(|()| count), buffer));
            }
            Op::Sync { node, capture, done } => {
                self.syncs_in_flight -= 1;
                self.change(node, |inode| match (&result, verdict.lose) {
                    (Ok(()), false) => inode.finish_sync(&capture),
                    (Ok(()), true) => inode.skip_sync(),
                    (Err(_), _) => inode.fail_sync(&capture, random),
                });
                done.send(result);
            }
            Op::SyncDir { dir, up_to, done } => {
                if result.is_ok() && !verdict.lose {
                    self.names.sync(dir, up_to);
                    self.sweep();
                }
                done.send(result);
            }
            Op::Allocate { node, start, len, done } => {
                done.send(result.and_then(|()| self.allocate(node, start, len)));
            }
            Op::SetLen { node, len, done } => {
                if result.is_ok() && !verdict.lose {
                    let id = self.next_change();
                    self.change(node, |inode| inode.set_len(id, len));
                }
                done.send(result);
            }
            Op::Path { done } => done.send(result),
        }
    }

    fn release_blocks(&mut self, node: NodeId, data: &[Bytes], position: u64) {
        self.writes_in_flight -= 1;
        let end = position + len_of(data);
        self.change(node, |inode| {
            for block in position / PAGE_BYTES..end / PAGE_BYTES {
                inode.blocks_in_flight.remove(&block);
            }
        });
    }

    fn end_write(
        &mut self,
        node: NodeId,
        data: &[Bytes],
        position: u64,
        durability: Durability,
        keep: Keep,
        random: &mut Random,
    ) {
        let id = self.next_change();
        let len = len_of(data);
        self.change(node, |inode| {
            let mut at = position;
            for piece in data {
                if keep == Keep::All {
                    inode.write(id, at, piece);
                    at += size(piece.len());
                    continue;
                }
                for sector in piece.chunks(SECTOR_BYTES) {
                    if keep == Keep::Some && random.coin() {
                        inode.write(id, at, sector);
                    }
                    at += size(sector.len());
                }
            }
            if durability == Durability::Flushed && keep == Keep::All {
                let len = usize::try_from(len).expect("the data is in memory");
                inode.flush_range(position, len);
            }
        });
    }

    /// The process dies: what was in flight may have happened, or in part, or not.
    pub fn kill(&mut self, random: &mut Random) {
        for (_, InFlight { op, verdict }) in std::mem::take(&mut self.in_flight) {
            let happens = random.coin() && verdict.failure.is_none() && !verdict.lose;
            match op {
                Op::Write { node, data, position, durability, .. } => {
                    let keep = match verdict {
                        Verdict { lose: false, failure: None | Some(Failure::Io), .. } => {
                            Keep::draw(random)
                        }
                        _ => Keep::Nothing,
                    };
                    self.release_blocks(node, &data, position);
                    let position = verdict.misdirect.unwrap_or(position);
                    self.end_write(node, &data, position, durability, keep, random);
                }
                Op::Sync { node, capture, .. } => self.change(node, |inode| {
                    if happens {
                        inode.finish_sync(&capture);
                    } else {
                        inode.skip_sync();
                    }
                }),
                Op::SyncDir { dir, up_to, .. } if happens => self.names.sync(dir, up_to),
                Op::Allocate { node, start, len, .. } if happens => {
                    // No room is one more way not to happen.
                    drop(self.allocate(node, start, len));
                }
                Op::SetLen { node, len, .. } if happens => {
                    let id = self.next_change();
                    self.change(node, |inode| inode.set_len(id, len));
                }
                _ => {}
            }
        }
        self.parked.clear();
        self.syncs_in_flight = 0;
        assert_eq!(self.writes_in_flight, 0, "every write in flight was ended");
        self.close_all();
    }
}
