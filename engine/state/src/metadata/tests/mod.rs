//! Tests of commands, records and snapshots, mostly against what Kafka 4.3.1 did and said. The log
//! in `testdata` is that of a node which ran the same commands.

mod commands;
mod configs;
mod log;
mod snapshots;

use super::brokers::{Registration, register_broker};
use super::image::{Endpoint, Image};
use super::record::Record;
use super::rules::Rules;
use super::{boot, features};
use crate::config::ConfigMap;
use engine_base::Uuid;
use std::sync::LazyLock;

static NO_FILE: LazyLock<ConfigMap> = LazyLock::new(ConfigMap::new);

/// A broker whose file says `num.partitions=3`.
fn rules() -> Rules<'static> {
    Rules {
        node_id: 1,
        fixed: &NO_FILE,
        default_partitions: 3,
        default_replication_factor: 1,
        topics_can_be_deleted: true,
    }
}

fn id(number: u8) -> Uuid {
    Uuid::from_bytes([number; 16])
}

fn registration(log_dirs: &[Uuid]) -> Registration {
    Registration {
        id: 1,
        incarnation_id: id(200),
        endpoints: vec![Endpoint {
            name: "PLAINTEXT".to_owned(),
            host: "localhost".to_owned(),
            port: 9092,
            security_protocol: 0,
        }],
        features: features::supported(),
        rack: None,
        log_dirs: log_dirs.to_vec(),
    }
}

/// A node that has just booted for the first time.
fn booted() -> Image {
    let image = Image::default();
    let image = image.after(&boot::boot_records(&image), 1).expect("boots");
    let record = register_broker(&image, registration(&[id(100)])).expect("registers");
    image.after(&[record], 1).expect("registers")
}

fn applied(image: &Image, records: &[Record]) -> Image {
    image.after(records, 1).expect("records of a command apply")
}
