//! What the rows of one page load together: the first row that is asked for a nested object loads it for all of them,
//! with one statement. No page costs more statements than it has levels.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;

use tokio::sync::{Mutex, OnceCell};
use uuid::Uuid;

use crate::error::QueryError;

/// Objects of one kind for all rows of a page, by id.
pub(crate) struct Siblings<T> {
    loaded: OnceCell<HashMap<Uuid, T>>,
}

impl<T> Default for Siblings<T> {
    fn default() -> Self {
        Self {
            loaded: OnceCell::new(),
        }
    }
}

impl<T: Clone> Siblings<T> {
    /// The object of one row; `load` runs for the first row that asks.
    pub(crate) async fn get<F>(&self, id: Uuid, load: impl FnOnce() -> F) -> Result<Option<T>, QueryError>
    where
        F: Future<Output = Result<HashMap<Uuid, T>, QueryError>>,
    {
        Ok(self.loaded.get_or_try_init(load).await?.get(&id).cloned())
    }
}

/// The same, for fields with arguments: one load for each set of arguments.
pub(crate) struct SiblingsByArguments<A, T> {
    loaded: Mutex<HashMap<A, HashMap<Uuid, T>>>,
}

impl<A, T> Default for SiblingsByArguments<A, T> {
    fn default() -> Self {
        Self {
            loaded: Mutex::new(HashMap::new()),
        }
    }
}

impl<A: Eq + Hash, T: Clone> SiblingsByArguments<A, T> {
    /// The object of one row; `load` runs for the first row that asks with these arguments.
    pub(crate) async fn get<F>(&self, id: Uuid, arguments: A, load: impl FnOnce() -> F) -> Result<Option<T>, QueryError>
    where
        F: Future<Output = Result<HashMap<Uuid, T>, QueryError>>,
    {
        let mut loaded = self.loaded.lock().await;
        if let Some(rows) = loaded.get(&arguments) {
            return Ok(rows.get(&id).cloned());
        }
        let rows = load().await?;
        let found = rows.get(&id).cloned();
        loaded.insert(arguments, rows);
        Ok(found)
    }
}
