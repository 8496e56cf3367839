//! Small pieces of Rust about one field: its type, its default, whether it differs from that, and
//! whether a version has it.

use crate::schema::{Base, Field, Schema, Versions};

/// `FetchTopic<'a>` or `FetchPartition`.
pub fn struct_type(schema: &Schema, name: &str) -> String {
    if schema.borrows(name) { format!("{name}<'a>") } else { name.to_owned() }
}

/// The type of one value of the field, without array and null.
pub fn base_type(schema: &Schema, base: &Base) -> String {
    match base {
        Base::Bool => "bool".to_owned(),
        Base::I8 => "i8".to_owned(),
        Base::I16 => "i16".to_owned(),
        Base::U16 => "u16".to_owned(),
        Base::I32 => "i32".to_owned(),
        Base::U32 => "u32".to_owned(),
        Base::I64 => "i64".to_owned(),
        Base::F64 => "f64".to_owned(),
        Base::Uuid => "Uuid".to_owned(),
        Base::Text => "&'a str".to_owned(),
        Base::Blob => "&'a [u8]".to_owned(),
        Base::Records => "Records<'a>".to_owned(),
        Base::Struct(name) => struct_type(schema, name),
    }
}

pub fn field_type(schema: &Schema, field: &Field) -> String {
    let mut name = base_type(schema, &field.base);
    if field.array {
        name = format!("Array<'a, {name}>");
    }
    if field.nullable.is_some() {
        name = format!("Option<{name}>");
    }
    name
}

/// The field's name in Rust.
pub fn ident(field: &Field) -> String {
    match field.name.as_str() {
        "type" | "match" | "move" | "ref" | "use" | "where" => format!("r#{}", field.name),
        name => name.to_owned(),
    }
}

/// Kafka's default, `null` only where the schema says so.
pub fn default(field: &Field) -> String {
    if field.default.as_deref() == Some("null") {
        return "None".to_owned();
    }
    let value = if field.array {
        "Array::EMPTY".to_owned()
    } else {
        match &field.base {
            Base::Text => format!("{:?}", field.default.as_deref().unwrap_or_default()),
            Base::Blob => "&[]".to_owned(),
            Base::Uuid => "Uuid::ZERO".to_owned(),
            Base::Records => "Records::Null".to_owned(),
            Base::Struct(name) => format!("{name}::default()"),
            Base::Bool => field.default.clone().unwrap_or_else(|| "false".to_owned()),
            Base::F64 => field.default.clone().unwrap_or_else(|| "0.0".to_owned()),
            Base::I32 => number(field, "i32"),
            Base::I64 => number(field, "i64"),
            _ => field.default.clone().unwrap_or_else(|| "0".to_owned()),
        }
    };
    if field.nullable.is_some() { format!("Some({value})") } else { value }
}

fn number(field: &Field, name: &str) -> String {
    match field.default.as_deref() {
        None => "0".to_owned(),
        Some("2147483647" | "9223372036854775807") => format!("{name}::MAX"),
        Some("-2147483648") => format!("{name}::MIN"),
        Some(value) => value.to_owned(),
    }
}

/// A condition that holds if the field differs from its default.
pub fn is_set(field: &Field) -> String {
    let place = format!("self.{}", ident(field));
    let null = field.default.as_deref() == Some("null");
    if field.nullable.is_some() {
        return match (null, field.array) {
            (true, _) => format!("{place}.is_some()"),
            (false, true) => format!("{place}.as_ref().is_none_or(|items| !items.is_empty())"),
            (false, false) => format!("{place} != {}", default(field)),
        };
    }
    if field.array {
        return format!("!{place}.is_empty()");
    }
    match &field.base {
        Base::Bool if default(field) == "false" => place,
        Base::Bool => format!("!{place}"),
        Base::Uuid => format!("!{place}.is_zero()"),
        Base::Text | Base::Blob if field.default.is_none() => format!("!{place}.is_empty()"),
        Base::Records => format!("!{place}.is_null()"),
        _ => format!("{place} != {}", default(field)),
    }
}

/// A condition on the version, `None` if `versions` hold in the whole of `scope`.
pub fn holds(versions: Versions, scope: Versions) -> Option<String> {
    match (versions.start > scope.start, versions.last < scope.last) {
        (false, false) => None,
        (true, false) => Some(format!("version.number >= {}", versions.start)),
        (false, true) => Some(format!("version.number <= {}", versions.last)),
        (true, true) if versions.start == versions.last => {
            Some(format!("version.number == {}", versions.start))
        }
        (true, true) => {
            Some(format!("({}..={}).contains(&version.number)", versions.start, versions.last))
        }
    }
}

/// The opposite of [`holds`].
pub fn fails(versions: Versions, scope: Versions) -> Option<String> {
    match (versions.start > scope.start, versions.last < scope.last) {
        (false, false) => None,
        (true, false) => Some(format!("version.number < {}", versions.start)),
        (false, true) => Some(format!("version.number > {}", versions.last)),
        (true, true) => holds(versions, scope).map(|condition| format!("!({condition})")),
    }
}
