//! Records as JSON lines, in the form that `consume --format json` writes: `key`, `value` as text,
//! `key_base64`, `value_base64` for other bytes, `headers`, `partition`, `timestamp`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Other fields, such as `offset`, are of no use for sending and ignored.
#[derive(Debug, Default, Deserialize)]
pub struct Line {
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    key_base64: Option<String>,
    #[serde(default)]
    value: Option<serde_json::Value>,
    #[serde(default)]
    value_base64: Option<String>,
    #[serde(default)]
    headers: Headers,
    #[serde(default)]
    pub partition: Option<i32>,
    /// Milliseconds since the epoch.
    #[serde(default)]
    pub timestamp: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Headers {
    List(Vec<HeaderLine>),
    Map(BTreeMap<String, Option<String>>),
}

impl Default for Headers {
    fn default() -> Self {
        Headers::List(Vec::new())
    }
}

#[derive(Debug, Deserialize)]
struct HeaderLine {
    key: String,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    value_base64: Option<String>,
}

/// A parsed line with bytes in place of text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Parsed {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    pub partition: Option<i32>,
    pub timestamp: Option<i64>,
}

/// Parses one line; the error is for the user, without the line's number.
pub fn parse(line: &[u8]) -> Result<Parsed, String> {
    if line.trim_ascii_start().first() != Some(&b'{') {
        return Err("not a JSON object".to_owned());
    }
    let line: Line = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let value = match line.value {
        None | Some(serde_json::Value::Null) => None,
        Some(serde_json::Value::String(text)) => Some(text),
        // A value that is JSON itself is sent as its text.
        Some(other) => Some(other.to_string()),
    };
    let headers = match line.headers {
        Headers::Map(map) => map
            .into_iter()
            .map(|(key, value)| (key.into_bytes(), value.map(String::into_bytes)))
            .collect(),
        Headers::List(list) => {
            let mut headers = Vec::with_capacity(list.len());
            for header in list {
                let value = either("header value", header.value, header.value_base64)?;
                headers.push((header.key.into_bytes(), value));
            }
            headers
        }
    };
    Ok(Parsed {
        key: either("key", line.key, line.key_base64)?,
        value: either("value", value, line.value_base64)?,
        headers,
        partition: line.partition,
        timestamp: line.timestamp,
    })
}

fn either(
    what: &str,
    text: Option<String>,
    base64: Option<String>,
) -> Result<Option<Vec<u8>>, String> {
    match (text, base64) {
        (None, None) => Ok(None),
        (Some(text), None) => Ok(Some(text.into_bytes())),
        (None, Some(code)) => {
            STANDARD.decode(code).map(Some).map_err(|error| format!("{what} in base64: {error}"))
        }
        (Some(_), Some(_)) => Err(format!("{what} is given both as text and in base64")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Parsed, parse};

    #[test]
    fn lines_become_records() {
        let check = |line: &str, expected: Parsed| assert_eq!(parse(line.as_bytes()), Ok(expected));
        check("{}", Parsed::default());
        check(
            r#"{"topic":"t","offset":5,"partition":2,"timestamp":7,"key":"k","value":null}"#,
            Parsed {
                key: Some(b"k".to_vec()),
                partition: Some(2),
                timestamp: Some(7),
                ..Parsed::default()
            },
        );
        check(
            r#"{"value_base64":"AP8=","headers":[{"key":"a","value":"b"},{"key":"a"}]}"#,
            Parsed {
                value: Some(vec![0, 255]),
                headers: vec![(b"a".to_vec(), Some(b"b".to_vec())), (b"a".to_vec(), None)],
                ..Parsed::default()
            },
        );
        check(
            r#"{"value":{"n":1},"headers":{"h":"v"}}"#,
            Parsed {
                value: Some(br#"{"n":1}"#.to_vec()),
                headers: vec![(b"h".to_vec(), Some(b"v".to_vec()))],
                ..Parsed::default()
            },
        );
    }

    #[test]
    fn nonsense_is_refused() {
        let check = |line: &str, expected: &str| {
            let error = parse(line.as_bytes()).expect_err(line);
            assert!(error.contains(expected), "{error}");
        };
        check("", "object");
        check("[]", "object");
        check("{\"key\":1}", "invalid type");
        check(r#"{"key":"a","key_base64":"AA=="}"#, "both");
        check(r#"{"value_base64":"!"}"#, "base64");
    }
}
