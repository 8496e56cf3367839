//! What a kill and a power cut take and leave.

use super::super::{Directories, Halt, Machine, Options, PowerCut};
use super::{block, machine, open, put};
use crate::env::{Durability, Env, File, Queue};
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn a_kill_keeps_the_page_cache_and_a_power_cut_loses_it() {
    let machine = machine(1);
    machine.put_file("/d/f", b"old.");
    machine.run(async |env| put(&open(&env, "/d/f", false).await, 0, b"new!"));
    machine.kill();
    assert_eq!(machine.file("/d/f"), b"new!");
    assert_eq!(machine.durable_file("/d/f"), b"old.");
    machine.power_cut_with(PowerCut::AllLost);
    assert_eq!(machine.file("/d/f"), b"old.");
}

#[test]
fn a_sync_keeps_what_was_written_before_it() {
    for seed in 0..20 {
        let machine = machine(seed);
        machine.put_file("/d/f", b"");
        machine.run(async |env| {
            let file = open(&env, "/d/f", false).await;
            put(&file, 0, b"before");
            file.sync_data().await.expect("synced");
            put(&file, 6, b" after");
        });
        machine.power_cut();
        let content = machine.file("/d/f");
        assert_eq!(&content[..6], b"before", "seed {seed}");
    }
}

#[test]
fn a_write_during_a_sync_is_not_covered() {
    let machine = machine(3);
    machine.put_file("/d/f", b"");
    machine.run(async |env| {
        let file = std::rc::Rc::new(open(&env, "/d/f", false).await);
        put(&file, 0, b"before");
        let late = file.clone();
        let sleep = env.sleep(std::time::Duration::from_nanos(900));
        env.spawn(Queue::Append, async move {
            sleep.await;
            put(&late, 0, b"during and longer");
        });
        file.sync_data().await.expect("synced");
        assert_eq!(file.len().expect("a length"), 17, "the late write came before the end");
    });
    machine.power_cut_with(PowerCut::AllLost);
    assert_eq!(machine.file("/d/f"), b"before");
}

#[test]
fn flushed_writes_survive_and_written_ones_may_not() {
    let (mut lost, mut kept) = (0, 0);
    for seed in 0..60 {
        let machine = machine(seed);
        machine.put_file("/d/f", b"");
        machine.run(async |env| {
            let file = open(&env, "/d/f", true).await;
            file.allocate(0, 1 << 20).await.expect("allocated");
            file.write_direct(block(1, 2), 4096, Durability::Written).await.expect("written");
            file.write_direct(block(2, 1), 4096, Durability::Flushed).await.expect("flushed");
        });
        machine.power_cut();
        let content = machine.file("/d/f");
        assert!(content.len() >= 8192, "a flush covers the size it needs");
        assert!(content[4096..8192].iter().all(|&byte| byte == 2), "seed {seed}");
        match content.get(8192..12_288).map(|block| block.iter().all(|&byte| byte == 1)) {
            Some(true) => kept += 1,
            _ => lost += 1,
        }
    }
    assert!(lost > 5 && kept > 5, "lost {lost}, kept {kept}");
}

#[test]
fn power_cuts_tear_at_sectors_and_reorder_writes() {
    let (mut torn, mut reordered, mut odd) = (0, 0, 0);
    for seed in 0..200 {
        let machine = machine(seed);
        machine.put_file("/d/f", &[0; 8192]);
        machine.run(async |env| {
            let file = open(&env, "/d/f", false).await;
            put(&file, 0, &[1; 4096]);
            put(&file, 4096, &[2; 4096]);
        });
        machine.power_cut();
        let content = machine.file("/d/f");
        let sectors: Vec<BTreeSet<u8>> =
            content.chunks(512).map(|sector| sector.iter().copied().collect()).collect();
        odd += sectors.iter().filter(|sector| sector.len() != 1).count();
        let first: BTreeSet<u8> = content[..4096].iter().copied().collect();
        torn += u32::from(first.len() == 2);
        reordered += u32::from(content[..4096] == [0; 4096] && content[4096..] == [2; 4096]);
    }
    assert_eq!(odd, 0, "a sector is written whole or not at all");
    assert!(torn > 5 && reordered > 5, "torn {torn}, reordered {reordered}");
}

