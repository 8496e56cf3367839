//! Where the recovery of one partition begins to read. Used by [`crate::recovery`] only.

use crate::index::SegmentIndex;
use crate::points::{IndexState, Mark, Point};
use crate::read::load_index;
use crate::scan::{Found, Start};
use crate::segment::to_count;
use engine_io::Env;
use std::path::Path;

/// What is known of where a scan may begin.
pub(crate) struct From {
    pub point: Option<Point>,
    /// Kafka's recovery point.
    pub recovery: Option<i64>,
    pub clean: bool,
    /// There is a point or a journal entry of ours.
    pub own: bool,
}

/// Where the scan begins. `None`: there is nothing to scan.
pub(crate) async fn choose_start<E: Env>(
    env: &E,
    dir: &Path,
    segments: &[Found],
    from: From,
) -> Option<Start> {
    let From { point, recovery, clean, own } = from;
    let last = segments.last()?;
    let by_point = point.and_then(|point| {
        let mark = point.recovery;
        let index = segments.binary_search_by_key(&mark.segment, |found| found.base).ok()?;
        (segments[index].len >= mark.position).then_some((point, segments[index].len))
    });
    let ours = by_point.filter(|(point, len)| {
        !clean || (point.recovery.segment == last.base && point.recovery.position == *len)
    });
    if let Some((point, _)) = ours {
        return Some(start_at_point(env, dir, point).await);
    }
    if clean {
        // Another broker stopped clean here: its sizes hold, the last batches are looked at.
        let index = load_index(env, dir, last.base, last.len, i64::MAX).await;
        let position = index.floor_position(last.len);
        return Some(start_at_entry(last.base, index, position));
    }
    let recovery = recovery.unwrap_or(0);
    let above = segments.partition_point(|found| found.base <= recovery);
    // Our own logs without a point are young: they are read from their first batch.
    let segment = if own { segments[0].base } else { segments[above.saturating_sub(1)].base };
    let index = SegmentIndex::new(segment);
    let offset = own.then_some(segment);
    Some(Start { offset, strict: own, ..Start::at_first_byte(segment, index) })
}

/// Where to begin if the file of the point's segment lacks bytes below the point: at its first byte,
/// or at that of the segment before it, or after it if there is none.
pub(crate) fn start_before(segments: &[Found], point: Point) -> Option<Start> {
    let above = segments.partition_point(|found| found.base <= point.recovery.segment);
    let segment = segments.get(above.saturating_sub(1))?.base;
    let strict = segment >= point.recovery.segment;
    let index = SegmentIndex::new(segment);
    let offset = strict.then_some(segment);
    Some(Start { offset, strict, ..Start::at_first_byte(segment, index) })
}

/// Starts at the recovery point, or a little before it if the index files lost their end.
async fn start_at_point<E: Env>(env: &E, dir: &Path, point: Point) -> Start {
    let Mark { offset, segment, position } = point.recovery;
    let mut index = load_index(env, dir, segment, position, offset).await;
    let has = |index: &SegmentIndex, state: &IndexState| {
        let (offsets, times) = index.counts();
        offsets >= to_count(state.offsets) && times >= to_count(state.times)
    };
    let first_timestamp = point.first_timestamp;
    let (state, position, offset) = if has(&index, &point.index) {
        (point.index, position, Some(offset))
    } else if has(&index, &point.synced) {
        (point.synced, point.synced_position, None)
    } else {
        index = SegmentIndex::new(segment);
        let offset = Some(segment);
        return Start { offset, ..Start::at_first_byte(segment, index) };
    };
    index.rewind(to_count(state.offsets), to_count(state.times), position, state.max);
    let synced = Some((point.synced_position, point.synced));
    Start { segment, position, offset, strict: true, index, first_timestamp, synced }
}

impl Start {
    fn at_first_byte(segment: i64, index: SegmentIndex) -> Start {
        let (offset, synced) = (None, None);
        Start { segment, position: 0, offset, strict: true, index, first_timestamp: -1, synced }
    }
}

/// Starts at an index entry of a segment that another broker wrote.
fn start_at_entry(base: i64, mut index: SegmentIndex, position: u64) -> Start {
    let (mut offsets, times) = index.counts();
    // The batch at the entry is scanned again and makes its own entry again.
    offsets -= usize::from(position > 0);
    let max = index.max_timestamp();
    index.rewind(offsets, times, position, max);
    Start { position, strict: false, ..Start::at_first_byte(base, index) }
}
