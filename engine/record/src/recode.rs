//! Another codec for a batch: what a topic with a `compression.type` of its own asks of a batch that
//! came in another one. The records stay byte for byte; only their compressed form, the codec bits,
//! the length and the checksum change. Called by the produce path; costs a decompression and a
//! compression, which is why Kafka's default, `producer`, avoids it.

use crate::compress::{Codec, compress};
use crate::error::BatchError;
use crate::header::{BatchHeader, CODEC_MASK, CRC_AT, HEADER_BYTES, PREFIX_BYTES, batch_crc};
use crate::record::open;

/// `batch`, whose header is `header`, with its records compressed by `codec` at `level` (the codec's
/// own if `None`). The records may take `bytes_max` bytes uncompressed.
pub fn recode(
    batch: &[u8],
    header: &BatchHeader,
    codec: Codec,
    level: Option<i32>,
    bytes_max: usize,
) -> Result<Vec<u8>, BatchError> {
    assert_eq!(header.bytes_len(), batch.len(), "exactly one validated batch");
    let section = &batch[HEADER_BYTES..];
    let records = open(header.codec()?, section, bytes_max)?;
    let mut bytes = vec![0; HEADER_BYTES];
    compress(codec, level, &records, &mut bytes);
    let batch_length = i32::try_from(bytes.len() - PREFIX_BYTES)
        .map_err(|_| BatchError::TooLarge { bytes: bytes.len(), bytes_max })?;
    let attributes = (header.attributes & !CODEC_MASK) | codec.id();
    let recoded = BatchHeader { batch_length, attributes, ..*header };
    bytes[..HEADER_BYTES].copy_from_slice(&recoded.to_bytes());
    let crc = batch_crc(&bytes);
    bytes[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_be_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::recode;
    use crate::build::{BatchBuilder, BatchOptions};
    use crate::compress::Codec;
    use crate::error::BatchError;
    use crate::record::records_of;
    use crate::validate::verify_batch;

    #[test]
    fn records_survive_every_change_of_codec() {
        for from in Codec::ALL {
            let mut builder = BatchBuilder::new(BatchOptions { codec: from, ..Default::default() });
            for index in 0..50i64 {
                builder.append(1000 + index, Some(b"key"), Some(&[7; 100]), &[]);
            }
            let batch = builder.finish();
            let header = verify_batch(&batch).expect("just built");
            for to in Codec::ALL {
                let recoded = recode(&batch, &header, to, None, 1 << 20).expect("honest batch");
                let after = verify_batch(&recoded).expect("checksum and length are right");
                assert_eq!(after.codec().expect("known"), to);
                assert_eq!(after.max_timestamp, header.max_timestamp);
                let records = records_of(&recoded, 1 << 20).expect("readable");
                assert_eq!(records.iter().count(), 50);
                for record in &records {
                    assert_eq!(record.expect("readable").value, Some(&[7; 100][..]));
                }
            }
            let refused = recode(&batch, &header, Codec::None, None, 100);
            assert_eq!(refused, Err(BatchError::Bomb { bytes_max: 100 }));
        }
    }
}
