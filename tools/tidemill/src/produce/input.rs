//! Where records come from: files one after the other, or stdin; lines or JSON lines.

use super::feed::{Feed, Outgoing};
use super::json;
use super::lines::{Found, Lines, Source};
use super::{Args, InputFormat};
use crate::failure::Failure;
use engine_record::Header;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Everything the input thread needs.
pub struct Input {
    sources: Vec<(String, Opened)>,
    total_bytes: Option<u64>,
    format: InputFormat,
    delimiter: Vec<u8>,
    rules: Rules,
}

/// How a line becomes a record.
#[derive(Clone, Debug, Default)]
struct Rules {
    key_delimiter: Option<Vec<u8>>,
    null_marker: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
}

enum Opened {
    Stdin(io::Stdin),
    File(File),
}

impl Read for Opened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            // Stdin's own buffer is empty, and large reads go past it.
            Opened::Stdin(stdin) => stdin.read(buffer),
            Opened::File(file) => file.read(buffer),
        }
    }
}

impl AsFd for Opened {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Opened::Stdin(stdin) => stdin.as_fd(),
            Opened::File(file) => file.as_fd(),
        }
    }
}

impl Source for Opened {
    fn wait(&self, limit: Duration) -> io::Result<bool> {
        let seconds = i64::try_from(limit.as_secs()).unwrap_or(i64::MAX);
        let limit = Timespec { tv_sec: seconds, tv_nsec: i64::from(limit.subsec_nanos()) };
        let mut fds = [PollFd::new(self, PollFlags::IN)];
        match poll(&mut fds, Some(&limit)) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl Input {
    /// Opens everything, so that a misspelt name is told before anything is sent.
    pub fn open(args: &Args) -> Result<Input, Failure> {
        let json = args.format == InputFormat::Json;
        if json && args.key_delimiter.is_some() {
            return Err(Failure::usage("--key-delimiter is for --format lines")
                .hint("JSON lines have their key in the field \"key\""));
        }
        let mut sources = Vec::new();
        let mut total_bytes = Some(0u64);
        if args.file.is_empty() {
            if io::stdin().is_terminal() && !args.quiet {
                eprintln!("each line is sent as a record; end with Ctrl-D");
            }
            sources.push(("stdin".to_owned(), Opened::Stdin(io::stdin())));
            total_bytes = None;
        }
        for path in &args.file {
            let (source, size) = open(path)?;
            sources.push((path.display().to_string(), source));
            total_bytes = total_bytes.zip(size).map(|(total, size)| total + size);
        }
        let bytes = |text: &String| text.clone().into_bytes();
        let rules = Rules {
            key_delimiter: args.key_delimiter.clone(),
            null_marker: args.null_marker.as_ref().map(bytes),
            headers: args.header.iter().map(|(key, value)| (bytes(key), bytes(value))).collect(),
        };
        let delimiter = args.delimiter.clone();
        Ok(Input { sources, total_bytes, format: args.format, delimiter, rules })
    }

    /// Size of the input in bytes, if it is all files.
    pub fn total_bytes(&self) -> Option<u64> {
        self.total_bytes
    }

    /// Feeds everything. Runs on the input thread.
    pub fn run(self, mut feed: Feed) -> Result<(), Failure> {
        let headers: Vec<Header<'_>> = self
            .rules
            .headers
            .iter()
            .map(|(key, value)| Header { key, value: Some(value) })
            .collect();
        for (name, source) in self.sources {
            let mut lines = Lines::new(source, &self.delimiter);
            let mut number: u64 = 0;
            let mut reads = 0;
            let failed = |error: io::Error| Failure::new(format!("cannot read {name}: {error}"));
            loop {
                let found = lines.next(feed.patience()).map_err(failed)?;
                if lines.reads() != reads || found == Found::Idle {
                    reads = lines.reads();
                    feed.tick();
                    feed.flush_due(found == Found::Idle)?;
                }
                let range = match found {
                    Found::Record(range) => range,
                    Found::Idle => continue,
                    Found::End => break,
                };
                number += 1;
                let line = lines.bytes(range);
                let outcome = match self.format {
                    InputFormat::Lines => send_line(&mut feed, &self.rules, &headers, line),
                    InputFormat::Json => send_json(&mut feed, &headers, line),
                };
                outcome.map_err(|problem| problem.at(&name, number))?;
            }
        }
        feed.flush()
    }
}

fn open(path: &Path) -> Result<(Opened, Option<u64>), Failure> {
    if path == Path::new("-") {
        return Ok((Opened::Stdin(io::stdin()), None));
    }
    let failed = |error: io::Error| Failure::new(format!("cannot read {}: {error}", show(path)));
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(Failure::new(format!("{} is a directory", show(path))));
    }
    let size = metadata.is_file().then_some(metadata.len());
    Ok((Opened::File(file), size))
}

fn show(path: &Path) -> String {
    PathBuf::from(path).display().to_string()
}

/// Why a line could not be sent.
enum Problem {
    /// The line is at fault; the text says how.
    Line(String, &'static str),
    Feed(Failure),
}

impl Problem {
    fn at(self, name: &str, number: u64) -> Failure {
        match self {
            Problem::Line(text, hint) => {
                Failure::new(format!("line {number} of {name}: {text}")).hint(hint)
            }
            Problem::Feed(failure) => failure,
        }
    }
}

fn send_line(
    feed: &mut Feed,
    rules: &Rules,
    headers: &[Header<'_>],
    line: &[u8],
) -> Result<(), Problem> {
    let (key, value) = split_key(rules, line).map_err(|text| {
        Problem::Line(text, "every line needs one with --key-delimiter; lines before were sent")
    })?;
    let record = Outgoing { key, value, headers, partition: None, timestamp: None };
    feed.add(record).map_err(Problem::Feed)
}

type KeyAndValue<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

fn split_key<'a>(rules: &Rules, line: &'a [u8]) -> Result<KeyAndValue<'a>, String> {
    let null = |text: &'a [u8]| {
        let is_null = rules.null_marker.as_deref() == Some(text);
        (!is_null).then_some(text)
    };
    let Some(delimiter) = &rules.key_delimiter else {
        return Ok((None, null(line)));
    };
    let at = line.windows(delimiter.len()).position(|window| window == delimiter.as_slice());
    let at =
        at.ok_or_else(|| format!("there is no key delimiter \"{}\"", delimiter.escape_ascii()))?;
    Ok((null(&line[..at]), null(&line[at + delimiter.len()..])))
}

