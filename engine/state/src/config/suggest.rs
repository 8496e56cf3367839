//! The known name nearest to one that is not: for a warning that helps.

/// Most edits between a mistyped name and the one meant, for every ten characters; at least two.
const EDITS_MAX_PER_TEN: usize = 3;

/// The nearest of `known` to `name` by count of edits (insert, delete, replace, swap neighbours),
/// ignoring case and taking `_` and `-` for a dot; the first of equals; `None` if none is near.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let name = plain(name);
    let edits_max = (name.len() * EDITS_MAX_PER_TEN / 10).max(2);
    let mut best: Option<(usize, &'k str)> = None;
    for candidate in known {
        // The difference of the lengths is the least count of edits.
        if candidate.len().abs_diff(name.len()) > edits_max {
            continue;
        }
        let edits = edits(&name, &plain(candidate));
        if edits <= edits_max && best.is_none_or(|(least, _)| edits < least) {
            best = Some((edits, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn plain(name: &str) -> Vec<char> {
    let dotted = |c: char| if matches!(c, '_' | '-') { '.' } else { c.to_ascii_lowercase() };
    name.chars().map(dotted).collect()
}

/// Edits from `source` to `target`, three rows of the usual table at a time.
fn edits(source: &[char], target: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=target.len()).collect();
    for (row, from) in source.iter().enumerate() {
        let mut current = Vec::with_capacity(above.len());
        current.push(row + 1);
        for (column, to) in target.iter().enumerate() {
            let replaced = above[column] + usize::from(from != to);
            let mut least = replaced.min(above[column + 1] + 1).min(current[column] + 1);
            let swapped =
                row > 0 && column > 0 && source[row - 1] == *to && target[column - 1] == *from;
            if swapped {
                least = least.min(before[column - 1] + 1);
            }
            current.push(least);
        }
        before = std::mem::replace(&mut above, current);
    }
    above[target.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;
    use crate::config::broker_keys;

    #[test]
    fn typing_mistakes_find_their_key() {
        let keys = broker_keys::sorted();
        for (typed, expected) in [
            ("log.retention.hour", Some("log.retention.hours")),
            ("log.retnetion.ms", Some("log.retention.ms")),
            ("num_partitions", Some("num.partitions")),
            ("Listeners", Some("listeners")),
            ("advertised.listener", Some("advertised.listeners")),
            ("tidemill.shard", Some("tidemill.shards")),
            ("my.own.plugin.setting", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, keys.iter().map(|key| key.name)), expected, "{typed}");
        }
    }
}
