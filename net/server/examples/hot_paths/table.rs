//! The table of counts that is kept in the repository, and what a new count is against it.

use crate::Failure;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How much more a path may take, in percent. Another point release of the compiler moves counts by
/// two or three.
pub const TOLERANCE_PERCENT: u64 = 5;

/// Instructions of one operation by path, and what they were counted with.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Table {
    pub counted_with: String,
    pub counts: BTreeMap<String, u64>,
}

/// What a path's new count says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Same,
    /// Beyond the tolerance.
    More,
    /// Below it: better, and the table no longer guards it.
    Less,
    /// The table does not have it.
    New,
}

const COUNTED_WITH: &str = "# counted with ";

impl Table {
    pub fn parse(text: &str) -> Result<Table, Failure> {
        let mut table = Table::default();
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(with) = line.strip_prefix(COUNTED_WITH) {
                with.clone_into(&mut table.counted_with);
            }
            if line.starts_with('#') || line.is_empty() {
                continue;
            }
            let mut words = line.split_whitespace();
            let (name, count) = (words.next(), words.next().and_then(|word| word.parse().ok()));
            let (Some(name), Some(count), None) = (name, count, words.next()) else {
                return Err(format!("line {number}: {line:?} is not a path and its count").into());
            };
            if table.counts.insert(name.to_owned(), count).is_some() {
                return Err(format!("line {number}: {name} is there twice").into());
            }
        }
        Ok(table)
    }

    pub fn text(&self) -> String {
        let mut out = format!(
            "# Instructions of one operation on each hot path; `hot_paths check` fails above \
             {TOLERANCE_PERCENT} % more.\n# Written by `hot_paths renew`: net/README.md.\n\
             {COUNTED_WITH}{}\n",
            self.counted_with
        );
        for (name, count) in &self.counts {
            let _ = writeln!(out, "{name} {count}");
        }
        out
    }

    pub fn judge(&self, name: &str, found: u64) -> Verdict {
        let Some(&expected) = self.counts.get(name) else { return Verdict::New };
        let room = expected * TOLERANCE_PERCENT / 100;
        match found {
            _ if found > expected + room => Verdict::More,
            _ if found < expected - room => Verdict::Less,
            _ => Verdict::Same,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Table, Verdict};

    fn table() -> Table {
        Table {
            counted_with: "a compiler".to_owned(),
            counts: [("one".to_owned(), 1000), ("two".to_owned(), 7)].into(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let again = Table::parse(&table().text()).expect("well formed");
        assert_eq!(again, table());
    }

    #[test]
    fn more_than_the_tolerance_is_told() {
        let judge = |found| table().judge("one", found);
        assert_eq!(judge(1000), Verdict::Same);
        assert_eq!(judge(1050), Verdict::Same);
        assert_eq!(judge(1051), Verdict::More);
        assert_eq!(judge(950), Verdict::Same);
        assert_eq!(judge(949), Verdict::Less);
        assert_eq!(table().judge("three", 1), Verdict::New);
    }

    #[test]
    fn a_table_that_is_none_is_refused() {
        for text in ["one", "one many", "one 1 2", "one 1\none 2", "one -1"] {
            let error = Table::parse(text).expect_err(text).to_string();
            assert!(error.starts_with("line "), "{error}");
        }
    }
}
