//! Feature levels: what this version understands, and what a new directory starts with. A level is
//! finalized only when everything it promises to clients is built.

use super::image::FeatureRange;

pub const METADATA_VERSION: &str = "metadata.version";
pub const KRAFT_VERSION: &str = "kraft.version";

/// 3.3-IV3, the oldest that Kafka 4 still reads.
pub const METADATA_VERSION_MIN: i16 = 7;
/// 4.3-IV0.
pub const METADATA_VERSION_MAX: i16 = 30;

/// Ranges that a broker registers with, sorted by name. `kraft.version` 1 needs voters in the log;
/// `transaction.version` and `group.version` wait for transactions and KIP-848.
pub fn supported() -> Vec<FeatureRange> {
    let range = |name: &str, min, max| FeatureRange { name: name.to_owned(), min, max };
    vec![
        range(KRAFT_VERSION, 0, 0),
        range(METADATA_VERSION, METADATA_VERSION_MIN, METADATA_VERSION_MAX),
    ]
}