#[test]
fn every_sector_holds_some_version_not_older_than_the_last_sync() {
    for seed in 0..100 {
        let machine = machine(seed);
        machine.put_file("/d/f", &[0; 1024]);
        machine.run(async |env| {
            let file = open(&env, "/d/f", false).await;
            for version in 1..30 {
                put(&file, 0, &[version; 1024]);
                if version == 12 {
                    file.sync_data().await.expect("synced");
                }
            }
        });
        machine.power_cut();
        for sector in machine.file("/d/f").chunks(512) {
            assert!((12..30).contains(&sector[0]) && sector.iter().all(|&byte| byte == sector[0]));
        }
    }
}

#[test]
fn appended_bytes_are_never_garbage() {
    let mut lengths = BTreeSet::new();
    for seed in 0..200 {
        let machine = machine(seed);
        machine.put_file("/d/f", b"");
        machine.run(async |env| {
            let file = open(&env, "/d/f", false).await;
            for index in 0..200_u64 {
                put(&file, index * 50, &[7; 50]);
            }
            file.set_len(4000).await.expect("cut");
            put(&file, 4000, &[8; 600]);
        });
        machine.power_cut();
        let content = machine.file("/d/f");
        lengths.insert(content.len());
        for (index, &byte) in content.iter().enumerate() {
            let legal = match index {
                0..4000 => [0, 7].contains(&byte),
                4000..4600 => [0, 7, 8].contains(&byte),
                _ => [0, 7].contains(&byte),
            };
            assert!(legal, "seed {seed}: {byte} at {index}");
        }
    }
    assert!(lengths.len() > 20, "sizes differ: {lengths:?}");
}

#[test]
fn writes_after_an_undone_truncation_are_undone_with_it() {
    let mut lengths = BTreeSet::new();
    for seed in 0..100 {
        let machine = machine(seed);
        machine.put_file("/d/f", &[1; 8192]);
        machine.run(async |env| {
            let file = open(&env, "/d/f", false).await;
            file.set_len(0).await.expect("cut");
            put(&file, 0, &[2; 4096]);
        });
        machine.power_cut();
        let content = machine.file("/d/f");
        let old = content.iter().filter(|&&byte| byte == 1).count();
        assert_eq!(old, if content.len() == 8192 { 8192 } else { 0 }, "seed {seed}");
        lengths.insert(content.len());
    }
    assert_eq!(lengths, BTreeSet::from([0, 4096, 8192]));
}

#[test]
fn what_a_committed_truncation_cut_off_never_comes_back() {
    for cut in [PowerCut::Random, PowerCut::AllKept] {
        for seed in 0..30 {
            let machine = machine(seed);
            machine.put_file("/d/f", b"");
            machine.run(async |env| {
                let file = open(&env, "/d/f", true).await;
                let cached = open(&env, "/d/f", false).await;
                put(&cached, 0, &[1; 12_288]);
                file.set_len(5000).await.expect("cut");
                file.write_direct(block(2, 1), 0, Durability::Flushed).await.expect("flushed");
                file.set_len(12_288).await.expect("extended");
                file.write_direct(block(3, 1), 0, Durability::Flushed).await.expect("flushed");
            });
            machine.power_cut_with(cut);
            let content = machine.file("/d/f");
            assert!(content[5000..].iter().all(|&byte| byte == 0), "seed {seed}");
        }
    }
}

#[test]
fn direct_writes_in_flight_happen_or_not_or_in_part() {
    let mut outcomes = BTreeSet::new();
    for seed in 0..60 {
        let machine = machine(seed);
        machine.put_file("/d/f", &[0; 4096]);
        let ended = machine.run_until(Halt::DiskCalls(2), async |env| {
            let file = open(&env, "/d/f", true).await;
            file.write_direct(block(1, 1), 0, Durability::Written).await.expect("written");
        });
        assert!(ended.is_none());
        machine.kill();
        let ones = machine.file("/d/f").iter().filter(|&&byte| byte == 1).count();
        assert_eq!(ones % 512, 0);
        outcomes.insert(ones);
    }
    assert!(outcomes.contains(&0) && outcomes.contains(&4096) && outcomes.len() > 3);
}

