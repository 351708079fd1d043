//! Who wrote a stream last, when it was another node.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::judging::Judged;

/// Streams that are remembered; then all are forgotten, since a hint may be lost.
const STREAMS: usize = 50_000;

/// The authors of newest commits.
pub(super) struct OtherAuthors {
    own: String,
    by_stream: Mutex<HashMap<u128, Arc<str>>>,
}

impl OtherAuthors {
    /// Of a node that calls itself so in its commits.
    pub(super) fn than(own: &str) -> Self {
        Self {
            own: own.to_owned(),
            by_stream: Mutex::default(),
        }
    }

    pub(super) fn of(&self, stream: u128) -> Option<String> {
        self.by_stream().get(&stream).map(ToString::to_string)
    }

    /// Takes note of what was accepted.
    pub(super) fn note(&self, judged: &[Judged]) {
        let mut by_stream = self.by_stream();
        for judged in judged.iter().filter(|judged| judged.accepted) {
            let Some(header) = &judged.header else { continue };
            let stream = header.candidate.stream;
            if header.author.is_empty() || header.author == self.own {
                if !by_stream.is_empty() {
                    by_stream.remove(&stream);
                }
            } else {
                if by_stream.len() >= STREAMS {
                    by_stream.clear();
                }
                by_stream.insert(stream, Arc::from(header.author.as_str()));
            }
        }
    }

    fn by_stream(&self) -> MutexGuard<'_, HashMap<u128, Arc<str>>> {
        self.by_stream.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
