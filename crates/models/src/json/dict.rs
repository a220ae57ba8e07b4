//! An object that keeps the order of its members.

use std::collections::HashMap;

use super::Value;

/// From this many members on, equal keys are found with a table instead of by looking at each pair.
const TABLE_FROM: usize = 16;

/// A JSON object: its members in order, each key once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dict {
    members: Vec<(String, Value)>,
}

impl Dict {
    /// An object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Members as they were read: of equal keys the first gives the place and the last the value.
    pub fn from_members(members: Vec<(String, Value)>) -> Self {
        if !has_equal_keys(&members) {
            return Self { members };
        }
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut kept: Vec<(String, Value)> = Vec::with_capacity(members.len());
        for (key, value) in members {
            if let Some(&at) = places.get(&key) {
                kept[at].1 = value;
            } else {
                places.insert(key.clone(), kept.len());
                kept.push((key, value));
            }
        }
        Self { members: kept }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.members.iter().find(|(k, _)| k == key).map(|(_, value)| value)
    }

    /// Sets a key's value, at the end if the key is new.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        let (key, value) = (key.into(), value.into());
        match self.members.iter_mut().find(|(k, _)| *k == key) {
            Some(member) => member.1 = value,
            None => self.members.push((key, value)),
        }
    }

    /// Takes a key out and gives its value.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.members.iter().position(|(k, _)| k == key)?;
        Some(self.members.remove(at).1)
    }

    /// The members in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.members.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The keys in their order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.members.iter().map(|(key, _)| key.as_str())
    }

    /// The members, by value.
    pub fn into_members(self) -> Vec<(String, Value)> {
        self.members
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

fn has_equal_keys(members: &[(String, Value)]) -> bool {
    if members.len() < TABLE_FROM {
        return members
            .iter()
            .enumerate()
            .any(|(at, (key, _))| members[..at].iter().any(|(earlier, _)| earlier == key));
    }
    let mut seen = std::collections::HashSet::with_capacity(members.len());
    !members.iter().all(|(key, _)| seen.insert(key.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_keys_the_first_gives_the_place_and_the_last_the_value() {
        for extra in [0, 40] {
            let mut members: Vec<(String, Value)> =
                (0..extra).map(|n| (format!("k{n}"), Value::Int(n))).collect();
            for (key, value) in [("a", 1), ("b", 2), ("a", 3)] {
                members.push((key.to_owned(), Value::Int(value)));
            }
            let dict = Dict::from_members(members);
            let last: Vec<_> = dict.iter().skip(usize::try_from(extra).unwrap()).collect();
            assert_eq!(last, [("a", &Value::Int(3)), ("b", &Value::Int(2))]);
        }
    }
}
