use super::{DecodeError, ITEM_WEIGHT, Reader, Write};

#[test]
fn varints_round_trip() {
    for value in [0, 1, -1, 63, -64, 64, 300, -301, i32::MAX, i32::MIN] {
        let mut out = Vec::new();
        out.put_varint(value);
        out.put_varlong(i64::from(value));
        let mut reader = Reader::new(&out);
        assert_eq!(reader.varint(), Ok(value));
        assert_eq!(reader.varlong(), Ok(i64::from(value)));
        assert_eq!(reader.finish(), Ok(()));
    }
    for value in [i64::MAX, i64::MIN, 1 << 40, -(1 << 40)] {
        let mut out = Vec::new();
        out.put_varlong(value);
        assert_eq!(Reader::new(&out).varlong(), Ok(value));
    }
    for value in [0, 127, 128, 16383, 16384, u32::MAX] {
        let mut out = Vec::new();
        out.put_unsigned_varint(value);
        assert_eq!(Reader::new(&out).unsigned_varint(), Ok(value));
    }
}

#[test]
fn items_and_texts_draw_on_an_allowance() {
    fn check(read: impl Fn(&mut Reader<'_>) -> bool, bytes: &[u8], weight: usize) {
        let mut reader = Reader::limited(bytes, weight);
        assert!(read(&mut reader), "{bytes:?}");
        assert_eq!(reader.allowance(), 0);
        assert!(!read(&mut Reader::limited(bytes, weight - 1)), "{bytes:?}");
    }
    let mut many = vec![0, 0, 0, 3];
    many.extend([0; 3]);
    check(|reader| reader.nullable_count() == Ok(Some(3)), &many, 3 * ITEM_WEIGHT);
    check(|reader| reader.compact_nullable_count() == Ok(Some(2)), &[3, 0, 0], 2 * ITEM_WEIGHT);
    check(|reader| reader.skip_tagged_fields().is_ok(), &[2, 1, 0, 2, 0], 2 * ITEM_WEIGHT);
    check(|reader| reader.string() == Ok("abc"), &[0, 3, b'a', b'b', b'c'], 3);
    check(|reader| reader.compact_string() == Ok("abc"), &[4, b'a', b'b', b'c'], 3);
    let mut reader = Reader::limited(&[3, 0, 0], 0);
    assert_eq!(reader.compact_bytes(), Ok(&[0, 0][..]), "blobs are borrowed");
    assert_eq!(Reader::limited(&many, 9).nullable_count(), Err(DecodeError::TooMuch));
}

#[test]
fn hostile_lengths_are_refused_before_use() {
    assert_eq!(Reader::new(&[0xFF; 5]).unsigned_varint(), Err(DecodeError::Varint));
    assert_eq!(Reader::new(&[0xFF; 11]).varlong(), Err(DecodeError::Varint));
    assert_eq!(
        Reader::new(&[0x7F, 0xFF, 0xFF, 0xFF, 0]).nullable_count(),
        Err(DecodeError::Truncated)
    );
    assert_eq!(Reader::new(&[0xFF, 0xFF, 0xFF, 0xFE]).nullable_count(), Err(DecodeError::Length));
    assert_eq!(Reader::new(&[0xFF, 0xFF]).string(), Err(DecodeError::Length));
    assert_eq!(Reader::new(&[0x00, 0x05, b'a']).string(), Err(DecodeError::Truncated));
    assert_eq!(Reader::new(&[0x00, 0x01, 0xFF]).string(), Err(DecodeError::Utf8));
    // two tagged fields with the same tag
    assert_eq!(Reader::new(&[2, 1, 0, 1, 0]).skip_tagged_fields(), Err(DecodeError::Value));
}
