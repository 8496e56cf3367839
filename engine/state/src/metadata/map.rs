//! A sorted map whose copies share what did not change: a change of one entry of many thousands
//! copies one short run of entries and the list of runs. This is what makes an image cheap to
//! replace. A map that nobody else holds is changed in place.

use std::fmt;
use std::sync::Arc;

/// Entries in a run at most; a longer one is cut in halves.
const RUN_ENTRIES_MAX: usize = 64;

type Run<K, V> = Arc<Vec<(K, V)>>;

/// Invariants: runs are not empty, no longer than [`RUN_ENTRIES_MAX`], and sorted by key within
/// and among themselves.
pub struct Map<K, V> {
    runs: Arc<Vec<Run<K, V>>>,
    len: usize,
}

impl<K, V> Clone for Map<K, V> {
    fn clone(&self) -> Self {
        Map { runs: Arc::clone(&self.runs), len: self.len }
    }
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Map { runs: Arc::default(), len: 0 }
    }
}

impl<K, V> Map<K, V> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All entries in order of key.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.runs.iter().flat_map(|run| run.iter()).map(|(key, value)| (key, value))
    }
}

impl<K: Ord + Clone, V: Clone> Map<K, V> {
    /// Where `key` is, or where it would go: run, position in it, whether it is there.
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> (usize, usize, bool)
    where
        K: std::borrow::Borrow<Q>,
    {
        let starts_at_or_before =
            |run: &Run<K, V>| run.first().is_some_and(|(first, _)| first.borrow() <= key);
        let run = self.runs.partition_point(starts_at_or_before).saturating_sub(1);
        match self.runs.get(run) {
            None => (0, 0, false),
            Some(entries) => match entries.binary_search_by(|(k, _)| k.borrow().cmp(key)) {
                Ok(position) => (run, position, true),
                Err(position) => (run, position, false),
            },
        }
    }

    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let (run, position, found) = self.find(key);
        if !found {
            return None;
        }
        self.runs.get(run)?.get(position).map(|(_, value)| value)
    }

    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: std::borrow::Borrow<Q>,
    {
        self.find(key).2
    }

    /// The value of `key` for a change. What other maps share of the way there is copied.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let (run, position, found) = self.find(key);
        if !found {
            return None;
        }
        let run = Arc::make_mut(&mut self.runs).get_mut(run)?;
        Arc::make_mut(run).get_mut(position).map(|(_, value)| value)
    }

    /// Sets a value; returns the one that was there.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let (run, position, found) = self.find(&key);
        let runs = Arc::make_mut(&mut self.runs);
        if runs.is_empty() {
            runs.push(Arc::default());
        }
        let entries = Arc::make_mut(&mut runs[run]);
        if found {
            return Some(std::mem::replace(&mut entries[position].1, value));
        }
        entries.insert(position, (key, value));
        self.len += 1;
        if entries.len() > RUN_ENTRIES_MAX {
            let upper = entries.split_off(RUN_ENTRIES_MAX / 2);
            runs.insert(run + 1, Arc::new(upper));
        }
        None
    }

    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        let (run, position, found) = self.find(key);
        if !found {
            return None;
        }
        let runs = Arc::make_mut(&mut self.runs);
        let entries = Arc::make_mut(&mut runs[run]);
        let (_, value) = entries.remove(position);
        if entries.is_empty() {
            runs.remove(run);
        }
        self.len -= 1;
        Some(value)
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for Map<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Map, RUN_ENTRIES_MAX};
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn check_invariants(map: &Map<u32, u32>) {
        assert!(map.runs.iter().all(|run| !run.is_empty() && run.len() <= RUN_ENTRIES_MAX));
        let keys: Vec<u32> = map.iter().map(|(key, _)| *key).collect();
        assert!(keys.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(keys.len(), map.len());
    }

    #[test]
    fn behaves_as_the_standard_map_and_old_copies_stay() {
        let mut ours: Map<u32, u32> = Map::default();
        let mut model = BTreeMap::new();
        let mut copies = Vec::new();
        let mut state = 12345u32;
        for step in 0..5000u32 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let key = (state >> 16) % 700;
            if state & 0x300 == 0 {
                assert_eq!(ours.remove(&key), model.remove(&key));
            } else {
                assert_eq!(ours.insert(key, step), model.insert(key, step));
            }
            assert_eq!(ours.get(&key), model.get(&key));
            if let Some(value) = ours.get_mut(&(key / 2)) {
                *value += 1;
                *model.get_mut(&(key / 2)).expect("in both") += 1;
            }
            if step % 500 == 0 {
                copies.push((ours.clone(), model.clone()));
            }
        }
        copies.push((ours, model));
        for (ours, model) in copies {
            check_invariants(&ours);
            assert!(ours.iter().eq(model.iter()));
        }
    }

    #[test]
    fn a_change_copies_one_run() {
        let mut map: Map<u32, u32> = Map::default();
        for key in 0..10_000 {
            map.insert(key, key);
        }
        let before = map.clone();
        map.insert(5000, 1);
        let shared =
            before.runs.iter().zip(map.runs.iter()).filter(|(a, b)| Arc::ptr_eq(a, b)).count();
        assert_eq!(shared, before.runs.len() - 1);
        for key in 0..10_000 {
            map.remove(&key);
        }
        assert!(map.is_empty() && map.runs.is_empty());
        assert_eq!(before.len(), 10_000);
    }
}
