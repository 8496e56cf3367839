//! Enums over all messages of a crate, for those who hold a number instead of a type: fuzz
//! targets, tests, tools that print what passes by.

use super::expression::struct_type;
use super::module;
use crate::schema::{Kind, Schema};
use std::fmt::{Result, Write};

struct Variant {
    name: String,
    path: String,
    ty: String,
    key: i16,
}

fn variants(schemas: &[Schema], kind: Kind, suffix: &str) -> Vec<Variant> {
    let of_kind = schemas.iter().filter(|schema| schema.kind == kind);
    of_kind
        .map(|schema| {
            let message = format!("{}{suffix}", schema.name);
            let path = module(schema);
            Variant {
                name: schema.name.clone(),
                ty: format!("{path}::{}", struct_type(schema, &message)),
                path: format!("{path}::{message}"),
                key: schema.key,
            }
        })
        .collect()
}

pub fn emit_apis(out: &mut String, schemas: &[Schema]) -> Result {
    writeln!(out, "use engine_base::codec::Result;")?;
    writeln!(out, "use engine_base::encoder::Encoder;")?;
    writeln!(out, "use engine_base::message::Message as _;\n")?;
    for (suffix, doc) in [("Request", "Any request."), ("Response", "Any response.")] {
        let variants = variants(schemas, Kind::Api, suffix);
        let name = format!("Any{suffix}");
        declaration(out, &name, doc, &variants)?;
        writeln!(out, "impl<'a> {name}<'a> {{")?;
        writeln!(out, "/// Reads the body of a message; bytes left over are an error.")?;
        writeln!(out, "pub fn decode(api: ApiKey, bytes: &'a [u8], version: i16)")?;
        writeln!(out, " -> Result<Self> {{\nOk(match api {{")?;
        for variant in &variants {
            let Variant { name: variant, path, .. } = variant;
            writeln!(
                out,
                "ApiKey::{variant} => Self::{variant}({path}::decode(bytes, version)?),"
            )?;
        }
        writeln!(out, "}})\n}}\n")?;
        writeln!(out, "pub fn api(&self) -> ApiKey {{\nmatch self {{")?;
        for Variant { name: variant, .. } in &variants {
            writeln!(out, "Self::{variant}(_) => ApiKey::{variant},")?;
        }
        writeln!(out, "}}\n}}\n")?;
        encode(out, &variants)?;
        writeln!(out, "}}\n")?;
    }
    Ok(())
}

pub fn emit_records(out: &mut String, schemas: &[Schema]) -> Result {
    writeln!(out, "\nuse engine_base::codec::{{DecodeError, Result}};")?;
    writeln!(out, "use engine_base::encoder::Encoder;")?;
    writeln!(out, "use engine_base::message::Message as _;\n")?;
    let variants = variants(schemas, Kind::Record, "");
    let name = "AnyRecord";
    declaration(out, name, "Any record of the metadata log.", &variants)?;
    writeln!(out, "impl<'a> {name}<'a> {{")?;
    writeln!(out, "/// Reads the record of a type in a version; a type not known here is")?;
    writeln!(out, "/// [`DecodeError::Value`], and so is a version.")?;
    writeln!(out, "pub fn decode(key: i16, bytes: &'a [u8], version: i16)")?;
    writeln!(out, " -> Result<Self> {{\nOk(match key {{")?;
    for Variant { name, path, key, .. } in &variants {
        writeln!(out, "{key} => Self::{name}({path}::decode(bytes, version)?),")?;
    }
    writeln!(out, "_ => return Err(DecodeError::Value),\n}})\n}}\n")?;
    writeln!(out, "/// Kafka's number of the record's type.")?;
    writeln!(out, "pub fn key(&self) -> i16 {{\nmatch self {{")?;
    for Variant { name, key, .. } in &variants {
        writeln!(out, "Self::{name}(_) => {key},")?;
    }
    writeln!(out, "}}\n}}\n")?;
    encode(out, &variants)?;
    writeln!(out, "}}\n")
}

fn declaration(out: &mut String, name: &str, doc: &str, variants: &[Variant]) -> Result {
    writeln!(out, "/// {doc}\n#[derive(Clone, PartialEq, Debug)]")?;
    writeln!(out, "#[allow(clippy::large_enum_variant)]\npub enum {name}<'a> {{")?;
    for Variant { name, ty, .. } in variants {
        writeln!(out, "{name}({ty}),")?;
    }
    writeln!(out, "}}\n")
}

fn encode(out: &mut String, variants: &[Variant]) -> Result {
    writeln!(out, "/// Appends the body. Failures stick to the encoder.")?;
    writeln!(out, "pub fn encode(&self, out: &mut Encoder, version: i16) {{\nmatch self {{")?;
    for Variant { name, .. } in variants {
        writeln!(out, "Self::{name}(message) => message.encode(out, version),")?;
    }
    writeln!(out, "}}\n}}")
}
