//! The model that is served at the moment, which may be replaced while requests come in.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::Served;

/// The model that is served at the moment. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Live(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    current: RwLock<Served>,
    replaced: AtomicU64,
}

impl Live {
    /// Begins with a model.
    pub fn new(served: Served) -> Self {
        Self(Arc::new(Inside { current: RwLock::new(served), replaced: AtomicU64::new(0) }))
    }

    /// The model for a request that has come in now. It answers it even if it is replaced meanwhile.
    pub fn current(&self) -> Served {
        self.0.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on `served` answers. The model before it is returned, for what is left to do: its
    /// last requests, and its workers.
    pub fn replace(&self, served: Served) -> Served {
        let mut current = self.0.current.write().unwrap_or_else(PoisonError::into_inner);
        self.0.replaced.fetch_add(1, Ordering::Relaxed);
        std::mem::replace(&mut current, served)
    }

    /// How often the model was replaced.
    pub fn replaced(&self) -> u64 {
        self.0.replaced.load(Ordering::Relaxed)
    }
}
