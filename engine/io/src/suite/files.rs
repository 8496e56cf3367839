//! Files and directories.

use super::{Message, in_time, pattern, poll_once, spawned};
use crate::buffer::{Arena, ChunkClass, DMA_ALIGN, DmaBuf};
use crate::env::{Create, Durability, Env, File, OpenMode, Queue};
use crate::mail::Mail;
use bytes::Bytes;
use futures_util::future::join_all;
use std::io::{ErrorKind, IoSlice};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::rc::Rc;

const CACHED: OpenMode = OpenMode { write: true, create: Create::IfMissing, direct: false };
const DIRECT: OpenMode = OpenMode { write: true, create: Create::IfMissing, direct: true };

async fn open<E: Env>(env: &E, path: &Path, mode: OpenMode) -> E::File {
    env.open(path, mode).await.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// An aligned block filled with one byte.
fn block(byte: u8, len: usize) -> Bytes {
    assert!(len.is_multiple_of(DMA_ALIGN));
    let mut buffer = DmaBuf::unpooled(len);
    buffer.bytes_mut().fill(byte);
    buffer.freeze(0..len)
}

fn position(blocks: usize) -> u64 {
    u64::try_from(blocks * DMA_ALIGN).expect("small")
}

pub(crate) async fn cached_files_are_written_and_read<E: Env>(
    env: E,
    _: Mail<Message>,
    dir: PathBuf,
) {
    let file = open(&env, &dir.join("cached"), CACHED).await;
    assert_eq!(file.len().expect("a size"), 0);
    let content = pattern(1, 10_000);
    // More pieces than one call to the kernel takes, some of them empty.
    let mut pieces: Vec<IoSlice<'_>> = content.chunks(3).map(IoSlice::new).collect();
    pieces.insert(0, IoSlice::new(&[]));
    pieces.insert(1500, IoSlice::new(&[]));
    file.write_cached(&pieces, 5).expect("a write");
    file.write_cached(&[], 7).expect("a write of nothing");
    file.write_cached(&[IoSlice::new(b"12345")], 0).expect("a write at the start");
    assert_eq!(file.len().expect("a size"), 10_005);
    let mut back = vec![0; 20_000];
    assert_eq!(file.read_cached(&mut back, 0).expect("a read"), 10_005);
    assert_eq!(&back[..5], b"12345");
    assert_eq!(&back[5..10_005], content);
    assert_eq!(file.read_cached(&mut back[..100], 9_999).expect("a read"), 6);
    assert_eq!(file.read_cached(&mut back[..100], 10_005).expect("a read at the end"), 0);
    assert_eq!(file.read_cached(&mut back[..100], 1 << 40).expect("a read beyond the end"), 0);
    in_time(&env, "a sync", file.sync_data()).await.expect("a sync");
    drop(file);
    let file = open(&env, &dir.join("cached"), CACHED).await;
    assert_eq!(file.read_cached(&mut back, 5).expect("a read"), 10_000);
    assert_eq!(&back[..10_000], content, "what was written outlives the file's being open");
    file.drop_cache();
    assert_eq!(file.read_cached(&mut back[..3], 5).expect("a read"), 3);
}

pub(crate) async fn sizes_are_cut_and_extended<E: Env>(env: E, _: Mail<Message>, dir: PathBuf) {
    let file = open(&env, &dir.join("sized"), CACHED).await;
    file.write_cached(&[IoSlice::new(&[7; 100])], 0).expect("a write");
    file.set_len(40).await.expect("cut");
    assert_eq!(file.len().expect("a size"), 40);
    file.set_len(60).await.expect("extended");
    let mut back = [9; 100];
    assert_eq!(file.read_cached(&mut back, 0).expect("a read"), 60);
    assert_eq!(&back[..60], [[7; 40].as_slice(), &[0; 20]].concat(), "no old bytes come back");
    file.allocate(50, 8192).await.expect("allocated");
    assert_eq!(file.len().expect("a size"), 8242);
    file.allocate(0, 10).await.expect("allocated");
    assert_eq!(file.len().expect("a size"), 8242, "allocation never cuts");
    assert_eq!(file.read_cached(&mut back, 0).expect("a read"), 100);
    assert_eq!(&back, [[7; 40].as_slice(), &[0; 60]].concat().as_slice());
    // A write beyond the end leaves a hole that reads as zeros.
    file.write_cached(&[IoSlice::new(b"end")], 20_000).expect("a write");
    assert_eq!(file.len().expect("a size"), 20_003);
    assert_eq!(file.read_cached(&mut back[..4], 19_998).expect("a read"), 4);
    assert_eq!(&back[..4], b"\0\0en");
}

pub(crate) async fn direct_files_are_written_and_read<E: Env>(
    env: E,
    _: Mail<Message>,
    dir: PathBuf,
) {
    let file = open(&env, &dir.join("direct"), DIRECT).await;
    file.allocate(0, position(4096)).await.expect("allocated");
    assert_eq!(file.len().expect("a size"), position(4096));
    let one = vec![block(1, DMA_ALIGN)];
    file.write_direct(one, position(2), Durability::Written).await.expect("one piece");
    let arena = Arena::new(1 << 20);
    let mut chunk = arena.chunk(ChunkClass::K16).expect("room");
    chunk.append(&[2; 3 * DMA_ALIGN]);
    let many = vec![chunk.share(0..DMA_ALIGN), block(3, 2 * DMA_ALIGN), Bytes::new()];
    file.write_direct(many, position(3), Durability::Flushed).await.expect("three pieces");
    file.write_direct(Vec::new(), 0, Durability::Flushed).await.expect("no piece");
    // More pieces than one call to the kernel takes.
    let crowd: Vec<Bytes> = (0..2500)
        .map(|index| block(u8::try_from(index % 251).expect("a byte"), DMA_ALIGN))
        .collect();
    file.write_direct(crowd, position(100), Durability::Written).await.expect("2500 pieces");
    file.sync_data().await.expect("a sync");
    let (result, buffer) = file.read_direct(DmaBuf::unpooled(32 << 10), 0).await;
    assert_eq!(result.expect("a read"), 64 << 10, "the buffer is of the class that fits");
    for (index, expected) in [0, 0, 1, 2, 3, 3, 0, 0].into_iter().enumerate() {
        let start = index * DMA_ALIGN;
        assert!(buffer.bytes()[start..start + DMA_ALIGN].iter().all(|byte| *byte == expected));
    }
    let mut buffer = buffer;
    for index in [0, 1023, 1024, 1025, 2047, 2048, 2499] {
        let (result, back) = file.read_direct(buffer, position(100 + index)).await;
        result.expect("a read");
        assert_eq!(usize::from(back.bytes()[0]), index % 251, "block {index}");
        assert_eq!(usize::from(back.bytes()[DMA_ALIGN - 1]), index % 251, "block {index}");
        buffer = back;
    }
    file.set_len(position(4095) + 10).await.expect("cut");
    let (result, buffer) = file.read_direct(buffer, position(4094)).await;
    assert_eq!(result.expect("a read"), DMA_ALIGN + 10, "less only at the end");
    let (result, _) = file.read_direct(buffer, position(5000)).await;
    assert_eq!(result.expect("a read beyond the end"), 0);
}

pub(crate) async fn many_direct_writes_are_under_way_at_once<E: Env>(
    env: E,
    _: Mail<Message>,
    dir: PathBuf,
) {
    const WRITES: usize = 1500;
    let file = Rc::new(open(&env, &dir.join("many"), DIRECT).await);
    file.allocate(0, position(WRITES)).await.expect("allocated");
    let writes = (0..WRITES).map(|index| {
        let piece = vec![block(u8::try_from(index % 250).expect("a byte"), DMA_ALIGN)];
        let durability = if index % 100 == 0 { Durability::Flushed } else { Durability::Written };
        file.write_direct(piece, position(index), durability)
    });
    for result in in_time(&env, "1500 writes", join_all(writes)).await {
        result.expect("a write");
    }
    let reads = (0..WRITES / 4).map(|index| {
        let file = file.clone();
        spawned(&env, Queue::Append, async move {
            let (result, buffer) =
                file.read_direct(DmaBuf::unpooled(4 * DMA_ALIGN), position(4 * index)).await;
            assert_eq!(result.expect("a read"), 4 * DMA_ALIGN);
            for part in 0..4 {
                let expected = (4 * index + part) % 250;
                assert_eq!(usize::from(buffer.bytes()[part * DMA_ALIGN + 77]), expected);
            }
        })
    });
    in_time(&env, "375 reads", join_all(reads)).await;
}

pub(crate) async fn modes_of_opening_are_kept<E: Env>(env: E, _: Mail<Message>, dir: PathBuf) {
    let path = dir.join("file");
    let mode = |write, create| OpenMode { write, create, direct: false };
    let missing = env.open(&path, mode(true, Create::Never)).await.err().expect("missing");
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let nowhere = dir.join("no").join("where");
    let missing = env.open(&nowhere, mode(true, Create::New)).await.err().expect("no directory");
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let file = open(&env, &path, mode(true, Create::New)).await;
    file.write_cached(&[IoSlice::new(b"here")], 0).expect("a write");
    let there = env.open(&path, mode(true, Create::New)).await.err().expect("it is there");
    assert_eq!(there.kind(), ErrorKind::AlreadyExists);
    let file = open(&env, &path, mode(true, Create::IfMissing)).await;
    assert_eq!(file.len().expect("a size"), 4, "opening does not empty a file");
    let file = open(&env, &path, mode(false, Create::Never)).await;
    assert!(file.write_cached(&[IoSlice::new(b"no")], 0).is_err(), "opened for reading only");
    let mut back = [0; 10];
    assert_eq!(file.read_cached(&mut back, 0).expect("a read"), 4);
}

pub(crate) async fn directories_are_made_listed_and_removed<E: Env>(
    env: E,
    _: Mail<Message>,
    dir: PathBuf,
) {
    let deep = dir.join("a").join("b").join("c");
    env.create_dir_all(&deep).await.expect("made");
    env.create_dir_all(&deep).await.expect("it is there already");
    for name in ["z", "m", "b.log"] {
        let file = open(&env, &deep.join(name), CACHED).await;
        file.write_cached(&[IoSlice::new(name.as_bytes())], 0).expect("a write");
    }
    env.create_dir_all(&deep.join("n")).await.expect("made");
    let listed: Vec<(String, bool, u64)> = env
        .read_dir(&deep)
        .expect("a listing")
        .into_iter()
        .map(|entry| (entry.name, entry.is_dir, entry.len))
        .collect();
    let expected = [("b.log", false, 5), ("m", false, 1), ("n", true, 0), ("z", false, 1)];
    assert_eq!(listed, expected.map(|(name, is_dir, len)| (name.to_owned(), is_dir, len)));
    env.sync_dir(&deep).await.expect("a sync");
    let kind = |result: std::io::Result<()>| result.expect_err("refused").kind();
    assert_eq!(kind(env.remove_dir(&deep).await), ErrorKind::DirectoryNotEmpty);
    assert_eq!(kind(env.remove_file(&deep.join("q")).await), ErrorKind::NotFound);
    assert_eq!(kind(env.remove_dir(&deep.join("q")).await), ErrorKind::NotFound);
    assert_eq!(kind(env.rename(&deep.join("q"), &deep.join("r")).await), ErrorKind::NotFound);
    assert_eq!(kind(env.sync_dir(&deep.join("q")).await), ErrorKind::NotFound);
    assert_eq!(env.read_dir(&deep.join("q")).expect_err("refused").kind(), ErrorKind::NotFound);
    env.rename(&deep.join("z"), &deep.join("m")).await.expect("renamed over another");
    assert_eq!(env.read_whole(&deep.join("m"), 10).await.expect("a read"), b"z");
    env.rename(&deep, &dir.join("moved")).await.expect("a directory renamed");
    for name in ["m", "b.log"] {
        env.remove_file(&dir.join("moved").join(name)).await.expect("removed");
    }
    env.remove_dir(&dir.join("moved").join("n")).await.expect("removed");
    env.remove_dir(&dir.join("moved")).await.expect("removed");
    let names: Vec<String> =
        env.read_dir(&dir).expect("a listing").into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["a"]);
    assert!(env.free_bytes(&dir).expect("a size") > 0);
}

