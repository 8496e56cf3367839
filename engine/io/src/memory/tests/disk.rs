//! Faults, room, checks and accounts of the disk.

use super::super::{DiskCall, Effect, Failure, Fault, PowerCut, When};
use super::{block, machine, open, panic_message, put};
use crate::buffer::DmaBuf;
use crate::env::{Create, Durability, Env, File, OpenMode, Queue};
use std::io::{ErrorKind, IoSlice};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

fn fault(call: DiskCall, when: When, effect: Effect) -> Fault {
    Fault::new("/d/*", call, when, effect)
}

#[test]
fn io_errors_come_as_scripted() {
    let machine = machine(1);
    let fail = Effect::Fail(Failure::Io);
    let write = machine.inject(fault(DiskCall::Write, When::Nth(2), fail));
    let read = machine.inject(fault(DiskCall::Read, When::First(1), fail));
    machine.run(async |env| {
        let file = open(&env, "/d/f", false).await;
        put(&file, 0, b"one");
        let failed = file.write_cached(&[IoSlice::new(b"two")], 3);
        assert_eq!(failed.expect_err("scripted").raw_os_error(), Some(libc::EIO));
        put(&file, 3, b"three");
        let mut buffer = [0; 16];
        assert!(file.read_cached(&mut buffer, 0).is_err());
        assert_eq!(file.read_cached(&mut buffer, 0).expect("read"), 8);
        assert_eq!(&buffer[..8], b"onethree");
    });
    assert_eq!((machine.struck(write), machine.struck(read)), (1, 1));
    assert_eq!(machine.disk_stats().failed, 2);
}

#[test]
fn a_failed_sync_drops_what_was_dirty() {
    let mut lost = 0;
    for seed in 0..20 {
        let machine = machine(seed);
        machine.put_file("/d/f", b"old.");
        let fail = Effect::Fail(Failure::Io);
        machine.inject(fault(DiskCall::Sync, When::Nth(1), fail));
        machine.run(async |env| {
            let file = open(&env, "/d/f", false).await;
            put(&file, 0, b"new!");
            assert!(file.sync_data().await.is_err());
            file.sync_data().await.expect("the next one reports success");
        });
        machine.kill();
        assert_eq!(machine.file("/d/f"), b"new!", "memory has it");
        machine.power_cut_with(PowerCut::AllKept);
        lost += u32::from(machine.file("/d/f") == b"old.");
    }
    assert!((1..20).contains(&lost), "lost {lost} of 20");
}

#[test]
fn after_a_failed_sync_dropping_the_cache_shows_the_disk() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let machine = machine(seed);
        machine.put_file("/d/f", b"old.");
        machine.inject(fault(DiskCall::Sync, When::Nth(1), Effect::Fail(Failure::Io)));
        machine.run(async |env| {
            let file = open(&env, "/d/f", false).await;
            put(&file, 0, b"new!");
            assert!(file.sync_data().await.is_err());
            file.drop_cache();
        });
        seen.insert(machine.file("/d/f"));
    }
    assert_eq!(seen.len(), 2);
}

#[test]
fn lost_writes_and_lying_syncs_report_success() {
    let machine = machine(4);
    machine.put_file("/d/f", b"old.");
    let lost = machine.inject(fault(DiskCall::Write, When::Nth(1), Effect::Lose));
    machine.inject(fault(DiskCall::Sync, When::Always, Effect::Lose));
    machine.run(async |env| {
        let file = open(&env, "/d/f", false).await;
        put(&file, 0, b"new!");
        assert_eq!(machine.file("/d/f"), b"old.");
        put(&file, 0, b"next");
        file.sync_data().await.expect("it says");
    });
    assert_eq!(machine.struck(lost), 1);
    machine.power_cut_with(PowerCut::AllLost);
    assert_eq!(machine.file("/d/f"), b"old.");
}

