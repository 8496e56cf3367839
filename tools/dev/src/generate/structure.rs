//! Rust of one structure: declaration, default, reading and writing.

use super::expression::{default, fails, field_type, holds, ident, is_set, struct_type};
use crate::schema::{Base, Field, Kind, Message, Schema, Struct, Versions};
use std::fmt::{Result, Write};

pub fn emit(out: &mut String, schema: &Schema, structure: &Struct) -> Result {
    declaration(out, schema, structure)?;
    let name = struct_type(schema, &structure.name);
    writeln!(out, "impl<'a> Element<'a> for {name} {{")?;
    read(out, structure)?;
    writeln!(out)?;
    write(out, structure)?;
    writeln!(out, "}}\n")
}

/// What a top-level message has besides: its name, number and versions.
pub fn emit_message(out: &mut String, schema: &Schema, message: &Message) -> Result {
    let Message { name, versions, flexible_since } = message;
    let full = struct_type(schema, name);
    let flexible = match *flexible_since {
        i16::MAX => "i16::MAX".to_owned(),
        since => since.to_string(),
    };
    writeln!(out, "impl<'a> Message<'a> for {full} {{")?;
    writeln!(out, "const NAME: &'static str = \"{name}\";")?;
    writeln!(out, "const KEY: i16 = {};", schema.key)?;
    writeln!(out, "const VERSION_MIN: i16 = {};", versions.start)?;
    writeln!(out, "const VERSION_MAX: i16 = {};", versions.last)?;
    writeln!(out, "const FLEXIBLE_SINCE: i16 = {flexible};")?;
    writeln!(out, "}}\n")?;
    if schema.kind != Kind::Api {
        return Ok(());
    }
    let api = &schema.name;
    if name.ends_with("Request") {
        let response = struct_type(schema, &format!("{api}Response")).replace("'a", "'r");
        writeln!(out, "impl<'a> Request<'a> for {full} {{")?;
        writeln!(out, "type Response<'r> = {response};")?;
    } else {
        writeln!(out, "impl<'a> Response<'a> for {full} {{")?;
    }
    writeln!(out, "const API: ApiKey = ApiKey::{api};\n}}\n")
}

fn range(versions: Versions, scope: Versions) -> Option<String> {
    let Versions { start, last } = versions;
    match (start > scope.start, last < scope.last) {
        (false, false) => None,
        (true, false) => Some(format!("{start}+")),
        (_, true) if start == last => Some(start.to_string()),
        (_, true) => Some(format!("{start}-{last}")),
    }
}

fn declaration(out: &mut String, schema: &Schema, structure: &Struct) -> Result {
    let name = &structure.name;
    writeln!(out, "#[derive(Clone, PartialEq, Debug)]")?;
    let plain_default = structure.fields.iter().all(is_plain);
    if plain_default {
        writeln!(out, "#[derive(Default)]")?;
    }
    writeln!(out, "pub struct {} {{", struct_type(schema, name))?;
    for field in &structure.fields {
        let mut notes = Vec::new();
        if let Some(versions) = range(field.versions, structure.versions) {
            notes.push(format!("versions {versions}"));
        }
        if let Some(nullable) = field.nullable.and_then(|n| range(n, field.versions)) {
            notes.push(format!("null in {nullable}"));
        }
        if let Some(tag) = field.tag {
            notes.push(format!("tag {tag}"));
        }
        if !notes.is_empty() {
            let text = notes.join(", ");
            let (first, rest) = text.split_at(1);
            writeln!(out, "/// {}{rest}.", first.to_ascii_uppercase())?;
        }
        writeln!(out, "pub {}: {},", ident(field), field_type(schema, field))?;
    }
    writeln!(out, "}}\n")?;
    if plain_default {
        return Ok(());
    }
    let generic = if schema.borrows(name) { "<'_>" } else { "" };
    writeln!(out, "impl Default for {name}{generic} {{\nfn default() -> Self {{\n{name} {{")?;
    for field in &structure.fields {
        writeln!(out, "{}: {},", ident(field), default(field))?;
    }
    writeln!(out, "}}\n}}\n}}\n")
}

/// Whether the field's default is that of its Rust type.
fn is_plain(field: &Field) -> bool {
    let null = field.default.as_deref() == Some("null");
    null || (field.nullable.is_none() && field.default.is_none())
}

/// When a structure has a section of tagged fields.
enum Tagged {
    Never,
    Always,
    Sometimes,
}

fn tagged(structure: &Struct) -> Tagged {
    if structure.flexible_since <= structure.versions.start {
        Tagged::Always
    } else if structure.flexible_since > structure.versions.last {
        Tagged::Never
    } else {
        Tagged::Sometimes
    }
}