pub(crate) async fn whole_files_are_replaced<E: Env>(env: E, _: Mail<Message>, dir: PathBuf) {
    let path = dir.join("whole");
    let missing = env.read_whole(&path, 10).await.expect_err("missing");
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    env.write_whole(&path, b"first, and the longer one").await.expect("written");
    env.write_whole(&path, b"second").await.expect("replaced");
    assert_eq!(env.read_whole(&path, 6).await.expect("as long as allowed"), b"second");
    let large = env.read_whole(&path, 5).await.expect_err("too large");
    assert_eq!(large.kind(), ErrorKind::InvalidData);
    env.write_whole(&path, b"").await.expect("emptied");
    assert_eq!(env.read_whole(&path, 0).await.expect("empty"), b"");
    let names: Vec<String> =
        env.read_dir(&dir).expect("a listing").into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["whole"], "no temporary file stays");
    let nowhere = env.write_whole(&dir.join("no").join("where"), b"x").await;
    assert_eq!(nowhere.expect_err("no directory").kind(), ErrorKind::NotFound);
}

pub(crate) async fn dropped_operations_do_no_harm<E: Env>(env: E, _: Mail<Message>, dir: PathBuf) {
    let arena = Arena::new(64 << 20);
    {
        let file = open(&env, &dir.join("dropped"), DIRECT).await;
        file.allocate(0, position(256)).await.expect("allocated");
        for index in 0..256 {
            let mut chunk = arena.chunk(ChunkClass::K16).expect("room");
            chunk.append(&[u8::try_from(index % 256).expect("a byte"); DMA_ALIGN]);
            let piece = chunk.share(0..DMA_ALIGN);
            let mut write =
                pin!(file.write_direct(vec![piece], position(index), Durability::Written));
            poll_once(write.as_mut()).await;
        }
        for index in 0..64 {
            let buffer = arena.buffer(ChunkClass::K16).expect("room");
            let mut read = pin!(file.read_direct(buffer, position(4 * index)));
            poll_once(read.as_mut()).await;
            let mut sync = pin!(file.sync_data());
            poll_once(sync.as_mut()).await;
        }
        let path = dir.join("opened");
        for _ in 0..32 {
            let mut opened = pin!(env.open(&path, CACHED));
            poll_once(opened.as_mut()).await;
        }
    }
    // All is detached, the file closed on our side. What was begun ends, and the memory comes back.
    let back = async {
        while arena.used_bytes() > 0 {
            env.sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    in_time(&env, "the return of the memory", back).await;
    let file = open(&env, &dir.join("dropped"), DIRECT).await;
    let (result, _) = file.read_direct(DmaBuf::unpooled(DMA_ALIGN), 0).await;
    result.expect("the file is fit for use");
}
