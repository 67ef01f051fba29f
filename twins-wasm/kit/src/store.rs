//! Ordered tables that can take back what one call did.
//!
//! Every write notes the previous value of its key once. [`Session`](crate::Session) commits after a call that succeeded and
//! rolls back after one that did not, so a failed action leaves no trace.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};

/// Anything that can forget or undo the writes since the last commit.
pub trait Journal {
    fn changed(&self) -> bool;
    fn commit(&mut self);
    fn rollback(&mut self);
}

/// A state: names every journal in it. Missing one here means its writes survive a failed call, so keep the list complete.
pub trait Store {
    fn each(&mut self, visit: &mut dyn FnMut(&mut dyn Journal));
}

/// Implements [`Store`] by naming every table and cell of a state once and, behind `stores`, every store within it. A field that
/// is left out does not compile.
#[macro_export]
macro_rules! store {
    ($state:ident { $($table:ident),* $(,)? } $(stores { $($store:ident),* $(,)? })?) => {
        impl $crate::store::Store for $state {
            fn each(&mut self, visit: &mut dyn FnMut(&mut dyn $crate::store::Journal)) {
                let Self { $($table,)* $($($store,)*)? } = self;
                $(visit($table);)*
                $($($crate::store::Store::each($store, visit);)*)?
            }
        }
    };
}

/// What a table knows of its rows besides their order, such as which of them share a property. It is told of every change of
/// a call when that call commits, so it shows the rows as they were before the call.
pub trait Index<K, V> {
    /// A row appeared (`old` is absent), changed or went away (`new` is absent).
    fn update(&mut self, key: &K, old: Option<&V>, new: Option<&V>);
}

/// Nothing is known.
impl<K, V> Index<K, V> for () {
    fn update(&mut self, _key: &K, _old: Option<&V>, _new: Option<&V>) {}
}

/// A map ordered by key, with undo.
#[derive(Debug, Clone)]
pub struct Table<K, V, I = ()> {
    rows: BTreeMap<K, V>,
    undo: BTreeMap<K, Option<V>>,
    index: I,
}

impl<K, V, I: Default> Default for Table<K, V, I> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), undo: BTreeMap::new(), index: I::default() }
    }
}

impl<K: Ord + Clone, V: Clone, I> Table<K, V, I> {
    /// What is known of the committed rows.
    pub fn index(&self) -> &I {
        &self.index
    }

    /// Rows that changed since the last commit, which the index does not know yet: key, value before, value now.
    pub fn pending(&self) -> impl Iterator<Item = (&K, Option<&V>, Option<&V>)> {
        self.undo.iter().map(|(key, old)| (key, old.as_ref(), self.rows.get(key)))
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    pub fn contains(&self, key: &K) -> bool {
        self.rows.contains_key(key)
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> + ExactSizeIterator {
        self.rows.iter()
    }

    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + ExactSizeIterator {
        self.rows.keys()
    }

    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator {
        self.rows.values()
    }

    /// Rows whose keys lie in `range`, in order.
    pub fn range<R: RangeBounds<K>>(&self, range: R) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.rows.range(range)
    }

    /// Rows from `first` on for as long as `belongs` holds: a prefix scan over compound keys.
    pub fn prefix<'a>(
        &'a self,
        first: K,
        belongs: impl Fn(&K) -> bool + 'a,
    ) -> impl Iterator<Item = (&'a K, &'a V)> + 'a {
        self.rows.range((Bound::Included(first), Bound::Unbounded)).take_while(move |(key, _)| belongs(key))
    }

    pub fn last(&self) -> Option<(&K, &V)> {
        self.rows.last_key_value()
    }

    pub fn insert(&mut self, key: K, value: V) {
        let old = self.rows.insert(key.clone(), value);
        self.undo.entry(key).or_insert(old);
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        let old = self.rows.remove(key)?;
        self.undo.entry(key.clone()).or_insert_with(|| Some(old.clone()));
        Some(old)
    }

    /// The row for writing; its previous value is kept for undo.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let row = self.rows.get_mut(key)?;
        self.undo.entry(key.clone()).or_insert_with(|| Some(row.clone()));
        Some(row)
    }

    /// Removes every row. The undo entry holds them until the commit.
    pub fn clear(&mut self) {
        for (key, value) in std::mem::take(&mut self.rows) {
            self.undo.entry(key).or_insert(Some(value));
        }
    }
}

