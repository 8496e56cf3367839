//! What `inspect` prints: items of files as they are found, and what is damaged. JSON comes as one
//! object a line, so that files of any size can be explained.

use crate::failure::Failure;
use crate::output::{self, Format};
use serde::Serialize;
use std::fmt;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Something that is not as it was written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Problem {
    pub file: PathBuf,
    /// Byte position in the file; a line in text files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Offset of the record, where one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<i64>,
    pub what: String,
}

impl Problem {
    pub fn at(file: &Path, position: u64, what: impl Into<String>) -> Problem {
        Problem {
            file: file.to_path_buf(),
            position: Some(position),
            line: None,
            offset: None,
            what: what.into(),
        }
    }

    pub fn line(file: &Path, line: u64, what: impl Into<String>) -> Problem {
        Problem { position: None, line: Some(line), ..Problem::at(file, 0, what) }
    }

    pub fn whole(file: &Path, what: impl Into<String>) -> Problem {
        Problem { position: None, ..Problem::at(file, 0, what) }
    }

    #[must_use]
    pub fn offset(self, offset: i64) -> Problem {
        Problem { offset: Some(offset), ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(position) = self.position {
            write!(f, ", byte {position}")?;
        }
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(offset) = self.offset {
            write!(f, ", offset {offset}")?;
        }
        write!(f, ": {}", self.what)
    }
}

#[derive(Serialize)]
struct Tagged<'a, T: Serialize> {
    item: &'static str,
    #[serde(flatten)]
    value: &'a T,
}

#[derive(Serialize)]
struct FileItem<'a> {
    file: &'a Path,
    what: &'a str,
}

#[derive(Serialize)]
struct Note<'a> {
    note: &'a str,
}

/// Owned by the command.
pub struct Report<'w> {
    out: BufWriter<Box<dyn Write + 'w>>,
    format: Format,
    pub people: bool,
    problems: u64,
    first: Option<Problem>,
}

impl<'w> Report<'w> {
    pub fn new(out: Box<dyn Write + 'w>, format: Format, people: bool) -> Report<'w> {
        let out = BufWriter::with_capacity(1 << 18, out);
        Report { out, format, people, problems: 0, first: None }
    }

    pub fn stdout(format: Format) -> Report<'static> {
        let people = output::stdout_is_terminal() && format == Format::Text;
        Report::new(Box::new(io::stdout().lock()), format, people)
    }

    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Begins a file or directory.
    pub fn file(&mut self, file: &Path, what: &str) -> Result<(), Failure> {
        let text = format!("{}: {what}", file.display());
        self.item("file", &FileItem { file, what }, &text)
    }

    /// One thing found; `text` is the same for people, one line or several.
    pub fn item<T: Serialize>(
        &mut self,
        item: &'static str,
        value: &T,
        text: &str,
    ) -> Result<(), Failure> {
        let result = match self.format {
            Format::Text => writeln!(self.out, "{text}"),
            Format::Json => serde_json::to_writer(&mut self.out, &Tagged { item, value })
                .map_err(io::Error::from)
                .and_then(|()| self.out.write_all(b"\n")),
        };
        written(result)
    }

    pub fn note(&mut self, note: &str) -> Result<(), Failure> {
        self.item("note", &Note { note }, &format!("  {note}"))
    }

    /// Something damaged: data for JSON, and said on stderr for people.
    pub fn problem(&mut self, problem: Problem) -> Result<(), Failure> {
        self.problems += 1;
        let text = format!("  DAMAGED {problem}");
        self.item("problem", &problem, &text)?;
        self.first.get_or_insert(problem);
        Ok(())
    }

    /// Ends the report; damage makes the command fail.
    pub fn finish(mut self) -> Result<(), Failure> {
        written(self.out.flush())?;
        let Some(first) = self.first else { return Ok(()) };
        let failure = Failure::new(format!("damaged: {first}"));
        Err(match self.problems - 1 {
            0 => failure,
            more => failure.hint(format!("and {more} more, see above")),
        })
    }
}

fn written(result: io::Result<()>) -> Result<(), Failure> {
    /// What the shell would say of a program that ended for want of a reader.
    const SIGPIPE: u8 = 13;
    result.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::signal(SIGPIPE),
        _ => Failure::new(format!("cannot write to stdout: {error}")),
    })
}