/// The expression that reads the field where the version has it.
fn read_field(field: &Field) -> String {
    let nullable = field.nullable;
    let one = |plain: &str, null: &str| match nullable.map(|n| holds(n, field.versions)) {
        None => format!("{plain}?"),
        Some(None) => format!("{null}?"),
        Some(Some(condition)) => {
            format!("if {condition} {{ {null}? }} else {{ Some({plain}?) }}")
        }
    };
    if field.array {
        return one("Array::read(reader, version)", "Array::read_nullable(reader, version)");
    }
    match &field.base {
        Base::Text => one(" read_text(reader, version)", " read_nullable_text(reader, version)"),
        Base::Blob => one(" read_blob(reader, version)", " read_nullable_blob(reader, version)"),
        Base::Struct(name) => one(
            &format!("{name}::read(reader, version)"),
            " read_nullable_element(reader, version)",
        ),
        Base::Records => "Records::read(reader, version)?".to_owned(),
        Base::Bool => "reader.bool()?".to_owned(),
        Base::I8 => "reader.i8()?".to_owned(),
        Base::I16 => "reader.i16()?".to_owned(),
        Base::U16 => "reader.u16()?".to_owned(),
        Base::I32 => "reader.i32()?".to_owned(),
        Base::U32 => "reader.u32()?".to_owned(),
        Base::I64 => "reader.i64()?".to_owned(),
        Base::F64 => "reader.f64()?".to_owned(),
        Base::Uuid => "reader.uuid()?".to_owned(),
    }
}

/// Fields with a tag, in the order of their tags.
fn tagged_fields(structure: &Struct) -> Vec<(u32, &Field)> {
    let mut fields: Vec<(u32, &Field)> =
        structure.fields.iter().filter_map(|f| f.tag.map(|tag| (tag, f))).collect();
    fields.sort_by_key(|(tag, _)| *tag);
    fields
}

fn read(out: &mut String, structure: &Struct) -> Result {
    let name = &structure.name;
    let tags = tagged_fields(structure);
    let mut body = String::new();
    for field in structure.fields.iter() {
        if field.tag.is_some() {
            writeln!(body, "{}: {},", ident(field), default(field))?;
            continue;
        }
        let value = read_field(field);
        match holds(field.versions, structure.versions) {
            None => writeln!(body, "{}: {value},", ident(field))?,
            Some(condition) => writeln!(
                body,
                "{}: if {condition} {{ {value} }} else {{ {} }},",
                ident(field),
                default(field)
            )?,
        }
    }
    let mutable = if tags.is_empty() { "" } else { "mut " };
    let mut section = String::new();
    if tags.is_empty() {
        writeln!(section, "reader.skip_tagged_fields()?;")?;
    } else {
        writeln!(section, "reader.tagged_fields(|tag, mut content| {{")?;
        writeln!(section, "let reader = &mut content;\nmatch tag {{")?;
        for (tag, field) in &tags {
            let since = Versions { start: structure.flexible_since, last: structure.versions.last };
            let scope = if since.covers(structure.versions) { structure.versions } else { since };
            let guard = holds(field.versions, scope).map_or(String::new(), |c| format!("if {c}"));
            let value = read_field(field);
            writeln!(section, "{tag} {guard} => this.{} = {value},", ident(field))?;
        }
        writeln!(section, "_ => return Ok(()),\n}}\ncontent.finish()\n}})?;")?;
    }
    let section = match tagged(structure) {
        Tagged::Never => String::new(),
        Tagged::Always => section,
        Tagged::Sometimes => format!("if version.flexible {{\n{section}}}\n"),
    };
    let all = format!("{body}{section}");
    let reader = if all.contains("reader") { "reader" } else { "_" };
    let version = if uses_version(&all) { "version" } else { "_" };
    writeln!(out, "fn read({reader}: &mut Reader<'a>, {version}: Version) -> Result<Self> {{")?;
    if section.is_empty() {
        return writeln!(out, "Ok({name} {{\n{body}}})\n}}");
    }
    writeln!(out, "let {mutable}this = {name} {{\n{body}}};\n{section}Ok(this)\n}}")
}

