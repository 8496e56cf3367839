//! The first records of a new directory (`kafka-storage format`, `BootstrapMetadata`).

use super::features::{METADATA_VERSION, METADATA_VERSION_MAX};
use super::image::Image;
use super::record::Record;

/// Records to write before anything else; none if the log has begun.
pub fn boot_records(image: &Image) -> Vec<Record> {
    if image.feature(METADATA_VERSION) != 0 {
        return Vec::new();
    }
    vec![Record::FeatureLevel { name: METADATA_VERSION.to_owned(), level: METADATA_VERSION_MAX }]
}