impl<K: Ord + Clone, V: Clone, I: Index<K, V>> Journal for Table<K, V, I> {
    fn changed(&self) -> bool {
        !self.undo.is_empty()
    }

    fn commit(&mut self) {
        for (key, old) in std::mem::take(&mut self.undo) {
            self.index.update(&key, old.as_ref(), self.rows.get(&key));
        }
    }

    fn rollback(&mut self) {
        for (key, old) in std::mem::take(&mut self.undo) {
            match old {
                Some(value) => {
                    self.rows.insert(key, value);
                }
                None => {
                    self.rows.remove(&key);
                }
            }
        }
    }
}

/// One value with undo, for counters and settings.
#[derive(Debug, Clone, Default)]
pub struct Cell<V> {
    value: V,
    undo: Option<V>,
}

impl<V: Clone> Cell<V> {
    pub fn new(value: V) -> Self {
        Self { value, undo: None }
    }

    pub fn get(&self) -> &V {
        &self.value
    }

    pub fn set(&mut self, value: V) {
        let old = std::mem::replace(&mut self.value, value);
        self.undo.get_or_insert(old);
    }
}

impl Cell<u64> {
    /// Adds one and returns the new value: an id.
    #[expect(clippy::should_implement_trait, reason = "a counter is no iterator; \"the next id\" is what it is called")]
    pub fn next(&mut self) -> u64 {
        let next = self.value + 1;
        self.set(next);
        next
    }

    /// Makes sure that later ids are above `value`.
    pub fn at_least(&mut self, value: u64) {
        if self.value < value {
            self.set(value);
        }
    }
}

impl<V: Clone> Journal for Cell<V> {
    fn changed(&self) -> bool {
        self.undo.is_some()
    }

    fn commit(&mut self) {
        self.undo = None;
    }

    fn rollback(&mut self) {
        if let Some(old) = self.undo.take() {
            self.value = old;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollback_takes_back_inserts_changes_and_removals() {
        let mut table: Table<_, _> = Table::default();
        table.insert(1, "one".to_owned());
        table.insert(2, "two".to_owned());
        table.commit();
        table.insert(3, "three".to_owned());
        table.get_mut(&1).unwrap().push('!');
        table.get_mut(&1).unwrap().push('?');
        table.remove(&2);
        assert!(table.changed());
        table.rollback();
        let rows: Vec<_> = table.iter().map(|(key, value)| (*key, value.as_str())).collect();
        assert_eq!(rows, [(1, "one"), (2, "two")]);
        assert!(!table.changed());
    }

    #[test]
    fn a_row_removed_and_put_back_returns_to_its_first_value() {
        let mut table: Table<_, _> = Table::default();
        table.insert('a', 1);
        table.commit();
        table.remove(&'a');
        table.insert('a', 2);
        table.clear();
        table.rollback();
        assert_eq!(table.get(&'a'), Some(&1));
    }

    /// How many rows hold each value.
    #[derive(Default)]
    struct Counted(BTreeMap<&'static str, usize>);

    impl Index<u8, &'static str> for Counted {
        fn update(&mut self, _key: &u8, old: Option<&&'static str>, new: Option<&&'static str>) {
            if let Some(old) = old {
                *self.0.get_mut(old).unwrap() -= 1;
            }
            if let Some(new) = new {
                *self.0.entry(new).or_default() += 1;
            }
        }
    }

    #[test]
    fn an_index_follows_commits_and_never_sees_a_rollback() {
        let mut table = Table::<u8, &'static str, Counted>::default();
        table.insert(1, "red");
        table.insert(2, "red");
        table.commit();
        *table.get_mut(&2).unwrap() = "blue";
        table.insert(3, "blue");
        assert_eq!(table.index().0, BTreeMap::from([("red", 2)]));
        table.rollback();
        table.remove(&1);
        *table.get_mut(&2).unwrap() = "green";
        table.commit();
        assert_eq!(table.index().0, BTreeMap::from([("red", 0), ("green", 1)]));
    }

    #[test]
    fn a_counter_goes_back_with_the_call_that_failed() {
        let mut counter = Cell::<u64>::default();
        assert_eq!(counter.next(), 1);
        counter.commit();
        counter.next();
        counter.next();
        counter.rollback();
        assert_eq!(counter.next(), 2);
    }
}
