//! How a record is printed: by a format string as kcat has them, or as a JSON line.

use crate::escape::unescape;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use engine_record::Record;
use serde::Serialize;
use std::io::{self, Write};

#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Text(Vec<u8>),
    Topic,
    Partition,
    Offset,
    Key,
    KeyBytes,
    Value,
    ValueBytes,
    Timestamp,
    Headers,
}

/// A format string, parsed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Template {
    pieces: Vec<Piece>,
    /// Stands for null keys and values.
    null: Vec<u8>,
}

impl Template {
    /// `%t` topic, `%p` partition, `%o` offset, `%k` key, `%s` value, `%K` and `%S` their sizes
    /// (-1 for null), `%T` timestamp, `%h` headers, `%%` a percent sign; escapes as in C.
    pub fn parse(text: &str, null: &str) -> Result<Template, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('%') {
            push_text(&mut pieces, &rest[..at])?;
            let code = rest[at + 1..].chars().next();
            pieces.push(match code {
                Some('t') => Piece::Topic,
                Some('p') => Piece::Partition,
                Some('o') => Piece::Offset,
                Some('k') => Piece::Key,
                Some('K') => Piece::KeyBytes,
                Some('s') => Piece::Value,
                Some('S') => Piece::ValueBytes,
                Some('T') => Piece::Timestamp,
                Some('h') => Piece::Headers,
                Some('%') => Piece::Text(b"%".to_vec()),
                other => {
                    let code = other.map_or("%".to_owned(), |code| format!("%{code}"));
                    return Err(format!("unknown {code}, use %t %p %o %k %K %s %S %T %h or %%"));
                }
            });
            rest = &rest[at + 2..];
        }
        push_text(&mut pieces, rest)?;
        Ok(Template { pieces, null: null.as_bytes().to_vec() })
    }

    /// The value and `delimiter`, with the key and its delimiter before it if asked for.
    pub fn plain(key_delimiter: Option<&[u8]>, delimiter: &[u8], null: &str) -> Template {
        let mut pieces = Vec::new();
        if let Some(key_delimiter) = key_delimiter {
            pieces.extend([Piece::Key, Piece::Text(key_delimiter.to_vec())]);
        }
        pieces.extend([Piece::Value, Piece::Text(delimiter.to_vec())]);
        Template { pieces, null: null.as_bytes().to_vec() }
    }

    pub fn write(
        &self,
        out: &mut impl Write,
        topic: &str,
        partition: i32,
        record: &Record<'_>,
    ) -> io::Result<()> {
        let bytes = |field: Option<&[u8]>| {
            field.map_or(-1, |field| i64::try_from(field.len()).expect("sizes fit"))
        };
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.write_all(text)?,
                Piece::Topic => out.write_all(topic.as_bytes())?,
                Piece::Partition => write!(out, "{partition}")?,
                Piece::Offset => write!(out, "{}", record.offset)?,
                Piece::Key => out.write_all(record.key.unwrap_or(&self.null))?,
                Piece::KeyBytes => write!(out, "{}", bytes(record.key))?,
                Piece::Value => out.write_all(record.value.unwrap_or(&self.null))?,
                Piece::ValueBytes => write!(out, "{}", bytes(record.value))?,
                Piece::Timestamp => write!(out, "{}", record.timestamp)?,
                Piece::Headers => self.write_headers(out, record)?,
            }
        }
        Ok(())
    }

    /// `key=value,key=value`
    fn write_headers(&self, out: &mut impl Write, record: &Record<'_>) -> io::Result<()> {
        for (index, header) in record.headers.enumerate() {
            if index > 0 {
                out.write_all(b",")?;
            }
            out.write_all(header.key)?;
            out.write_all(b"=")?;
            out.write_all(header.value.unwrap_or(&self.null))?;
        }
        Ok(())
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) -> Result<(), String> {
    if !text.is_empty() {
        pieces.push(Piece::Text(unescape(text)?));
    }
    Ok(())
}

/// A record as JSON. Bytes that are no text come in base64, under another name.
#[derive(Serialize)]
struct Line<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    /// Milliseconds since the epoch; null for none.
    timestamp: Option<i64>,
    #[serde(flatten)]
    key: Key<'a>,
    #[serde(flatten)]
    value: Value<'a>,
    headers: Vec<HeaderLine<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Key<'a> {
    Text { key: Option<&'a str> },
    Bytes { key_base64: String },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Value<'a> {
    Text { value: Option<&'a str> },
    Bytes { value_base64: String },
}

#[derive(Serialize)]
struct HeaderLine<'a> {
    key: String,
    #[serde(flatten)]
    value: Value<'a>,
}

