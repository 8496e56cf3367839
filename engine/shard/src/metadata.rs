//! The metadata log on shard 0: replayed at start from the newest snapshot and the records behind
//! it, begun in a new directory, and shortened by a snapshot at a clean stop.

use crate::controller::{METADATA_PARTITION, METADATA_TOPIC};
use crate::error::StartError;
use crate::follow::partition_config;
use crate::shard::{Replica, Shard};
use engine_base::LeaderEpoch;
use engine_io::Env;
use engine_log::names::parse_partition_dir;
use engine_record::{Batches, records_of};
use engine_state::config::{BrokerLayers, ConfigMap, Layers, TopicConfig};
use engine_state::metadata::boot::boot_records;
use engine_state::metadata::brokers::{Registration, elect_again, register_broker};
use engine_state::metadata::{Image, Record, features, snapshot};
use std::path::PathBuf;
use std::rc::Rc;
use tracing::{info, warn};

/// Bytes read at a time while the log is replayed.
const READ_BYTES: usize = 1 << 20;
/// A batch of the metadata log decompresses to at most this much; none we write is compressed.
const BATCH_BYTES_MAX: usize = 64 << 20;
/// A snapshot file may be this large.
const SNAPSHOT_BYTES_MAX: usize = 1 << 30;
/// Records behind the last snapshot from which a clean stop writes a new one.
const SNAPSHOT_RECORDS: i64 = 1_000;
/// Snapshots kept in the directory.
const SNAPSHOTS_KEPT: usize = 2;

impl<E: Env> Shard<E> {
    /// Loads or begins the metadata, registers this broker, and hands out the first image.
    pub(crate) async fn begin_metadata(self: &Rc<Self>) -> Result<(), StartError> {
        let replica = match self.replica(METADATA_PARTITION) {
            Some(replica) => replica,
            None => self.create_metadata_log().await?,
        };
        let image = self.load_image(&replica).await?;
        let controller = self.controller.as_ref().expect("metadata lives on shard 0");
        controller.epoch.set(image.epoch.max(0) + 1);
        replica.leader_epoch.set(LeaderEpoch(controller.epoch.get()));
        let mut records = boot_records(&image);
        let booted = image.after(&records, controller.epoch.get())?;
        let incarnation_id = self.random_id();
        let registration = Registration {
            id: self.settings.node_id,
            incarnation_id,
            endpoints: self.settings.endpoints.clone(),
            features: features::supported(),
            rack: self.settings.rack.clone(),
            log_dirs: vec![self.settings.directory_id],
        };
        let record = register_broker(&booted, registration)
            .map_err(|refusal| StartError::Registration(refusal.message.unwrap_or_default()))?;
        records.push(record);
        if !self.settings.clean {
            records.extend(elect_again(&image, self.settings.node_id));
        }
        info!(
            topics = image.topic_count(),
            partitions = image.partition_count(),
            offset = image.offset,
            "metadata loaded"
        );
        self.commit(&image, records).await?;
        Ok(())
    }

    async fn create_metadata_log(self: &Rc<Self>) -> Result<Rc<Replica<E>>, StartError> {
        self.refuse_lost_metadata()?;
        let none = ConfigMap::new();
        let broker = BrokerLayers { broker: &none, cluster: &none, fixed: &none };
        let mut config = partition_config(&TopicConfig::resolve(&Layers { topic: &none, broker }));
        config.delete = false;
        let log = self.log.create_partition(METADATA_TOPIC, METADATA_PARTITION, config).await?;
        // Snapshots go there, whenever its first bytes do.
        log.make_directory().await?;
        self.add_replica(log, LeaderEpoch(0), self.new_producers());
        self.replica(METADATA_PARTITION).ok_or(StartError::Stopped)
    }

    /// A directory with partitions had metadata. New metadata would know none of them.
    fn refuse_lost_metadata(&self) -> Result<(), StartError> {
        let entries = self.env.read_dir(&self.settings.log_dir).unwrap_or_default();
        let mut used = entries.iter().filter(|entry| {
            let named = parse_partition_dir(&entry.name);
            entry.is_dir && named.is_some_and(|(topic, _)| topic != METADATA_TOPIC)
        });
        let Some(used) = used.next() else { return Ok(()) };
        Err(StartError::Metadata(format!(
            "{} is missing, but the directory holds {}. Put it back and start again, or use another \
             log.dirs",
            self.metadata_dir().display(),
            used.name
        )))
    }

