//! Where reading begins, as the user says it.

use crate::client::offsets::{self, EARLIEST, LATEST};
use crate::client::{ClientError, Cluster, Topic};
use std::collections::BTreeMap;
use std::str::FromStr;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Position {
    Start,
    End,
    /// This offset.
    Offset(i64),
    /// So many before the end.
    Back(i64),
    /// The first record at or after this time, in milliseconds since the epoch.
    Time(i64),
}

impl FromStr for Position {
    type Err = String;

    fn from_str(text: &str) -> Result<Position, String> {
        let number = |digits: &str| digits.parse::<i64>().ok().filter(|number| *number >= 0);
        let position = match text {
            "start" | "beginning" | "earliest" => Some(Position::Start),
            "end" | "latest" => Some(Position::End),
            _ => match (text.strip_prefix('-'), text.strip_prefix('@')) {
                (Some(digits), _) => number(digits).map(Position::Back),
                (_, Some(digits)) => number(digits).map(Position::Time),
                _ => number(text).map(Position::Offset),
            },
        };
        position.ok_or_else(|| {
            "use start, end, an offset, -N for the last N, or @MILLISECONDS".to_owned()
        })
    }
}

impl Position {
    /// The offset to begin with in each of `partitions`.
    pub fn resolve(
        self,
        cluster: &mut Cluster,
        topic: &Topic,
        partitions: &[i32],
    ) -> Result<BTreeMap<i32, i64>, ClientError> {
        match self {
            Position::Start => offsets::list(cluster, topic, partitions, EARLIEST),
            Position::End => offsets::list(cluster, topic, partitions, LATEST),
            Position::Offset(offset) => {
                Ok(partitions.iter().map(|index| (*index, offset)).collect())
            }
            Position::Back(count) => {
                let starts = offsets::list(cluster, topic, partitions, EARLIEST)?;
                let ends = offsets::list(cluster, topic, partitions, LATEST)?;
                let back = |(index, end): (i32, i64)| {
                    let start = starts.get(&index).copied().unwrap_or(0);
                    (index, end.saturating_sub(count).max(start))
                };
                Ok(ends.into_iter().map(back).collect())
            }
            Position::Time(timestamp) => {
                let found = offsets::list(cluster, topic, partitions, timestamp)?;
                let late: Vec<i32> =
                    found.iter().filter(|(_, offset)| **offset < 0).map(|(p, _)| *p).collect();
                // Nothing that new yet: what comes next.
                let ends = offsets::list(cluster, topic, &late, LATEST)?;
                Ok(found.into_iter().chain(ends).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Position;

    #[test]
    fn words_and_numbers() {
        let check = |text: &str, expected| assert_eq!(text.parse(), Ok(expected));
        check("start", Position::Start);
        check("beginning", Position::Start);
        check("end", Position::End);
        check("17", Position::Offset(17));
        check("-5", Position::Back(5));
        check("@1700000000000", Position::Time(1_700_000_000_000));
        for bad in ["", "-", "@", "--5", "x", "1.5", "99999999999999999999"] {
            assert!(bad.parse::<Position>().is_err(), "{bad}");
        }
    }
}
