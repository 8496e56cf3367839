//! What it costs to put a commit where a killed process (or a cut power line) cannot take it along:
//! the experiment behind docs/adr/2026-11-24-where-a-commit-lives.md. One thread, one preallocated
//! zero-filled file, sequential commits of one size, each means in turn, several rounds interleaved.
//!
//! `cargo run --release -p engine-io --example commit_means -- DIRECTORY [SECONDS PER CELL]`
//!
//! Prints for each size and means: commits per second, median and 99th percentile in microseconds,
//! and CPU (user + system of this process, so kernel threads that write back are not in it).

use engine_io::{DMA_ALIGN, DmaBuf};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

const FILE_BYTES: usize = 64 << 20;
const SIZES: [usize; 4] = [256, 4 << 10, 16 << 10, 128 << 10];
const ROUNDS: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Means {
    /// write(2) into the page cache.
    Cached,
    /// The same, then fdatasync.
    CachedSync,
    /// A copy into a shared mapping of the file.
    Mapped,
    /// The same, then fdatasync.
    MappedSync,
    /// O_DIRECT.
    Direct,
    /// O_DIRECT with RWF_DSYNC.
    DirectSync,
}

const ALL: [Means; 6] = [
    Means::Cached,
    Means::CachedSync,
    Means::Mapped,
    Means::MappedSync,
    Means::Direct,
    Means::DirectSync,
];

struct Cell {
    latencies_us: Vec<f64>,
    cpu: Duration,
    wall: Duration,
}

fn cpu_time() -> Duration {
    // SAFETY: a zeroed `rusage` is a valid value for the kernel to fill in.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a live `rusage`.
    let result = unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
    assert_eq!(result, 0);
    let of = |time: libc::timeval| {
        Duration::new(time.tv_sec.unsigned_abs(), time.tv_usec.unsigned_abs() as u32 * 1000)
    };
    of(usage.ru_utime) + of(usage.ru_stime)
}

struct Files {
    cached: File,
    direct: File,
    map: *mut u8,
    buffer: DmaBuf,
}

impl Files {
    fn open(dir: &Path) -> io::Result<Files> {
        let path = dir.join("commit-means.tmp");
        let cached =
            OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
        cached.write_all_at(&vec![0; FILE_BYTES], 0)?;
        cached.sync_all()?;
        // A file of its own for direct writes: page cache and direct I/O do not mix in one file.
        let path = dir.join("commit-means-direct.tmp");
        let direct = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .custom_flags(libc::O_DIRECT)
            .open(&path)?;
        let mut buffer = DmaBuf::unpooled(1 << 20);
        for position in (0..FILE_BYTES).step_by(1 << 20) {
            direct.write_all_at(buffer.bytes(), position as u64)?;
        }
        direct.sync_all()?;
        buffer.bytes_mut().fill(0x5A);
        // SAFETY: a fresh shared mapping of an open file of this length, at an address the kernel
        // chooses.
        let map = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                FILE_BYTES,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                cached.as_raw_fd(),
                0,
            )
        };
        if map == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Files { cached, direct, map: map.cast(), buffer })
    }

    fn commit(&self, means: Means, bytes: usize, position: usize) -> io::Result<()> {
        match means {
            Means::Cached | Means::CachedSync => {
                self.cached.write_all_at(&self.buffer.bytes()[..bytes], position as u64)?;
            }
            Means::Mapped | Means::MappedSync => {
                assert!(position + bytes <= FILE_BYTES);
                // SAFETY: inside the mapping (checked above); the source is another allocation.
                unsafe {
                    std::ptr::copy_nonoverlapping(
                        self.buffer.bytes().as_ptr(),
                        self.map.add(position),
                        bytes,
                    );
                }
            }
            Means::Direct | Means::DirectSync => self.write_direct(means, bytes, position)?,
        }
        if matches!(means, Means::CachedSync | Means::MappedSync) {
            self.cached.sync_data()?;
        }
        Ok(())
    }

    fn write_direct(&self, means: Means, bytes: usize, position: usize) -> io::Result<()> {
        let vector = libc::iovec {
            iov_base: self.buffer.bytes().as_ptr().cast_mut().cast(),
            iov_len: bytes.next_multiple_of(DMA_ALIGN),
        };
        let flags = if means == Means::DirectSync { libc::RWF_DSYNC } else { 0 };
        // SAFETY: one vector over a live buffer that is only read.
        let written = unsafe {
            libc::pwritev2(
                self.direct.as_raw_fd(),
                &raw const vector,
                1,
                position as libc::off_t,
                flags,
            )
        };
        if usize::try_from(written) != Ok(vector.iov_len) {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

fn measure(files: &Files, means: Means, bytes: usize, time: Duration) -> io::Result<Cell> {
    let step = if matches!(means, Means::Direct | Means::DirectSync) {
        bytes.next_multiple_of(DMA_ALIGN)
    } else {
        bytes
    };
    let mut cell = Cell { latencies_us: Vec::new(), cpu: cpu_time(), wall: Duration::ZERO };
    let mut position = 0;
    let start = Instant::now();
    while start.elapsed() < time {
        let before = Instant::now();
        files.commit(means, bytes, position)?;
        cell.latencies_us.push(before.elapsed().as_secs_f64() * 1e6);
        position += step;
        if position + step > FILE_BYTES {
            position = 0;
        }
    }
    cell.wall = start.elapsed();
    cell.cpu = cpu_time().saturating_sub(cell.cpu);
    Ok(cell)
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().unwrap_or_else(|| ".".to_owned());
    let seconds: f64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(0.5);
    let files = Files::open(Path::new(&dir))?;
    let time = Duration::from_secs_f64(seconds);
    println!("bytes   means         commits/s     p50 us     p99 us  cpu us/commit");
    for bytes in SIZES {
        let mut cells: Vec<Vec<Cell>> = ALL.iter().map(|_| Vec::new()).collect();
        for _ in 0..ROUNDS {
            for (means, cells) in ALL.into_iter().zip(&mut cells) {
                cells.push(measure(&files, means, bytes, time)?);
            }
        }
        for (means, cells) in ALL.into_iter().zip(cells) {
            report(bytes, means, cells);
        }
    }
    std::fs::remove_file(Path::new(&dir).join("commit-means.tmp"))?;
    std::fs::remove_file(Path::new(&dir).join("commit-means-direct.tmp"))
}

fn report(bytes: usize, means: Means, cells: Vec<Cell>) {
    let wall: Duration = cells.iter().map(|cell| cell.wall).sum();
    let cpu: Duration = cells.iter().map(|cell| cell.cpu).sum();
    let mut latencies: Vec<f64> = cells.into_iter().flat_map(|cell| cell.latencies_us).collect();
    latencies.sort_by(f64::total_cmp);
    let count = latencies.len();
    let at = |share: f64| latencies[((count - 1) as f64 * share) as usize];
    println!(
        "{bytes:>6}  {:<12} {:>10.0} {:>10.1} {:>10.1} {:>14.1}",
        format!("{means:?}"),
        count as f64 / wall.as_secs_f64(),
        at(0.5),
        at(0.99),
        cpu.as_secs_f64() * 1e6 / count as f64,
    );
}