    fn metadata_dir(&self) -> PathBuf {
        self.settings.log_dir.join(format!("{METADATA_TOPIC}-0"))
    }

    /// The newest readable snapshot and the records behind it.
    async fn load_image(&self, replica: &Replica<E>) -> Result<Image, StartError> {
        let mut image = self.newest_snapshot().await?;
        let mut offset = (image.offset + 1).max(replica.log.log_start());
        while offset < replica.log.log_end() {
            let bytes = replica.read_to_end(offset, READ_BYTES).await?.concat();
            let before = offset;
            for batch in Batches::new(&bytes) {
                let Ok((header, batch)) = batch else { break };
                offset = header.next_offset().0;
                let records = records_of(batch, BATCH_BYTES_MAX)
                    .map_err(|error| StartError::Metadata(error.to_string()))?;
                for record in &records {
                    let record = record.map_err(|error| StartError::Metadata(error.to_string()))?;
                    if record.offset.0 <= image.offset {
                        continue;
                    }
                    let epoch = header.leader_epoch.0;
                    match record.value {
                        Some(value) if !header.is_control() => {
                            let record = Record::decode(value)
                                .map_err(|error| StartError::Metadata(error.to_string()))?;
                            image.apply(&record, image.offset + 1, epoch)?;
                        }
                        _ => image.skip(record.offset.0, epoch),
                    }
                }
            }
            if offset == before {
                return Err(StartError::Metadata(format!("no batch at offset {offset}")));
            }
        }
        Ok(image)
    }

    async fn newest_snapshot(&self) -> Result<Image, StartError> {
        let dir = self.metadata_dir();
        for (name, end_offset, epoch) in self.snapshots().into_iter().rev() {
            let path = dir.join(&name);
            let bytes = match self.env.read_whole(&path, SNAPSHOT_BYTES_MAX).await {
                Ok(bytes) => bytes,
                Err(error) => {
                    warn!(file = %path.display(), %error, "metadata snapshot cannot be read");
                    continue;
                }
            };
            match snapshot::decode(&bytes, end_offset, epoch) {
                Ok(image) => return Ok(image),
                Err(error) => {
                    warn!(file = %path.display(), %error, "metadata snapshot is damaged");
                }
            }
        }
        Ok(Image::default())
    }

    /// Snapshot files, oldest first: name, end offset, epoch.
    fn snapshots(&self) -> Vec<(String, i64, i32)> {
        let entries = self.env.read_dir(&self.metadata_dir()).unwrap_or_default();
        entries
            .into_iter()
            .filter_map(|entry| {
                let (end_offset, epoch) = snapshot::parse_file_name(&entry.name)?;
                Some((entry.name, end_offset, epoch))
            })
            .collect()
    }

    /// Writes a snapshot if much was written since the last, and forgets the oldest ones. The log
    /// itself is kept: it is small, and Kafka's tools read it.
    pub(crate) async fn write_metadata_snapshot(&self) {
        let image = self.image();
        let snapshots = self.snapshots();
        let last = snapshots.last().map_or(0, |(_, end_offset, _)| *end_offset);
        if image.offset + 1 - last < SNAPSHOT_RECORDS {
            return;
        }
        let dir = self.metadata_dir();
        let bytes = match snapshot::encode(&image, self.env.wall_ms()) {
            Ok(bytes) => bytes,
            Err(error) => return warn!(%error, "metadata snapshot cannot be made"),
        };
        let path = dir.join(snapshot::file_name(&image));
        if let Err(error) = self.env.write_whole(&path, &bytes).await {
            return warn!(file = %path.display(), %error, "metadata snapshot not written");
        }
        let surplus = (snapshots.len() + 1).saturating_sub(SNAPSHOTS_KEPT);
        for (name, _, _) in snapshots.into_iter().take(surplus) {
            if let Err(error) = self.env.remove_file(&dir.join(&name)).await {
                warn!(file = name, %error, "old metadata snapshot not removed");
            }
        }
    }
}
