//! Random messages for the tests of the generated code: an `impl Sample` for each structure, with
//! a value in every field the version has and the default in all others.

use super::expression::{default, holds, ident};
use super::{header, module};
use crate::schema::{Base, Field, Kind, Schema, Struct};
use std::fmt::Write;

pub fn emit(krate: &str, schemas: &[Schema]) -> Result<String, String> {
    let mut out = String::new();
    write(&mut out, krate, schemas).map_err(|e| e.to_string())?;
    Ok(out)
}

/// What samples are made with, the same in every crate.
const SUPPORT: &str = include_str!("sample_support.rs");

fn write(out: &mut String, krate: &str, schemas: &[Schema]) -> std::fmt::Result {
    header(out, "Random messages of every kind and version, and a way over all of them.")?;
    let mut fields = schemas.iter().flat_map(|s| &s.structs).flat_map(|s| &s.fields);
    writeln!(out, "use engine_base::Uuid;")?;
    writeln!(out, "use engine_base::message::{{Array, Version}};")?;
    if fields.any(|field| field.base == Base::Records) {
        writeln!(out, "use {krate}::{{AnyRequest, AnyResponse, ApiKey, Records}};")?;
    }
    let modules: Vec<String> = schemas.iter().map(module).collect();
    writeln!(out, "use {krate}::generated::{{{}}};\n", modules.join(", "))?;
    writeln!(out, "{SUPPORT}")?;
    if schemas.iter().any(|schema| schema.kind == Kind::Api) {
        writeln!(
            out,
            "impl Sample for Records<'static> {{
                fn sample(random: &mut Random, version: Version) -> Self {{
                    let bytes = random.maybe(|random| Sample::sample(random, version));
                    bytes.map_or(Records::Null, Records::Slice)
                }}
            }}"
        )?;
        any(out, schemas, "Request")?;
        any(out, schemas, "Response")?;
    } else {
        visit(out, schemas)?;
    }
    for schema in schemas {
        for structure in &schema.structs {
            sample(out, schema, structure)?;
        }
    }
    Ok(())
}

/// `any_request`: a random request of an API.
fn any(out: &mut String, schemas: &[Schema], suffix: &str) -> std::fmt::Result {
    let name = format!("any_{}", suffix.to_lowercase());
    writeln!(out, "/// A random message of the API in the version.")?;
    writeln!(out, "pub fn {name}(api: ApiKey, version: i16, random: &mut Random)")?;
    writeln!(out, " -> Any{suffix}<'static> {{")?;
    writeln!(out, "let version = Version::new(version, api.api().flexible_since);")?;
    writeln!(out, "match api {{")?;
    for Schema { name, .. } in schemas {
        writeln!(out, "ApiKey::{name} => Any{suffix}::{name}(Sample::sample(random, version)),")?;
    }
    writeln!(out, "}}\n}}\n")
}

/// `visit_all`: every type of message, for a visitor that is generic over it.
fn visit(out: &mut String, schemas: &[Schema]) -> std::fmt::Result {
    writeln!(
        out,
        "/// Is shown every type of message.
        pub trait Visitor {{
            fn visit<M>(&mut self)
            where
                M: engine_base::message::Message<'static> + Sample + PartialEq + std::fmt::Debug;
        }}\n"
    )?;
    writeln!(out, "pub fn visit_all(visitor: &mut impl Visitor) {{")?;
    for schema in schemas {
        for message in &schema.messages {
            writeln!(out, "visitor.visit::<{}::{}>();", module(schema), message.name)?;
        }
    }
    writeln!(out, "}}\n")
}

fn sample(out: &mut String, schema: &Schema, structure: &Struct) -> std::fmt::Result {
    let path = format!("{}::{}", module(schema), structure.name);
    let generic = if schema.borrows(&structure.name) { "<'static>" } else { "" };
    let mut body = String::new();
    for field in &structure.fields {
        let value = value(field);
        match holds(field.versions, structure.versions) {
            None => writeln!(body, "{}: {value},", ident(field))?,
            Some(condition) => writeln!(
                body,
                "{}: if {condition} {{ {value} }} else {{ {} }},",
                ident(field),
                scoped_default(schema, field)
            )?,
        }
    }
    let random = if body.contains("random") { "random" } else { "_" };
    let version = if body.is_empty() { "_" } else { "version" };
    writeln!(out, "impl Sample for {path}{generic} {{")?;
    writeln!(out, "fn sample({random}: &mut Random, {version}: Version) -> Self {{")?;
    writeln!(out, "{path} {{\n{body}}}\n}}\n}}\n")
}

fn scoped_default(schema: &Schema, field: &Field) -> String {
    match &field.base {
        Base::Struct(_) if field.nullable.is_none() && !field.array => {
            format!("{}::{}", module(schema), default(field))
        }
        _ => default(field),
    }
}

fn value(field: &Field) -> String {
    let one = "Sample::sample(random, version)";
    match field.nullable.map(|nullable| holds(nullable, field.versions)) {
        None => one.to_owned(),
        Some(None) => format!("random.maybe(|random| {one})"),
        Some(Some(condition)) => {
            format!("if {condition} {{ random.maybe(|random| {one}) }} else {{ Some({one}) }}")
        }
    }
}