/// The statement that writes the field where the version has it.
fn write_field(field: &Field, strict: bool) -> String {
    let place = format!("self.{}", ident(field));
    let partial = field.nullable.map(|n| holds(n, field.versions));
    let name = &field.name;
    if field.array || matches!(field.base, Base::Struct(_)) {
        let nullable = if field.array {
            format!("Array::write_nullable({place}.as_ref(), out, version);")
        } else {
            format!(" write_nullable_element({place}.as_ref(), out, version);")
        };
        return match partial {
            None => format!("{place}.write(out, version);"),
            Some(None) => nullable,
            Some(Some(condition)) => {
                let or = match (strict, field.array) {
                    (true, _) => format!("out.null(\"{name}\")"),
                    (false, true) => "out.put_array_count(version, Some(0))".to_owned(),
                    (false, false) => unreachable!("Kafka has no such field"),
                };
                format!(
                    "if {condition} {{ {nullable} }} else {{ match &{place} {{
                        Some(value) => value.write(out, version), None => {or}, }} }}"
                )
            }
        };
    }
    let put = match &field.base {
        Base::Text => "put_text",
        Base::Blob => "put_blob",
        Base::Records => return format!("{place}.write(out, version);"),
        Base::Bool => return format!("out.put_bool({place});"),
        Base::I8 => return format!("out.put_i8({place});"),
        Base::I16 => return format!("out.put_i16({place});"),
        Base::U16 => return format!("out.put_u16({place});"),
        Base::I32 => return format!("out.put_i32({place});"),
        Base::U32 => return format!("out.put_u32({place});"),
        Base::I64 => return format!("out.put_i64({place});"),
        Base::F64 => return format!("out.put_f64({place});"),
        Base::Uuid => return format!("out.put_uuid({place});"),
        Base::Struct(_) => unreachable!("handled above"),
    };
    match partial {
        None => format!("out.{put}(version, Some({place}));"),
        Some(None) => format!("out.{put}(version, {place});"),
        Some(Some(_)) if strict => format!(
            "if {place}.is_none() && {} {{ out.null(\"{name}\"); }}
             out.{put}(version, {place});",
            field.nullable.and_then(|n| fails(n, field.versions)).unwrap_or_default()
        ),
        Some(Some(condition)) => format!(
            "out.{put}(version, if {condition} {{ {place} }}
             else {{ Some({place}.unwrap_or_default()) }});"
        ),
    }
}

fn write(out: &mut String, structure: &Struct) -> Result {
    let mut body = String::new();
    for field in &structure.fields {
        let condition = holds(field.versions, structure.versions);
        let (set, name) = (is_set(field), &field.name);
        let refuse = (structure.strict && !field.ignorable)
            .then(|| format!("{set} {{ out.unsupported(\"{name}\"); }}"));
        let write = write_field(field, structure.strict);
        match (field.tag.is_some(), condition, refuse) {
            (true, Some(_), Some(refuse)) => {
                let condition = fails(field.versions, structure.versions).unwrap_or_default();
                writeln!(body, "if {condition} && {refuse}")?;
            }
            (true, _, _) => {}
            (false, None, _) => writeln!(body, "{write}")?,
            (false, Some(condition), None) => writeln!(body, "if {condition} {{ {write} }}")?,
            (false, Some(condition), Some(refuse)) => {
                writeln!(body, "if {condition} {{ {write} }} else if {refuse}")?;
            }
        }
    }
    let section = write_tagged(structure)?;
    match tagged(structure) {
        Tagged::Never => {}
        Tagged::Always => body.push_str(&section),
        Tagged::Sometimes => write!(body, "if version.flexible {{\n{section}}}\n")?,
    }
    let encoder = if body.contains("out") { "out" } else { "_" };
    let version = if uses_version(&body) { "version" } else { "_" };
    writeln!(out, "fn write(&self, {encoder}: &mut Encoder, {version}: Version) {{\n{body}}}")
}

/// Whether the code names the argument `version`; a field may have that name too.
fn uses_version(code: &str) -> bool {
    ["version.number", "version.flexible", ", version)", "(version, "]
        .iter()
        .any(|sign| code.contains(sign))
}

/// The section of tagged fields: only those that differ from their default are written.
fn write_tagged(structure: &Struct) -> std::result::Result<String, std::fmt::Error> {
    let tags = tagged_fields(structure);
    let mut section = String::new();
    if tags.is_empty() {
        writeln!(section, "out.put_unsigned_varint(0);")?;
        return Ok(section);
    }
    let mut sum = Vec::new();
    let mut puts = String::new();
    for (tag, field) in tags {
        let name = &field.name;
        let mut condition = is_set(field);
        if let Some(version) = holds(field.versions, structure.versions) {
            condition = format!("{version} && {condition}");
        }
        writeln!(section, "let has_{name} = {condition};")?;
        sum.push(format!("u32::from(has_{name})"));
        let write = write_field(field, structure.strict);
        writeln!(puts, "if has_{name} {{\nout.put_tagged({tag}, |out| {{ {write} }});\n}}")?;
    }
    writeln!(section, "out.put_unsigned_varint({});\n{puts}", sum.join(" + "))?;
    Ok(section)
}
