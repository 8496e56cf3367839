//! What a shard keeps on disk: its journal with group commit, and its partitions' logs in Kafka's own
//! file formats. Everything is single-threaded and takes `E: Env`; two promises rest here: an append
//! answered for acks=1 survives the death of the process, one answered for acks=all survives loss of
//! power. docs/FORMAT.md describes every byte.
//!
//! | module | holds |
//! |---|---|
//! | `shard_log`, `install` | [`ShardLog`]: open, create, delete, close |
//! | `partition`, `append`, `read`, `lookup` | [`Partition`]: what requests use |
//! | `commit`, `journal`, `frame`, `file_header` | group commit into the journal |
//! | `cache`, `cold`, `load` | memory: chunks, what was read from the disk, what is read ahead |
//! | `segment`, `tail`, `index`, `writeout` | a segment in memory and on its way to the disk |
//! | `checkpoint`, `points` | recovery points, freeing the journal |
//! | `recovery`, `rebuild`, `lost`, `start`, `snapshots`, `replay`, `required`, `scan`, `window` | start after a stop of any kind |
//! | `retention` | removing segments and partitions |
//! | `directory` | a partition's directory, made with its first bytes |
//! | `names`, `contents`, `node_files` | Kafka's directory layout and small text files |
//! | `waiting`, `shared`, `config`, `error` | the rest |

mod append;
mod cache;
mod checkpoint;
mod cold;
mod commit;
mod config;
mod contents;
mod directory;
mod error;
pub mod file_header;
pub mod frame;
mod group;
pub mod index;
mod install;
mod journal;
mod load;
mod lookup;
mod lost;
pub mod names;
pub mod node_files;
mod partition;
mod plant;
pub mod points;
mod read;
mod rebuild;
mod recovery;
mod replay;
mod required;
mod retention;
mod scan;
mod segment;
mod shard_log;
mod shared;
mod snapshots;
mod start;
mod tail;
mod waiting;
mod window;
mod writeout;

pub use append::{Acks, AppendInfo, Appended};
pub use config::{DIRECT_APPEND_BYTES, LogConfig, PartitionConfig};
pub use error::{Damage, LogError};
pub use lookup::TimestampAndOffset;
pub use partition::{Partition, Ticket};
pub use read::{Read, ReadRequest, Upper};
pub use shard_log::{Recovered, ShardLog};

#[cfg(test)]
mod tests;