#[test]
fn a_full_disk_refuses_until_there_is_room() {
    let machine = machine(5);
    machine.set_capacity(10 * 4096);
    machine.run(async |env| {
        let cached = open(&env, "/d/c", false).await;
        let direct = open(&env, "/d/d", true).await;
        let full = |result: std::io::Result<()>| {
            assert_eq!(result.expect_err("full").kind(), ErrorKind::StorageFull);
        };
        direct.allocate(0, 6 * 4096).await.expect("room");
        assert_eq!(env.free_bytes(Path::new("/d")).expect("known"), 4 * 4096);
        full(direct.allocate(0, 11 * 4096).await);
        direct.write_direct(block(1, 6), 0, Durability::Written).await.expect("was reserved");
        full(cached.write_cached(&[IoSlice::new(&[1; 5 * 4096])], 100));
        assert_eq!(cached.len().expect("known"), 4 * 4096, "what fits was written");
        full(direct.write_direct(block(1, 1), 6 * 4096, Durability::Written).await);
        cached.set_len(4096).await.expect("cut");
        direct.write_direct(block(1, 3), 6 * 4096, Durability::Flushed).await.expect("room");
        full(cached.write_cached(&[IoSlice::new(b"x")], 4096));
        machine.set_capacity(11 * 4096);
        put(&cached, 4096, b"x");
        drop(direct);
        env.remove_file(Path::new("/d/d")).await.expect("removed");
        assert_eq!(env.free_bytes(Path::new("/d")).expect("known"), 9 * 4096);
        let held = open(&env, "/d/c", false).await;
        env.remove_file(Path::new("/d/c")).await.expect("removed");
        drop(cached);
        assert_eq!(env.free_bytes(Path::new("/d")).expect("known"), 9 * 4096, "still open");
        drop(held);
        assert_eq!(env.free_bytes(Path::new("/d")).expect("known"), 11 * 4096);
    });
}

#[test]
fn parked_operations_wait_for_their_release() {
    let machine = machine(6);
    machine.inject(fault(DiskCall::Sync, When::Nth(1), Effect::Park));
    machine.run(async |env| {
        let file = open(&env, "/d/f", false).await;
        put(&file, 0, b"held");
        let file = Rc::new(file);
        let (held, control, sleep) =
            (file.clone(), env.control(), env.sleep(Duration::from_secs(5)));
        env.spawn(Queue::Append, async move {
            held.sync_data().await.expect("released");
            assert!(control.parked().is_empty());
        });
        sleep.await;
        file.sync_data().await.expect("this one is not held");
        assert_eq!(machine.parked().len(), 1);
        machine.release_all();
        env.sleep(Duration::from_secs(1)).await;
    });
    assert_eq!(machine.disk_stats().syncs_in_flight_max, 2);
}

#[test]
fn a_slow_disk_is_slow_in_virtual_time() {
    let machine = machine(7);
    let hour = Duration::from_secs(3600);
    machine.inject(fault(DiskCall::Write, When::Always, Effect::Delay(hour)));
    machine.run(async |env| {
        let file = open(&env, "/d/f", true).await;
        let before = env.now();
        file.write_direct(block(1, 1), 0, Durability::Written).await.expect("written");
        assert!((hour..2 * hour).contains(&env.now().since(before)));
    });
}

#[test]
fn rot_flips_bits_on_both_levels() {
    let machine = machine(8);
    machine.put_file("/d/f", b"abc");
    machine.flip("/d/f", 1, 0x01);
    assert_eq!(
        (machine.file("/d/f"), machine.durable_file("/d/f")),
        ((*b"acc").into(), (*b"acc").into())
    );
}