fn send_json(feed: &mut Feed, common: &[Header<'_>], line: &[u8]) -> Result<(), Problem> {
    let parsed = json::parse(line).map_err(|text| {
        Problem::Line(text, "expected a JSON object such as {\"value\":\"...\"}")
    })?;
    let own = parsed.headers.iter();
    let own = own.map(|(key, value)| Header { key, value: value.as_deref() });
    let headers: Vec<Header<'_>> = common.iter().copied().chain(own).collect();
    let record = Outgoing {
        key: parsed.key.as_deref(),
        value: parsed.value.as_deref(),
        headers: &headers,
        partition: parsed.partition,
        timestamp: parsed.timestamp,
    };
    feed.add(record).map_err(Problem::Feed)
}

#[cfg(test)]
mod tests {
    use super::{Rules, split_key};

    #[test]
    fn keys_and_nulls() {
        let check = |delimiter: Option<&str>, null: Option<&str>, line: &str, expected| {
            let rules = Rules {
                key_delimiter: delimiter.map(|text| text.as_bytes().to_vec()),
                null_marker: null.map(|text| text.as_bytes().to_vec()),
                headers: Vec::new(),
            };
            let found = split_key(&rules, line.as_bytes());
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let found = found.map(|(key, value)| (key.map(text), value.map(text)));
            let expected: Result<(Option<&str>, Option<&str>), &str> = expected;
            let expected = expected
                .map(|(key, value)| (key.map(str::to_owned), value.map(str::to_owned)))
                .map_err(str::to_owned);
            assert_eq!(found, expected, "{line}");
        };
        check(None, None, "a:b", Ok((None, Some("a:b"))));
        check(Some(":"), None, "a:b:c", Ok((Some("a"), Some("b:c"))));
        check(Some(":"), None, ":", Ok((Some(""), Some(""))));
        check(Some("=>"), Some("NULL"), "NULL=>NULL", Ok((None, None)));
        check(None, Some("-"), "-", Ok((None, None)));
        check(Some("\t"), None, "ab", Err("there is no key delimiter \"\\t\""));
    }
}