impl<'a> Value<'a> {
    fn new(bytes: Option<&'a [u8]>) -> Value<'a> {
        match bytes.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
            None => Value::Text { value: None },
            Some((_, Ok(text))) => Value::Text { value: Some(text) },
            Some((bytes, Err(_))) => Value::Bytes { value_base64: STANDARD.encode(bytes) },
        }
    }
}

/// One JSON line.
pub fn write_json(
    out: &mut impl Write,
    topic: &str,
    partition: i32,
    record: &Record<'_>,
) -> io::Result<()> {
    let headers = record.headers.map(|header| HeaderLine {
        key: String::from_utf8_lossy(header.key).into_owned(),
        value: Value::new(header.value),
    });
    let line = Line {
        topic,
        partition,
        offset: record.offset.0,
        timestamp: Some(record.timestamp).filter(|time| *time >= 0),
        key: match Value::new(record.key) {
            Value::Text { value } => Key::Text { key: value },
            Value::Bytes { value_base64 } => Key::Bytes { key_base64: value_base64 },
        },
        value: Value::new(record.value),
        headers: headers.collect(),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::{Template, write_json};
    use engine_base::Offset;
    use engine_record::{BatchBuilder, BatchOptions, Header, Record, records_of};

    fn with_record(
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
        check: impl Fn(&Record<'_>),
    ) {
        let options = BatchOptions { base_offset: Offset(42), ..Default::default() };
        let mut builder = BatchBuilder::new(options);
        builder.append(1_700_000_000_000, key, value, headers);
        let batch = builder.finish();
        for record in &records_of(&batch, 1 << 20).expect("just built") {
            check(&record.expect("just built"));
        }
    }

    fn headers() -> [Header<'static>; 2] {
        [Header { key: b"a", value: Some(b"1") }, Header { key: b"b", value: None }]
    }

    #[test]
    fn format_strings() {
        let check = |format: &str, expected: &str| {
            let template = Template::parse(format, "NULL").expect(format);
            with_record(Some(b"key"), None, &headers(), |record| {
                let mut out = Vec::new();
                template.write(&mut out, "top", 3, record).expect("memory");
                assert_eq!(String::from_utf8_lossy(&out), expected);
            });
        };
        check(r"%t %p %o\n", "top 3 42\n");
        check("%k/%K %s/%S", "key/3 NULL/-1");
        check("%T%%", "1700000000000%");
        check("[%h]", "[a=1,b=NULL]");
        check("", "");
        for bad in ["%", "%x", r"\q", "%é"] {
            assert!(Template::parse(bad, "").is_err(), "{bad}");
        }
    }

    #[test]
    fn plain_values_are_exact() {
        with_record(Some(b"k"), Some(b"v\xFF"), &[], |record| {
            let mut out = Vec::new();
            Template::plain(None, b"\n", "").write(&mut out, "t", 0, record).expect("memory");
            Template::plain(Some(b":"), b"\0", "").write(&mut out, "t", 0, record).expect("memory");
            assert_eq!(out, b"v\xFF\nk:v\xFF\0");
        });
    }

    #[test]
    fn json_lines_can_be_sent_again() {
        let check = |key: Option<&[u8]>, value: Option<&[u8]>, expected: &str| {
            with_record(key, value, &headers(), |record| {
                let mut out = Vec::new();
                write_json(&mut out, "t", 1, record).expect("memory");
                let text = String::from_utf8(out).expect("json");
                assert_eq!(text.trim_end(), expected);
                let parsed = crate::produce::json::parse(text.as_bytes()).expect("our own form");
                assert_eq!(parsed.key.as_deref(), key);
                assert_eq!(parsed.value.as_deref(), value);
                let expected = headers().map(|h| (h.key.to_vec(), h.value.map(<[u8]>::to_vec)));
                assert_eq!(parsed.headers, expected);
                assert_eq!(parsed.timestamp, Some(1_700_000_000_000));
            });
        };
        check(
            Some(b"k"),
            None,
            r#"{"topic":"t","partition":1,"offset":42,"timestamp":1700000000000,"key":"k","value":null,"headers":[{"key":"a","value":"1"},{"key":"b","value":null}]}"#,
        );
        check(
            None,
            Some(b"\0\xFF"),
            r#"{"topic":"t","partition":1,"offset":42,"timestamp":1700000000000,"key":null,"value_base64":"AP8=","headers":[{"key":"a","value":"1"},{"key":"b","value":null}]}"#,
        );
    }
}