#[test]
fn names_need_a_sync_of_their_directory() {
    let mut seen = BTreeSet::new();
    for seed in 0..60 {
        let machine = machine(seed);
        machine.put_file("/d/old", b"content");
        machine.run(async |env| {
            env.rename(Path::new("/d/old"), Path::new("/d/new")).await.expect("renamed");
        });
        machine.kill();
        assert!(machine.exists("/d/new") && !machine.exists("/d/old"), "a kill keeps names");
        machine.power_cut();
        assert!(machine.exists("/d/new") != machine.exists("/d/old"), "a rename is one step");
        seen.insert(machine.exists("/d/new"));
    }
    assert_eq!(seen.len(), 2, "without a sync it may vanish or stay");
}

#[test]
fn a_synced_directory_keeps_names_and_what_they_build_on() {
    for order in [Directories::Loose, Directories::Journaled] {
        for seed in 0..40 {
            let machine = Machine::new(seed, Options { directories: order, ..Options::default() });
            machine.put_dir("/a");
            machine.put_dir("/b");
            machine.put_file("/a/x", b"x");
            machine.run(async |env| {
                drop(open(&env, "/b/y", false).await);
                env.rename(Path::new("/a/x"), Path::new("/b/y")).await.expect("renamed");
                env.sync_dir(Path::new("/a")).await.expect("synced");
                env.remove_file(Path::new("/b/y")).await.expect("removed");
                drop(open(&env, "/b/y", false).await);
            });
            machine.power_cut();
            assert!(!machine.exists("/a/x"), "seed {seed}");
            if machine.exists("/b/y") {
                let content = machine.file("/b/y");
                assert!(content == b"x" || content.is_empty(), "seed {seed}");
            }
        }
    }
}

#[test]
fn journaled_names_survive_as_a_prefix_and_loose_ones_as_any_subset() {
    for (order, gaps_expected) in [(Directories::Journaled, false), (Directories::Loose, true)] {
        let mut gaps = 0;
        for seed in 0..60 {
            let machine = Machine::new(seed, Options { directories: order, ..Options::default() });
            machine.run(async |env| {
                for index in 0..6 {
                    drop(open(&env, &format!("/{index}"), false).await);
                }
            });
            machine.power_cut();
            let kept: Vec<bool> = (0..6).map(|index| machine.exists(format!("/{index}"))).collect();
            gaps += u32::from(kept.windows(2).any(|pair| pair == [false, true]));
        }
        assert_eq!(gaps > 0, gaps_expected, "{order:?}: {gaps}");
    }
}

#[test]
fn a_small_file_is_replaced_whole_or_not_at_all() {
    let mut seen = BTreeSet::new();
    for seed in 0..150 {
        let machine = machine(seed);
        machine.put_file("/d/f", b"old");
        let polls = Halt::Polls(1 + seed % 20);
        machine.run_until(polls, async |env| {
            env.write_whole(Path::new("/d/f"), &[9; 3000]).await.expect("written");
        });
        machine.power_cut();
        let content = machine.run(async |env| {
            env.read_whole(Path::new("/d/f"), 4096).await.expect("one of the two is there")
        });
        assert!(content == b"old" || content == [9; 3000], "seed {seed}");
        seen.insert(content.len());
    }
    assert_eq!(seen.len(), 2);
}

#[test]
fn the_machine_runs_again_after_each_crash() {
    let machine = machine(9);
    for round in 0..5_u8 {
        machine.run(async |env| {
            let file = open(&env, "/d/f", false).await;
            put(&file, u64::from(round), &[round]);
            file.sync_data().await.expect("synced");
            env.sync_dir(Path::new("/d")).await.expect("synced");
            let (forever, env) = (env.stopped(), env.clone());
            env.clone().spawn(Queue::Net, async move {
                forever.await;
                drop(env);
            });
        });
        if round % 2 == 0 {
            machine.power_cut();
        }
        assert_eq!(machine.file("/d/f").len(), usize::from(round) + 1);
    }
}
