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

fn write(out: &mut String, krate: &str, schemas: &[Schema]) -> std::fmt::Result {
    header(out, "Random messages of every kind and version, and a walk over all of them.")?;
    let records = schemas.iter().flat_map(|s| &s.structs).flat_map(|s| &s.fields);
    let records = records.into_iter().any(|field| field.base == Base::Records);
    writeln!(out, "use crate::sample::{{Random, Sample, Visitor}};")?;
    writeln!(out, "use engine_base::Uuid;")?;
    writeln!(out, "use engine_base::message::Version;")?;
    if records {
        writeln!(out, "use {krate}::records::Records;")?;
    }
    writeln!(out, "use engine_base::message::Array;")?;
    for schema in schemas {
        writeln!(out, "use {krate}::generated::{};", module(schema))?;
    }
    writeln!(out, "\n/// Shows every type of message to the visitor.")?;
    writeln!(out, "pub fn visit_all(visitor: &mut impl Visitor) {{")?;
    for schema in schemas {
        for message in &schema.messages {
            let visit = match schema.kind {
                Kind::Api if message.name.ends_with("Request") => "request",
                Kind::Api => "response",
                _ => "record",
            };
            let path = format!("{}::{}", module(schema), message.name);
            writeln!(out, "visitor.{visit}::<{path}>();")?;
        }
    }
    writeln!(out, "}}\n")?;
    for schema in schemas {
        for structure in &schema.structs {
            sample(out, schema, structure)?;
        }
    }
    Ok(())
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
