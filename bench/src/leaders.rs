//! Which broker leads each partition, and whom a connection is to. A load that is given one address
//! takes it for all.

use crate::Failure;
use std::ops::Range;
use std::rc::Rc;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leaders {
    /// Each once, host:port.
    addresses: Vec<String>,
    /// The place of each partition's leader there; empty if one leads all.
    places: Vec<usize>,
}

/// What one of several connections is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Share {
    /// Place of the broker it is to.
    pub broker: usize,
    /// Its number among those to the same broker, and how many they are.
    pub place: usize,
    pub count: usize,
}

impl Leaders {
    /// One broker leads all partitions.
    pub fn one(address: &str) -> Leaders {
        Leaders { addresses: vec![address.to_owned()], places: Vec::new() }
    }

    /// The leader of each partition, from 0.
    pub fn new(leaders: &[String]) -> Leaders {
        assert!(!leaders.is_empty());
        let mut addresses: Vec<String> = Vec::new();
        let mut places = Vec::with_capacity(leaders.len());
        for leader in leaders {
            let known = addresses.iter().position(|address| address == leader);
            places.push(known.unwrap_or(addresses.len()));
            if known.is_none() {
                addresses.push(leader.clone());
            }
        }
        Leaders { addresses, places }
    }

    pub fn brokers(&self) -> usize {
        self.addresses.len()
    }

    pub fn address(&self, broker: usize) -> &str {
        &self.addresses[broker]
    }

    /// The place of the broker that leads a partition.
    pub fn of(&self, partition: usize) -> usize {
        if self.brokers() == 1 { 0 } else { self.places[partition] }
    }

    /// Connections go to the brokers in turn; there must be one for each.
    pub fn share(&self, number: usize, connections: usize) -> Result<Share, Failure> {
        let brokers = self.brokers();
        if connections < brokers {
            let why = format!("{brokers} brokers lead the partitions, too many for {connections}");
            return Err(format!("{why} connections").into());
        }
        let broker = number % brokers;
        let count = (connections - broker).div_ceil(brokers);
        Ok(Share { broker, place: number / brokers, count })
    }

    /// For each broker the requests it takes; `partitions_of` gives the partitions of each.
    pub fn groups(
        &self,
        groups: usize,
        partitions_of: impl Fn(usize) -> Range<usize>,
    ) -> Result<Vec<Rc<[usize]>>, Failure> {
        let mut found = vec![Vec::new(); self.brokers()];
        for group in 0..groups {
            let mut partitions = partitions_of(group);
            let broker = partitions.next().map_or(0, |first| self.of(first));
            if partitions.any(|partition| self.of(partition) != broker) {
                return Err("partitions that share a request have different leaders".into());
            }
            found[broker].push(group);
        }
        Ok(found.into_iter().map(Rc::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{Leaders, Share};

    fn three() -> Leaders {
        Leaders::new(&["b:1", "a:1", "b:1", "c:1"].map(str::to_owned))
    }

    #[test]
    fn each_leader_is_known_once() {
        let leaders = three();
        assert_eq!((leaders.brokers(), leaders.address(0)), (3, "b:1"));
        let places: Vec<usize> = (0..4).map(|partition| leaders.of(partition)).collect();
        assert_eq!(places, [0, 1, 0, 2]);
        assert_eq!(Leaders::one("a:1").of(999), 0);
    }

    #[test]
    fn connections_are_shared_out() {
        let leaders = three();
        let shares: Vec<Share> =
            (0..5).map(|number| leaders.share(number, 5).expect("enough")).collect();
        let found: Vec<_> = shares.iter().map(|s| (s.broker, s.place, s.count)).collect();
        assert_eq!(found, [(0, 0, 2), (1, 0, 2), (2, 0, 1), (0, 1, 2), (1, 1, 2)]);
        let error = leaders.share(0, 2).expect_err("too few").to_string();
        assert_eq!(error, "3 brokers lead the partitions, too many for 2 connections");
    }

    #[test]
    fn requests_go_to_the_leader_of_their_partitions() {
        let groups = three().groups(4, |group| group..group + 1).expect("one partition each");
        assert_eq!(
            groups.iter().map(|found| found.to_vec()).collect::<Vec<_>>(),
            [vec![0, 2], vec![1], vec![3]]
        );
        let mixed = three().groups(2, |group| 2 * group..2 * group + 2);
        assert!(mixed.is_err_and(|error| error.to_string().contains("different leaders")));
    }
}