#[test]
fn wrong_use_is_named() {
    let mode = |direct| OpenMode { write: true, create: Create::IfMissing, direct };
    let wrong = |act: &dyn Fn(&super::MemoryFile)| {
        let machine = machine(9);
        panic_message(|| {
            machine.run(async |env| {
                let file = env.open(Path::new("/d/f"), mode(true)).await.expect("opens");
                act(&file);
            });
        })
    };
    let message = wrong(&|file| put(file, 0, b"x"));
    assert!(message.contains("cached call on /d/f, which is open for direct I/O"), "{message}");
    let message = wrong(&|file| drop(file.write_direct(block(1, 1), 512, Durability::Written)));
    assert!(message.contains("position of direct I/O on /d/f is not aligned"), "{message}");
    let message = wrong(&|file| {
        let unaligned = block(1, 2)[0].slice(512..4608);
        drop(file.write_direct(vec![unaligned], 0, Durability::Written));
    });
    assert!(message.contains("memory of direct I/O on /d/f is not aligned"), "{message}");
    let machine = machine(9);
    let message = panic_message(|| {
        machine.run(async |env| {
            let file = env.open(Path::new("/d/f"), mode(true)).await.expect("opens");
            let first = file.write_direct(block(1, 2), 4096, Durability::Written);
            let second = file.write_direct(block(2, 2), 8192, Durability::Written);
            let (first, second) = futures_util::future::join(first, second).await;
            first.and(second).expect("not reached");
        });
    });
    assert_eq!(message, "two direct writes in flight on block 2 of /d/f");
}

#[test]
fn direct_writes_beyond_the_allocation_are_counted() {
    let machine = machine(10);
    machine.run(async |env| {
        let file = open(&env, "/d/f", true).await;
        file.allocate(0, 8192).await.expect("room");
        file.write_direct(block(1, 1), 4096, Durability::Written).await.expect("written");
        assert_eq!(machine.disk_stats().unallocated_writes, 0);
        file.write_direct(block(1, 2), 4096, Durability::Written).await.expect("written");
        assert_eq!(machine.disk_stats().unallocated_writes, 1);
        let (count, buffer) = file.read_direct(DmaBuf::unpooled(16 << 10), 4096).await;
        assert_eq!(count.expect("read"), 8192, "short only at the end");
        assert!(buffer.bytes()[..8192].iter().all(|&byte| byte == 1));
    });
    let stats = machine.disk_stats();
    assert_eq!(
        (stats.direct_writes, stats.write_bytes, stats.writes_in_flight_max),
        (2, 12_288, 1)
    );
}

#[test]
fn a_removed_file_lives_as_long_as_it_is_open() {
    let machine = machine(11);
    machine.run(async |env| {
        let file = open(&env, "/d/f", false).await;
        put(&file, 0, b"here");
        env.remove_file(Path::new("/d/f")).await.expect("removed");
        env.sync_dir(Path::new("/d")).await.expect("synced");
        let mut buffer = [0; 4];
        assert_eq!(file.read_cached(&mut buffer, 0).expect("read"), 4);
        let sync = file.sync_data();
        drop(file);
        sync.await.expect("the operation keeps the file");
    });
    assert!(machine.list().is_empty());
}

#[test]
fn misdirected_writes_land_elsewhere() {
    let machine = machine(12);
    machine.put_file("/d/f", &[0; 3 * 4096]);
    machine.inject(fault(DiskCall::Write, When::Nth(2), Effect::Misdirect(8192)));
    let opened = machine.inject(fault(DiskCall::Open, When::Always, Effect::Count));
    machine.run(async |env| {
        let file = open(&env, "/d/f", true).await;
        for byte in [1, 2] {
            file.write_direct(block(byte, 1), 0, Durability::Flushed).await.expect("it says");
        }
    });
    assert_eq!(machine.struck(opened), 1);
    machine.power_cut_with(PowerCut::AllLost);
    let content = machine.file("/d/f");
    assert_eq!([content[0], content[4096], content[8192]], [1, 0, 2]);
}

/// What a naive disk knows of one file: content now, content at the last sync, sectors written
/// since, and whether the size changed since.
#[derive(Default)]
struct Twin {
    now: Vec<u8>,
    synced: Vec<u8>,
    dirty: std::collections::BTreeSet<usize>,
    is_resized: bool,
}

