//! Kafka's small text files: the ones of a log directory as a whole (`meta.properties`, the
//! checkpoints, the clean-stop marker) and of a partition (`partition.metadata`,
//! `leader-epoch-checkpoint`). Encoders and decoders are pure; the few functions that touch the disk
//! are for whoever owns the directory (shard 0) at start and stop.
//! Sources: Kafka's `CheckpointFile`, `PartitionMetadata`, `MetaProperties`,
//! `CleanShutdownFileHandler`.

use crate::names;
use engine_base::Uuid;
use engine_io::Env;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

const CLEAN_MARKER: &str = ".kafka_cleanshutdown";
const META_PROPERTIES: &str = "meta.properties";
const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";
const LOG_STARTS: &str = "log-start-offset-checkpoint";
const HIGH_WATERMARKS: &str = "replication-offset-checkpoint";
/// Largest of these files that is read, in bytes. Beyond: taken for damaged.
const TEXT_BYTES_MAX: usize = 64 << 20;

/// What the checkpoint files of a log directory say about one partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckpointRow {
    pub topic: String,
    pub partition: i32,
    /// Offset below which nothing has to be recovered.
    pub recovery_point: i64,
    pub log_start: i64,
    pub high_watermark: i64,
}

/// One checkpoint file: version 0, count, lines `topic partition offset`.
pub fn encode_offsets<'a>(rows: impl ExactSizeIterator<Item = (&'a str, i32, i64)>) -> String {
    let mut text = format!("0\n{}\n", rows.len());
    for (topic, partition, offset) in rows {
        writeln!(text, "{topic} {partition} {offset}").expect("writing to a string succeeds");
    }
    text
}

/// `None` if the text is damaged in any way: a checkpoint is used whole or not at all.
pub fn decode_offsets(text: &str) -> Option<Vec<(String, i32, i64)>> {
    let mut lines = text.lines();
    if lines.next()? != "0" {
        return None;
    }
    let count: usize = lines.next()?.parse().ok()?;
    let mut rows = Vec::new();
    for line in lines {
        let mut fields = line.split(' ');
        let (topic, partition, offset) = (fields.next()?, fields.next()?, fields.next()?);
        if fields.next().is_some() {
            return None;
        }
        rows.push((topic.to_owned(), partition.parse().ok()?, offset.parse().ok()?));
    }
    (rows.len() == count).then_some(rows)
}

/// Kafka's per-directory checkpoint files.
#[derive(Debug)]
pub struct DirCheckpoints;

impl DirCheckpoints {
    /// Writes the three files from the rows of all shards. Each file is replaced as one step.
    pub async fn write<E: Env>(env: &E, dir: &Path, rows: &[CheckpointRow]) -> io::Result<()> {
        type Pick = fn(&CheckpointRow) -> i64;
        let files: [(&str, Pick); 3] = [
            (LOG_STARTS, |row| row.log_start),
            (RECOVERY_POINTS, |row| row.recovery_point),
            (HIGH_WATERMARKS, |row| row.high_watermark),
        ];
        for (name, pick) in files {
            let lines = rows.iter().map(|row| (row.topic.as_str(), row.partition, pick(row)));
            env.write_whole(&dir.join(name), encode_offsets(lines).as_bytes()).await?;
        }
        Ok(())
    }

    /// Recovery points and log starts; empty where a file is missing or damaged.
    pub(crate) async fn read<E: Env>(env: &E, dir: &Path) -> DirPoints {
        let recovery = read_offsets(env, &dir.join(RECOVERY_POINTS)).await;
        let log_start = read_offsets(env, &dir.join(LOG_STARTS)).await;
        DirPoints { recovery, log_start }
    }
}

/// What [`DirCheckpoints::read`] found, by directory name.
#[derive(Default, Debug)]
pub(crate) struct DirPoints {
    pub recovery: std::collections::BTreeMap<String, i64>,
    pub log_start: std::collections::BTreeMap<String, i64>,
}

async fn read_offsets<E: Env>(env: &E, path: &Path) -> std::collections::BTreeMap<String, i64> {
    let Some(text) = read_text(env, path).await else { return Default::default() };
    let rows = decode_offsets(&text).unwrap_or_default();
    let sane = rows.into_iter().filter(|(_, partition, offset)| *partition >= 0 && *offset >= 0);
    sane.map(|(topic, partition, offset)| (format!("{topic}-{partition}"), offset)).collect()
}

