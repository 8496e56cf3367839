//! Idempotent producers: what one partition remembers of each producer (`table`), its `.snapshot`
//! file (`snapshot`), and the handing out of producer ids in durably reserved blocks (`ids`).
//! Lives on the shard that owns the partition; called by the append path and by recovery. Pure.

pub mod entry;
pub mod ids;
pub mod snapshot;
pub mod table;

pub use entry::{BATCHES_KEPT, KeptBatch, ProducerEntry};
pub use ids::ProducerIds;
pub use snapshot::SnapshotError;
pub use table::{ProducerBatch, ProducerCheck, ProducerTable};
