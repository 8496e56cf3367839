//! Control records: what a broker writes between a producer's records to end a transaction, and
//! what KRaft writes into its own log. Called by the transaction path, by readers that must skip
//! aborted records, by the metadata log. Source: Kafka's `ControlRecordType`, `EndTxnMarker.json`.

use engine_base::codec::{DecodeError, Reader, Write};

/// Version in the key of every control record so far.
const KEY_VERSION: i16 = 0;
/// Version of the value of a transaction marker.
const MARKER_VERSION: i16 = 0;

/// What a control record says. Readers skip types they do not know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControlType {
    Abort,
    Commit,
    LeaderChange,
    SnapshotHeader,
    SnapshotFooter,
    KRaftVersion,
    KRaftVoters,
    Unknown(i16),
}

impl ControlType {
    pub fn id(self) -> i16 {
        match self {
            ControlType::Abort => 0,
            ControlType::Commit => 1,
            ControlType::LeaderChange => 2,
            ControlType::SnapshotHeader => 3,
            ControlType::SnapshotFooter => 4,
            ControlType::KRaftVersion => 5,
            ControlType::KRaftVoters => 6,
            ControlType::Unknown(id) => id,
        }
    }

    pub fn from_id(id: i16) -> ControlType {
        match id {
            0 => ControlType::Abort,
            1 => ControlType::Commit,
            2 => ControlType::LeaderChange,
            3 => ControlType::SnapshotHeader,
            4 => ControlType::SnapshotFooter,
            5 => ControlType::KRaftVersion,
            6 => ControlType::KRaftVoters,
            id => ControlType::Unknown(id),
        }
    }

    /// The key of a control record of this type.
    pub fn to_key(self) -> [u8; 4] {
        let [version_high, version_low] = KEY_VERSION.to_be_bytes();
        let [id_high, id_low] = self.id().to_be_bytes();
        [version_high, version_low, id_high, id_low]
    }

    /// Decodes the key of a record in a control batch. Later versions may only add fields.
    pub fn from_key(key: &[u8]) -> Result<ControlType, DecodeError> {
        let mut reader = Reader::new(key);
        if reader.i16()? < KEY_VERSION {
            return Err(DecodeError::Value);
        }
        Ok(ControlType::from_id(reader.i16()?))
    }
}

/// The value of a commit or abort marker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndMarker {
    /// Epoch of the transaction coordinator that ended the transaction.
    pub coordinator_epoch: i32,
}

impl EndMarker {
    pub fn to_value(self) -> Vec<u8> {
        let mut value = Vec::with_capacity(6);
        value.put_i16(MARKER_VERSION);
        value.put_i32(self.coordinator_epoch);
        value
    }

    pub fn from_value(value: &[u8]) -> Result<EndMarker, DecodeError> {
        let mut reader = Reader::new(value);
        if reader.i16()? < MARKER_VERSION {
            return Err(DecodeError::Value);
        }
        Ok(EndMarker { coordinator_epoch: reader.i32()? })
    }
}

#[cfg(test)]
mod tests {
    use super::{ControlType, EndMarker};
    use engine_base::codec::DecodeError;

    #[test]
    fn keys_round_trip() {
        for id in [-1, 0, 1, 2, 3, 4, 5, 6, 7, i16::MAX] {
            let control = ControlType::from_id(id);
            assert_eq!(control.id(), id);
            assert_eq!(ControlType::from_key(&control.to_key()), Ok(control));
        }
        assert_eq!(ControlType::from_key(&[0, 9, 0, 1, 7]), Ok(ControlType::Commit));
        assert_eq!(ControlType::from_key(&[0xFF, 0xFF, 0, 1]), Err(DecodeError::Value));
        assert_eq!(ControlType::from_key(&[0, 0, 0]), Err(DecodeError::Truncated));
    }

    #[test]
    fn markers_round_trip() {
        let marker = EndMarker { coordinator_epoch: -7 };
        assert_eq!(EndMarker::from_value(&marker.to_value()), Ok(marker));
        assert_eq!(EndMarker::from_value(&[0, 0, 0]), Err(DecodeError::Truncated));
        assert_eq!(EndMarker::from_value(&[0xFF, 0xFF, 0, 0, 0, 0]), Err(DecodeError::Value));
    }
}