/// A small text file; `None` if it is missing, too large, unreadable or no UTF-8.
pub(crate) async fn read_text<E: Env>(env: &E, path: &Path) -> Option<String> {
    let bytes = env.read_whole(path, TEXT_BYTES_MAX).await.ok()?;
    String::from_utf8(bytes).ok()
}

/// Whether the last stop of this directory was clean. The marker is removed, durably, before
/// anything else happens to the directory: a crash from here on is an unclean stop.
pub async fn take_clean_marker<E: Env>(env: &E, dir: &Path) -> io::Result<bool> {
    match env.remove_file(&dir.join(CLEAN_MARKER)).await {
        Ok(()) => {
            env.sync_dir(dir).await?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Marks the directory as cleanly stopped. Only after every shard's `close` succeeded.
pub async fn write_clean_marker<E: Env>(env: &E, dir: &Path, broker_epoch: i64) -> io::Result<()> {
    let text = format!("{{\"version\":0,\"brokerEpoch\":{broker_epoch}}}");
    env.write_whole(&dir.join(CLEAN_MARKER), text.as_bytes()).await
}

/// Who a log directory belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MetaProperties {
    pub cluster_id: String,
    pub node_id: i32,
    pub directory_id: Uuid,
}

impl MetaProperties {
    pub fn encode(&self) -> String {
        format!(
            "cluster.id={}\ndirectory.id={}\nnode.id={}\nversion=1\n",
            self.cluster_id, self.directory_id, self.node_id
        )
    }

    /// Kafka with KRaft writes version 1 and no other. The error says which line or key is wrong.
    pub fn decode(text: &str) -> Result<MetaProperties, String> {
        let field = |name: &str| {
            let lines = text.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
            let mut pairs = lines.filter_map(|(at, line)| Some((at, line.split_once('=')?)));
            let found = pairs.find(|(_, (key, _))| key.trim() == name);
            let (at, (_, value)) = found.ok_or_else(|| format!("{name} is missing"))?;
            Ok::<_, String>((at + 1, value.trim()))
        };
        let wrong = |name: &str, (line, value): (usize, &str), expected: &str| {
            format!("line {line}: {name} is {value:?} instead of {expected}")
        };
        let version = field("version")?;
        if version.1 != "1" {
            return Err(wrong("version", version, "1"));
        }
        let cluster = field("cluster.id")?;
        if cluster.1.is_empty() {
            return Err(wrong("cluster.id", cluster, "the id of the cluster"));
        }
        let node = field("node.id")?;
        let node_id = node.1.parse().ok().filter(|id| *id >= 0);
        let directory = field("directory.id")?;
        let directory_id = Uuid::parse(directory.1).filter(|id| !id.is_zero());
        Ok(MetaProperties {
            cluster_id: cluster.1.to_owned(),
            node_id: node_id.ok_or_else(|| wrong("node.id", node, "a number from 0 on"))?,
            directory_id: directory_id
                .ok_or_else(|| wrong("directory.id", directory, "22 characters of base64"))?,
        })
    }

    /// `Ok(None)` if there is no file; an error of kind `InvalidData` that names file and line if it
    /// cannot be understood.
    pub async fn read<E: Env>(env: &E, dir: &Path) -> io::Result<Option<MetaProperties>> {
        let path = dir.join(META_PROPERTIES);
        let bytes = match env.read_whole(&path, TEXT_BYTES_MAX).await {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let damaged = |what: String| {
            let text = format!("{} cannot be used: {what}", path.display());
            io::Error::new(io::ErrorKind::InvalidData, text)
        };
        let text = String::from_utf8(bytes).map_err(|_| damaged("it is no text".to_owned()))?;
        MetaProperties::decode(&text).map(Some).map_err(damaged)
    }

    pub async fn write<E: Env>(&self, env: &E, dir: &Path) -> io::Result<()> {
        env.write_whole(&dir.join(META_PROPERTIES), self.encode().as_bytes()).await
    }
}

/// What a log directory holds that only a broker puts there, by one of its names. `None`: it is new.
pub fn find_use<E: Env>(env: &E, dir: &Path) -> io::Result<Option<String>> {
    let files = [CLEAN_MARKER, RECOVERY_POINTS, LOG_STARTS, HIGH_WATERMARKS];
    let entries = match env.read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut used: Vec<String> = entries
        .into_iter()
        .filter(|entry| match entry.is_dir {
            true => {
                names::parse_partition_dir(&entry.name).is_some()
                    || names::is_deleted_dir(&entry.name)
            }
            false => {
                names::parse_journal(&entry.name).is_some()
                    || names::parse_points(&entry.name).is_some()
                    || files.contains(&entry.name.as_str())
            }
        })
        .map(|entry| entry.name)
        .collect();
    // The name that says most to an operator: a partition's.
    used.sort_by_key(|name| (name.starts_with(['.', '_']), name.clone()));
    Ok(used.into_iter().next())
}

/// `partition.metadata`: names the topic's id.
pub(crate) fn encode_partition_metadata(topic_id: Uuid) -> String {
    format!("version: 0\ntopic_id: {topic_id}")
}

pub(crate) fn decode_partition_metadata(text: &str) -> Option<Uuid> {
    let mut lines = text.lines();
    if lines.next()?.trim() != "version: 0" {
        return None;
    }
    let id = Uuid::parse(lines.next()?.strip_prefix("topic_id:")?.trim())?;
    (!id.is_zero()).then_some(id)
}

/// `leader-epoch-checkpoint`: version 0, count, lines `epoch startOffset`.
pub(crate) fn encode_epochs(epochs: &[(i32, i64)]) -> String {
    let mut text = format!("0\n{}\n", epochs.len());
    for (epoch, start) in epochs {
        writeln!(text, "{epoch} {start}").expect("writing to a string succeeds");
    }
    text
}

/// `None` if the text is damaged or the entries do not increase.
pub(crate) fn decode_epochs(text: &str) -> Option<Vec<(i32, i64)>> {
    let mut lines = text.lines();
    if lines.next()? != "0" {
        return None;
    }
    let count: usize = lines.next()?.parse().ok()?;
    let mut epochs: Vec<(i32, i64)> = Vec::new();
    for line in lines {
        let (epoch, start) = line.split_once(' ')?;
        let entry = (epoch.parse().ok()?, start.parse().ok()?);
        if epochs.last().is_some_and(|last| entry.0 <= last.0 || entry.1 < last.1) {
            return None;
        }
        epochs.push(entry);
    }
    (epochs.len() == count).then_some(epochs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoint_text_is_kafkas() {
        let rows = [("a", 0, 5), ("b.c", 11, 0)];
        let text = encode_offsets(rows.into_iter());
        assert_eq!(text, "0\n2\na 0 5\nb.c 11 0\n");
        let decoded = decode_offsets(&text).expect("what was encoded");
        assert_eq!(decoded[1], ("b.c".to_owned(), 11, 0));
        for bad in ["", "1\n0\n", "0\n1\n", "0\n1\na 0\n", "0\n1\na 0 5 6\n", "0\n0\na 0 5\n"] {
            assert_eq!(decode_offsets(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn epochs_increase_or_are_refused() {
        let epochs = vec![(0, 0), (3, 17)];
        assert_eq!(encode_epochs(&epochs), "0\n2\n0 0\n3 17\n");
        assert_eq!(decode_epochs(&encode_epochs(&epochs)), Some(epochs));
        assert_eq!(decode_epochs("0\n2\n3 17\n3 18\n"), None);
        assert_eq!(decode_epochs("0\n2\n3 17\n4 16\n"), None);
    }

    #[test]
    fn metadata_files_round_trip() {
        let id = Uuid::from_bytes(*b"0123456789abcdef");
        assert_eq!(decode_partition_metadata(&encode_partition_metadata(id)), Some(id));
        assert_eq!(decode_partition_metadata("version: 1\ntopic_id: x"), None);
        let meta = MetaProperties { cluster_id: "c1".to_owned(), node_id: 3, directory_id: id };
        let text = format!("#\n#Tue Nov 24 08:00:00 UTC 2026\n{}", meta.encode());
        assert_eq!(MetaProperties::decode(&text), Ok(meta.clone()));
        let good = meta.encode();
        let cases = [
            ("version=1", "version=0", "line 4: version is \"0\" instead of 1"),
            ("version=1", "", "version is missing"),
            ("node.id=3", "node.id=x", "line 3: node.id is \"x\" instead of a number"),
            ("node.id=3", "node.id=-3", "line 3: node.id is \"-3\""),
            ("cluster.id=c1", "cluster.id=", "line 1: cluster.id is \"\""),
            ("directory.id=MD", "directory.id=M", "line 2: directory.id is"),
            ("directory.id", "directory", "directory.id is missing"),
        ];
        for (from, to, what) in cases {
            let error = MetaProperties::decode(&good.replace(from, to)).expect_err(to);
            assert!(error.starts_with(what), "{error}");
        }
    }
}
