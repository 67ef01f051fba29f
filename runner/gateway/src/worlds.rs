//! The worlds of one listener: the default one, which every session reads and writes that was not made by itself, and those
//! that were.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::world::World;

/// All worlds by session.
#[derive(Debug)]
pub(crate) struct Worlds {
    default: Arc<World>,
    own: RwLock<HashMap<String, Entry>>,
}

#[derive(Debug, Clone)]
enum Entry {
    Live(Arc<World>),
    /// Deleted or expired. The name is not given to the default world again.
    Gone,
}

impl Worlds {
    pub(crate) fn new(default: World) -> Self {
        Self { default: Arc::new(default), own: RwLock::default() }
    }

    pub(crate) fn default_world(&self) -> &Arc<World> {
        &self.default
    }

    /// The world of a session; `None` when it had one of its own that is gone.
    pub(crate) fn find(&self, sid: &str, now: u64) -> Option<Arc<World>> {
        let entry = self.own.read().unwrap_or_else(PoisonError::into_inner).get(sid).cloned();
        match entry {
            None => Some(Arc::clone(&self.default)),
            Some(Entry::Gone) => None,
            Some(Entry::Live(world)) if is_over(&world, now) => {
                self.remove(sid);
                None
            }
            Some(Entry::Live(world)) => Some(world),
        }
    }

    /// The world that was made for this session, and only that.
    pub(crate) fn own(&self, sid: &str, now: u64) -> Option<Arc<World>> {
        self.find(sid, now).filter(|world| !Arc::ptr_eq(world, &self.default))
    }

    pub(crate) fn insert(&self, sid: String, world: World) {
        self.own.write().unwrap_or_else(PoisonError::into_inner).insert(sid, Entry::Live(Arc::new(world)));
    }

    /// Ends a world; the one that was there is returned.
    pub(crate) fn remove(&self, sid: &str) -> Option<Arc<World>> {
        let mut own = self.own.write().unwrap_or_else(PoisonError::into_inner);
        match own.get_mut(sid).map(|entry| std::mem::replace(entry, Entry::Gone)) {
            Some(Entry::Live(world)) => Some(world),
            Some(Entry::Gone) | None => None,
        }
    }

    /// All live worlds of their own, by name.
    pub(crate) fn list(&self, now: u64) -> Vec<(String, Arc<World>)> {
        self.sweep(now);
        let own = self.own.read().unwrap_or_else(PoisonError::into_inner);
        let mut list: Vec<_> = own
            .iter()
            .filter_map(|(sid, entry)| match entry {
                Entry::Live(world) => Some((sid.clone(), Arc::clone(world))),
                Entry::Gone => None,
            })
            .collect();
        list.sort_by(|a, b| a.1.created.cmp(&b.1.created).then_with(|| a.0.cmp(&b.0)));
        list
    }

    /// Ends what has expired.
    pub(crate) fn sweep(&self, now: u64) {
        let over: Vec<String> = {
            let own = self.own.read().unwrap_or_else(PoisonError::into_inner);
            own.iter()
                .filter(|(_, entry)| matches!(entry, Entry::Live(world) if is_over(world, now)))
                .map(|(sid, _)| sid.clone())
                .collect()
        };
        for sid in over {
            self.remove(&sid);
        }
    }
}

fn is_over(world: &World, now: u64) -> bool {
    world.expires.is_some_and(|expires| expires <= now)
}
