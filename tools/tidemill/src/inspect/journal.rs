//! Our own files at the top of a log directory: journals and recovery points.

use super::report::{Problem, Report};
use crate::failure::Failure;
use engine_base::TopicPartition;
use engine_log::frame::{
    Entries, EntryHeader, EntryKind, FRAME_ALIGN, FRAME_HEADER_BYTES, FRAME_MAGIC, FrameHeader,
};
use engine_log::points::{Point, Points};
use serde::Serialize;
use std::ops::Range;
use std::path::Path;

#[derive(Serialize)]
struct FrameItem {
    position: usize,
    run: u32,
    turn: u32,
    sequence: u64,
    synced_sequence: u64,
    shard: u16,
    shard_count: u16,
    body_bytes: u32,
    entries: u32,
}

#[derive(Serialize)]
struct EntryItem {
    kind: &'static str,
    topic_id: String,
    partition: i32,
    segment: i64,
    position: u64,
    bytes: u32,
}

impl EntryItem {
    fn new(entry: &EntryHeader) -> EntryItem {
        let TopicPartition { topic_id, partition } = entry.partition;
        EntryItem {
            kind: match entry.kind {
                EntryKind::Data => "data",
                EntryKind::Durable => "durable",
                EntryKind::LogStart => "log start",
                EntryKind::Name => "name",
            },
            topic_id: topic_id.to_string(),
            partition,
            segment: entry.segment,
            position: entry.position,
            bytes: entry.length,
        }
    }

    fn text(&self) -> String {
        let EntryItem { topic_id, partition, segment, position, bytes, .. } = self;
        let place = format!("    {topic_id} partition {partition}");
        match self.kind {
            "data" => format!("{place}: {bytes} bytes of segment {segment} at {position}"),
            "durable" => format!("{place}: segment {segment} is durable up to {position}"),
            "name" => format!("{place}: had no directory yet"),
            _ => format!("{place}: log starts at offset {position}"),
        }
    }
}

#[derive(Serialize)]
struct Summary {
    frames: usize,
    bytes: usize,
    unused_bytes: usize,
    older_frames: usize,
}

struct Found {
    header: FrameHeader,
    position: usize,
    body: Range<usize>,
}

/// Every frame whose checksum holds, as recovery looks for them: at each aligned position.
fn find(bytes: &[u8]) -> Vec<Found> {
    let align = usize::try_from(FRAME_ALIGN).expect("small");
    let mut found = Vec::new();
    let mut position = 0;
    while position + FRAME_HEADER_BYTES <= bytes.len() {
        let rest = &bytes[position..];
        let parsed = if rest.starts_with(&FRAME_MAGIC) { FrameHeader::parse(rest) } else { None };
        let Some((header, body)) = parsed else {
            position += align;
            continue;
        };
        let start = position + FRAME_HEADER_BYTES;
        let body = start..start + body.len();
        let end = body.end;
        found.push(Found { header, position, body });
        position = end.next_multiple_of(align);
    }
    found
}

/// Explains a journal: the frames of its newest use, and whether any is missing between them.
pub fn journal(report: &mut Report<'_>, path: &Path, list: bool) -> Result<(), Failure> {
    let bytes = std::fs::read(path).map_err(|error| super::unreadable(path, &error))?;
    let all = find(&bytes);
    let newest = all.iter().map(|frame| frame.header.generation).max();
    let (frames, older): (Vec<Found>, Vec<Found>) =
        all.into_iter().partition(|frame| Some(frame.header.generation) == newest);
    let mut expected: Option<(u64, usize)> = None;
    for frame in &frames {
        let header = &frame.header;
        if let Some((sequence, end)) = expected
            && sequence != header.sequence
        {
            let what =
                format!("frame {sequence} is damaged, the next whole one is {}", header.sequence);
            report.problem(Problem::at(path, u64::try_from(end).expect("sizes fit"), what))?;
        }
        expected = Some((header.sequence + 1, frame.body.end));
        show_frame(report, path, &bytes, frame, list)?;
    }
    let end = frames.last().map_or(0, |frame| frame.body.end);
    let summary = Summary {
        frames: frames.len(),
        bytes: end,
        unused_bytes: bytes.len() - end,
        older_frames: older.len(),
    };
    let text = format!(
        "  {} frames in {} bytes, {} bytes not used since ({} older frames)",
        summary.frames, summary.bytes, summary.unused_bytes, summary.older_frames
    );
    report.item("summary", &summary, &text)
}

fn show_frame(
    report: &mut Report<'_>,
    path: &Path,
    bytes: &[u8],
    frame: &Found,
    list: bool,
) -> Result<(), Failure> {
    let header = &frame.header;
    let item = FrameItem {
        position: frame.position,
        run: header.generation.run,
        turn: header.generation.turn,
        sequence: header.sequence,
        synced_sequence: header.synced_sequence,
        shard: header.shard,
        shard_count: header.shard_count,
        body_bytes: header.body_bytes,
        entries: header.entry_count,
    };
    let text = format!(
        "  frame {} (run {} turn {})  at {}  {} entries in {} bytes  synced up to {}",
        item.sequence,
        item.run,
        item.turn,
        item.position,
        item.entries,
        item.body_bytes,
        item.synced_sequence
    );
    report.item("frame", &item, &text)?;
    let mut count = 0;
    for entry in Entries::new(&bytes[frame.body.clone()]) {
        let position = u64::try_from(frame.position).expect("sizes fit");
        match entry {
            Err(error) => {
                report.problem(Problem::at(path, position, format!("entry {count}: {error}")))?;
            }
            Ok((entry, _, _)) => {
                count += 1;
                if list {
                    let item = EntryItem::new(&entry);
                    report.item("entry", &item, &item.text())?;
                }
            }
        }
    }
    if count != header.entry_count {
        let what = format!("{} entries announced, {count} found", header.entry_count);
        let position = u64::try_from(frame.position).expect("sizes fit");
        report.problem(Problem::at(path, position, what))?;
    }
    Ok(())
}

#[derive(Serialize)]
struct PointItem {
    topic_id: String,
    partition: i32,
    log_start: i64,
    recovery_offset: i64,
    segment: i64,
    position: u64,
}

/// Explains a file of recovery points.
pub fn points(report: &mut Report<'_>, path: &Path) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Header {
        run: u32,
        shard: u16,
        shard_count: u16,
        partitions: usize,
    }
    let bytes = std::fs::read(path).map_err(|error| super::unreadable(path, &error))?;
    let Some(points) = Points::decode(&bytes) else {
        let what = "the checksum does not match, or the file is cut; recovery goes without it";
        return report.problem(Problem::whole(path, what));
    };
    let Points { run, shard, shard_count, points, .. } = points;
    let header = Header { run, shard, shard_count, partitions: points.len() };
    let text = format!("  run {run}, shard {shard} of {shard_count}, {} partitions", points.len());
    report.item("points", &header, &text)?;
    for point in &points {
        let Point { partition, log_start, recovery, .. } = *point;
        let item = PointItem {
            topic_id: partition.topic_id.to_string(),
            partition: partition.partition,
            log_start,
            recovery_offset: recovery.offset,
            segment: recovery.segment,
            position: recovery.position,
        };
        let text = format!(
            "    {} partition {}: durable up to offset {}, byte {} of segment {}; starts at {}",
            item.topic_id,
            item.partition,
            item.recovery_offset,
            item.position,
            item.segment,
            item.log_start
        );
        report.item("point", &item, &text)?;
    }
    Ok(())
}
