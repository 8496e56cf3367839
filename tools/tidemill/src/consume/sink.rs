//! Prints records on stdout, counts them, and knows when enough is printed.

use super::format::{Template, write_json};
use engine_record::Record;
use std::io::{self, BufWriter, StdoutLock, Write};

const BUFFER_BYTES: usize = 1 << 20;

/// What a record looks like.
#[derive(Clone, Debug)]
pub enum Style {
    Template(Template),
    Json,
}

/// Owned by the command.
#[derive(Debug)]
pub struct Sink<W: Write = StdoutLock<'static>> {
    out: BufWriter<W>,
    style: Style,
    left: Option<u64>,
    pub records: u64,
    /// Of keys and values.
    pub bytes: u64,
}

impl Sink {
    /// `limit` is how many records are printed at most.
    pub fn stdout(style: Style, limit: Option<u64>) -> Sink {
        Sink::new(io::stdout().lock(), style, limit)
    }
}

impl<W: Write> Sink<W> {
    pub fn new(out: W, style: Style, limit: Option<u64>) -> Sink<W> {
        let out = BufWriter::with_capacity(BUFFER_BYTES, out);
        Sink { out, style, left: limit, records: 0, bytes: 0 }
    }

    /// Whether the limit is reached.
    pub fn is_full(&self) -> bool {
        self.left == Some(0)
    }

    pub fn print(&mut self, topic: &str, partition: i32, record: &Record<'_>) -> io::Result<()> {
        assert!(!self.is_full());
        match &self.style {
            Style::Template(template) => {
                template.write(&mut self.out, topic, partition, record)?;
            }
            Style::Json => write_json(&mut self.out, topic, partition, record)?,
        }
        self.left = self.left.map(|left| left - 1);
        self.records += 1;
        let size = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
        self.bytes += u64::try_from(size).expect("sizes fit");
        Ok(())
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
