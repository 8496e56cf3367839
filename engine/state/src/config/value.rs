//! Reading a value from text as Kafka does (`ConfigDef.parseType` and its validators), and writing
//! it back in Kafka's form, so that `+7`, `TRUE` and `compact, delete` are shown as Kafka shows
//! them. Checked against Kafka itself by the table in `testdata`.

use super::error::{BadValue, ConfigError};
use super::key::{Key, Kind, Rule};
use std::fmt;

/// A value of the right type within its limits.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    Boolean(bool),
    /// Strings, class names and passwords.
    Text(String),
    /// All whole numbers; their type limited them when they were read.
    Integer(i64),
    Double(f64),
    List(Vec<String>),
}

impl Value {
    /// Reads `text` as a value of `key`. Refused with Kafka's words.
    pub fn parse(key: &Key, text: &str) -> Result<Value, ConfigError> {
        let trimmed = trim(text);
        let value = match key.kind {
            Kind::Boolean => Value::Boolean(boolean(key, text)?),
            Kind::Class => Value::Text(text.to_owned()),
            Kind::String | Kind::Password => Value::Text(trimmed.to_owned()),
            Kind::Int => Value::Integer(integer::<i32>(key, text)?),
            Kind::Short => Value::Integer(integer::<i16>(key, text)?),
            Kind::Long => Value::Integer(integer::<i64>(key, text)?),
            Kind::Double => {
                let number = java_double(trimmed);
                let not = || bad(key, text, BadValue::NotNumber(Kind::Double));
                Value::Double(number.ok_or_else(not)?)
            }
            Kind::List => Value::List(items(key, trimmed)?),
        };
        value.check(key)?;
        Ok(value)
    }

    fn check(&self, key: &Key) -> Result<(), ConfigError> {
        let refuse = |reason| Err(bad(key, &self.to_string(), reason));
        match (self, key.rule) {
            (Value::Integer(number), Rule::AtLeast(min) | Rule::Between(min, _))
                if *number < min =>
            {
                refuse(BadValue::Below(min.to_string()))
            }
            (Value::Integer(number), Rule::Between(_, max)) if *number > max => {
                refuse(BadValue::Above(max.to_string()))
            }
            (Value::Integer(number), Rule::GzipLevel)
                if *number != -1 && !(1..=9).contains(number) =>
            {
                refuse(BadValue::GzipLevel)
            }
            // As in Kafka, "not a number" passes.
            (Value::Double(number), Rule::Ratio(_)) if *number < 0.0 => {
                refuse(BadValue::Below("0".to_owned()))
            }
            (Value::Double(number), Rule::Ratio(max)) if *number > max => {
                refuse(BadValue::Above(max.to_string()))
            }
            (Value::Text(text), Rule::OneOf(valid)) if !valid.contains(&text.as_str()) => {
                refuse(BadValue::NotOneOf(valid))
            }
            (Value::Text(text), Rule::OneOfAnyCase(valid))
                if !valid.iter().any(|item| item.eq_ignore_ascii_case(text)) =>
            {
                refuse(BadValue::NotOneOfAnyCase(valid))
            }
            (Value::Text(text), Rule::NonEmpty) if text.is_empty() => refuse(BadValue::Empty),
            _ => Ok(()),
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        if let Value::Boolean(value) = self { Some(*value) } else { None }
    }

    pub fn as_i64(&self) -> Option<i64> {
        if let Value::Integer(value) = self { Some(*value) } else { None }
    }

    pub fn as_f64(&self) -> Option<f64> {
        if let Value::Double(value) = self { Some(*value) } else { None }
    }

    pub fn as_str(&self) -> Option<&str> {
        if let Value::Text(value) = self { Some(value) } else { None }
    }

    pub fn as_list(&self) -> Option<&[String]> {
        if let Value::List(value) = self { Some(value) } else { None }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Boolean(value) => write!(f, "{value}"),
            Value::Text(value) => f.write_str(value),
            Value::Integer(value) => write!(f, "{value}"),
            Value::Double(value) => write_java_double(f, *value),
            Value::List(items) => f.write_str(&items.join(",")),
        }
    }
}

/// Java's `String.trim`: everything up to the blank, at both ends.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}

fn bad(key: &Key, value: &str, reason: BadValue) -> ConfigError {
    ConfigError::BadValue { name: key.name.to_owned(), value: value.to_owned(), reason }
}

fn boolean(key: &Key, text: &str) -> Result<bool, ConfigError> {
    let trimmed = trim(text);
    if trimmed.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if trimmed.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(bad(key, text, BadValue::NotBoolean))
    }
}

fn integer<T: std::str::FromStr + Into<i64>>(key: &Key, text: &str) -> Result<i64, ConfigError> {
    let number = trim(text).parse::<T>();
    number.map(Into::into).map_err(|_| bad(key, text, BadValue::NotNumber(key.kind)))
}

