//! The records field of a Produce request: checked as a producer's bytes, walked as a segment, and
//! opened as a consumer would. The checksum is made right half the time, or nothing behind it
//! would be reached.
#![no_main]

use engine_record::{Batches, ProduceRules, header, records_of, validate_produce};
use libfuzzer_sys::fuzz_target;

/// Where the checksum lies in a batch, and what it covers.
const CRC_START: usize = 17;
const CRC_END: usize = 21;

fuzz_target!(|input: &[u8]| {
    let [choice, bytes @ ..] = input else { return };
    let mut bytes = bytes.to_vec();
    if choice & 1 == 0 && bytes.len() > header::HEADER_BYTES {
        let crc = header::batch_crc(&bytes).to_be_bytes();
        bytes[CRC_START..CRC_END].copy_from_slice(&crc);
    }
    let mut rules = ProduceRules::new(1_700_000_000_000);
    rules.keys_required = choice & 2 != 0;
    rules.open_compressed = choice & 4 != 0;
    rules.decompressed_bytes_max = 1 << 20;
    let _ = validate_produce(&bytes, &rules);
    let mut batches = Batches::new(&bytes);
    for batch in batches.by_ref() {
        let Ok(_) = batch else { break };
    }
    assert!(batches.position() <= bytes.len());
    if let Ok(records) = records_of(&bytes, 1 << 20) {
        for record in &records {
            let Ok(record) = record else { break };
            let _ = format!("{record:?}");
        }
    }
});
