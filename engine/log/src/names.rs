//! Names of files and directories in a log directory: Kafka's, and our own. Pure text. Our files lie
//! at the top of the log directory and are no directories, because a Kafka broker that opens the
//! directory takes each directory in it for a partition and ignores each file it does not know
//! (`LogManager.loadLogs`).

use std::path::{Path, PathBuf};

pub const LOG_SUFFIX: &str = ".log";
pub const INDEX_SUFFIX: &str = ".index";
pub const TIME_INDEX_SUFFIX: &str = ".timeindex";
pub const TXN_INDEX_SUFFIX: &str = ".txnindex";
pub const SNAPSHOT_SUFFIX: &str = ".snapshot";
/// Renamed away, to be removed; removed at start.
pub const DELETED_SUFFIX: &str = ".deleted";
/// Ours: bytes found damaged, kept for the operator. Kafka ignores the suffix.
pub const DAMAGED_SUFFIX: &str = ".damaged";
pub const DELETE_DIR_SUFFIX: &str = "-delete";
/// A partition that the metadata does not know, kept for the operator.
pub const STRAY_DIR_SUFFIX: &str = "-stray";
pub const EPOCH_FILE: &str = "leader-epoch-checkpoint";
pub const METADATA_FILE: &str = "partition.metadata";

/// Ours: made by the operator to start although records are lost; removed once it was heeded.
pub const ACCEPT_LOSS_FILE: &str = ".tidemill-accept-loss";

const JOURNAL_PREFIX: &str = ".tidemill-journal-";
const POINTS_PREFIX: &str = ".tidemill-points-";
/// The longest name of a topic, in bytes.
pub(crate) const TOPIC_BYTES_MAX: usize = 249;
/// The longest name a file system takes, in bytes.
const NAME_BYTES_MAX: usize = 255;

/// Path of a file named by an offset: 20 digits and a suffix.
pub fn offset_file(dir: &Path, offset: i64, suffix: &str) -> PathBuf {
    assert!(offset >= 0);
    dir.join(format!("{offset:020}{suffix}"))
}

/// The offset in a name of the form 20 digits + `suffix`.
pub fn parse_offset_file(name: &str, suffix: &str) -> Option<i64> {
    let digits = name.strip_suffix(suffix)?;
    let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// `<topic>-<partition>`.
pub fn partition_dir(topic: &str, partition: i32) -> String {
    assert!(partition >= 0);
    format!("{topic}-{partition}")
}

/// Topic and partition of a directory in use; `None` for deleted, future and foreign ones.
pub fn parse_partition_dir(name: &str) -> Option<(&str, i32)> {
    let (topic, digits) = name.rsplit_once('-')?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if topic.is_empty() || !plain {
        return None;
    }
    Some((topic, digits.parse().ok()?))
}

/// Whether the directory waits for removal: `<topic>-<partition>.<id>-delete`.
pub fn is_deleted_dir(name: &str) -> bool {
    let Some(name) = name.strip_suffix(DELETE_DIR_SUFFIX) else { return false };
    name.rsplit_once('.').is_some_and(|(dir, id)| !id.is_empty() && dir.contains('-'))
}

/// The name a partition's directory gets when its topic is deleted ([`DELETE_DIR_SUFFIX`]), or not
/// known ([`STRAY_DIR_SUFFIX`]).
pub fn renamed_dir(topic: &str, partition: i32, unique: u128, suffix: &str) -> String {
    let tail = format!("-{partition}.{unique:032x}{suffix}");
    let mut keep = topic.len().min(NAME_BYTES_MAX - tail.len());
    while !topic.is_char_boundary(keep) {
        keep -= 1;
    }
    format!("{}{tail}", &topic[..keep])
}

pub fn journal(shard: u16, index: u32) -> String {
    format!("{JOURNAL_PREFIX}{shard}-{index}")
}

/// Shard and index of a journal file.
pub fn parse_journal(name: &str) -> Option<(u16, u32)> {
    let (shard, index) = name.strip_prefix(JOURNAL_PREFIX)?.split_once('-')?;
    Some((shard.parse().ok()?, index.parse().ok()?))
}

/// The name a journal gets whose frames did not all check, after everything good in it was used.
pub fn damaged_journal(name: &str, run: u32) -> String {
    format!("{name}.{run}{DAMAGED_SUFFIX}")
}

/// The count of shards is in the name, so that a restart with another count leaves the old files
/// alone until all shards have recovered.
pub fn points(shard_count: u16, shard: u16) -> String {
    format!("{POINTS_PREFIX}{shard_count}-{shard}")
}

/// Shard count and shard of a points file.
pub fn parse_points(name: &str) -> Option<(u16, u16)> {
    let (count, shard) = name.strip_prefix(POINTS_PREFIX)?.split_once('-')?;
    Some((count.parse().ok()?, shard.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kafkas_and_parse_back() {
        let path = offset_file(Path::new("d"), 1234, LOG_SUFFIX);
        assert_eq!(path, Path::new("d/00000000000000001234.log"));
        assert_eq!(parse_offset_file("00000000000000001234.log", LOG_SUFFIX), Some(1234));
        for bad in ["1234.log", "0000000000000000123x.log", "00000000000000001234.index", ".log"] {
            assert_eq!(parse_offset_file(bad, LOG_SUFFIX), None, "{bad}");
        }
        assert_eq!(parse_partition_dir("a-b-12"), Some(("a-b", 12)));
        for bad in
            ["a", "-1", "a-", "a-x", "a-1.01-delete", "a-1-delete", "a-1.0-stray", "a-99999999999"]
        {
            assert_eq!(parse_partition_dir(bad), None, "{bad}");
        }
        let deleted = renamed_dir(&"t".repeat(249), 3, 0xABC, DELETE_DIR_SUFFIX);
        assert_eq!(deleted.len(), 255);
        assert!(is_deleted_dir(&deleted) && !is_deleted_dir("a-delete"));
        assert_eq!(parse_journal(&journal(3, 1)), Some((3, 1)));
        assert_eq!(parse_journal(&damaged_journal(&journal(3, 1), 9)), None);
        assert_eq!(parse_points(&points(9, 2)), Some((9, 2)));
        assert_eq!(parse_points(".tidemill-points-9-2.tmp"), None);
    }
}