/// A list as Kafka reads it: items between commas, with the blanks around commas removed. Lists
/// with a rule on their items lose repeated ones.
fn items(key: &Key, trimmed: &str) -> Result<Vec<String>, ConfigError> {
    let mut all: Vec<String> = Vec::new();
    if !trimmed.is_empty() {
        all.extend(trimmed.split(',').map(|item| item.trim_ascii().to_owned()));
    }
    let (valid, may_be_empty) = match key.rule {
        Rule::Items(valid) => (valid, true),
        Rule::SomeItems(valid) => (valid, false),
        Rule::ThrottledReplicas if !are_throttled_replicas(&all) => {
            let shown = format!("[{}]", all.join(", "));
            return Err(bad(key, &shown, BadValue::ThrottledReplicas));
        }
        _ => return Ok(all),
    };
    if all.is_empty() && !may_be_empty {
        return Err(ConfigError::EmptyList { name: key.name.to_owned(), valid });
    }
    let mut distinct: Vec<String> = Vec::with_capacity(all.len());
    for item in all {
        if item.is_empty() {
            return Err(ConfigError::EmptyItem { name: key.name.to_owned() });
        }
        if !valid.is_empty() && !valid.contains(&item.as_str()) {
            return Err(bad(key, &item, BadValue::NotOneOf(valid)));
        }
        if !distinct.contains(&item) {
            distinct.push(item);
        }
    }
    Ok(distinct)
}

fn are_throttled_replicas(items: &[String]) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_pair = |item: &String| {
        item.is_empty() || item.split_once(':').is_some_and(|(a, b)| is_number(a) && is_number(b))
    };
    items.concat() == "*" || items.iter().all(is_pair)
}

/// Java's `Double.parseDouble` but for hexadecimal numbers: a trailing `d` or `f` is allowed, and
/// the words are case sensitive.
fn java_double(text: &str) -> Option<f64> {
    let digits = text.trim_start_matches(['+', '-']);
    if text.len() - digits.len() > 1 {
        return None;
    }
    if matches!(digits, "NaN" | "Infinity") {
        return text.parse().ok();
    }
    let digits = digits.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(digits);
    let allowed = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-');
    if !digits.bytes().all(allowed) {
        return None;
    }
    let number: f64 = digits.parse().ok()?;
    Some(if text.starts_with('-') { -number } else { number })
}

/// Java's `Double.toString`: plain between 10^-3 and 10^7, else with one digit before the point
/// and an exponent after `E`.
fn write_java_double(f: &mut fmt::Formatter<'_>, value: f64) -> fmt::Result {
    let size = value.abs();
    if value.is_nan() {
        f.write_str("NaN")
    } else if value.is_infinite() {
        f.write_str(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else if size == 0.0 || (1e-3..1e7).contains(&size) {
        write!(f, "{value:?}")
    } else {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let point = if digits.contains('.') { "" } else { ".0" };
        write!(f, "{digits}{point}E{exponent}")
    }
}

#[cfg(test)]
mod tests {
    use super::Value;
    use crate::config::{broker_keys, topic_key};

    /// What Kafka 4.3.1 makes of each value of each kind of key, recorded from the real thing:
    /// scope, key, value, OK or ERR, shown value or error text; separated by tabs.
    const KAFKA: &str = include_str!("testdata/kafka-4.3.1-values.tsv");

    #[test]
    fn values_are_read_shown_and_refused_as_by_kafka() {
        let mut lines = 0;
        for line in KAFKA.lines() {
            let parts: Vec<&str> = line.split('\t').collect();
            let [scope, name, text, verdict, expected] = parts[..] else { panic!("{line}") };
            let key = if scope == "T" { topic_key(name) } else { broker_keys::find(name) };
            let key = key.unwrap_or_else(|| panic!("no key {name}"));
            let shown = match Value::parse(key, text) {
                Ok(_) if key.is_sensitive() => ("OK", "[hidden]".to_owned()),
                Ok(value) => ("OK", value.to_string()),
                Err(error) => ("ERR", error.to_string()),
            };
            assert_eq!(shown, (verdict, expected.to_owned()), "{line}");
            lines += 1;
        }
        assert!(lines > 500, "the table is there: {lines}");
    }

    #[test]
    fn doubles_are_shown_as_in_java() {
        for (value, expected) in [
            (f64::MAX, "1.7976931348623157E308"),
            (1e7, "1.0E7"),
            (9_999_999.0, "9999999.0"),
            (0.001, "0.001"),
            (0.00099, "9.9E-4"),
            (-0.5, "-0.5"),
            (f64::INFINITY, "Infinity"),
        ] {
            assert_eq!(Value::Double(value).to_string(), expected);
        }
    }
}