impl Twin {
    fn write(&mut self, position: usize, data: &[u8]) {
        let end = position + data.len();
        if end > self.now.len() {
            self.now.resize(end, 0);
            self.is_resized = true;
        }
        self.now[position..end].copy_from_slice(data);
        self.dirty.extend(position / 512..end.div_ceil(512));
    }

    fn set_len(&mut self, len: usize) {
        self.is_resized |= len != self.now.len();
        self.now.resize(len, 0);
    }

    fn sync(&mut self) {
        self.synced = self.now.clone();
        self.dirty.clear();
        self.is_resized = false;
    }

    /// Content after a power cut must be what was synced wherever nothing was written since.
    fn check(&self, found: &[u8], seed: u64) {
        if !self.is_resized {
            assert_eq!(found.len(), self.synced.len(), "seed {seed}");
            for (sector, expected) in self.synced.chunks(512).enumerate() {
                let start = sector * 512;
                let same = found[start..start + expected.len()] == *expected;
                assert!(same || self.dirty.contains(&sector), "seed {seed}, sector {sector}");
            }
        }
    }
}

#[test]
fn the_disk_agrees_with_a_naive_one() {
    let mut unresized = 0;
    for seed in 0..200 {
        let machine = machine(seed);
        let mut twin = Twin::default();
        let below = |count: usize| {
            let count = u64::try_from(count).expect("small");
            usize::try_from(machine.draw_below(count)).expect("small")
        };
        for _ in 0..3 {
            machine.run(async |env| {
                let cached = open(&env, "/d/f", false).await;
                let direct = open(&env, "/d/f", true).await;
                env.sync_dir(Path::new("/d")).await.expect("synced");
                for _ in 0..5 + below(25) {
                    let byte = u8::try_from(1 + below(250)).expect("a byte");
                    match below(12) {
                        0..4 => {
                            let (position, data) = (below(20_000), vec![byte; below(3000)]);
                            put(&cached, u64::try_from(position).expect("small"), &data);
                            if !data.is_empty() {
                                twin.write(position, &data);
                            }
                        }
                        4..7 => {
                            let (at, count) = (below(5), 1 + below(3));
                            let position = u64::try_from(at * 4096).expect("small");
                            let write = direct.write_direct(
                                block(byte, count),
                                position,
                                Durability::Written,
                            );
                            write.await.expect("written");
                            twin.write(at * 4096, &vec![byte; count * 4096]);
                        }
                        7 => {
                            let len = below(25_000);
                            cached.set_len(u64::try_from(len).expect("small")).await.expect("set");
                            twin.set_len(len);
                        }
                        8 => {
                            let len = 1 + below(25_000);
                            let wanted = u64::try_from(len).expect("small");
                            direct.allocate(0, wanted).await.expect("allocated");
                            twin.set_len(twin.now.len().max(len));
                        }
                        9 => cached.drop_cache(),
                        _ => {
                            cached.sync_data().await.expect("synced");
                            twin.sync();
                        }
                    }
                    assert_eq!(machine.file("/d/f"), twin.now, "seed {seed}");
                }
            });
            machine.kill();
            assert_eq!(machine.file("/d/f"), twin.now, "seed {seed}");
            if below(3) == 0 {
                machine.power_cut_with(PowerCut::AllKept);
                assert_eq!(machine.file("/d/f"), twin.now, "seed {seed}");
                assert_eq!(machine.durable_file("/d/f"), twin.now, "seed {seed}");
                twin.sync();
            } else {
                machine.power_cut();
            }
            let found = machine.file("/d/f");
            twin.check(&found, seed);
            unresized += u32::from(!twin.is_resized);
            twin.now = found;
            twin.sync();
        }
    }
    assert!(unresized > 100, "{unresized} cases had a known size");
}
