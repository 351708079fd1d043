//! One operation that stands.

use std::sync::Arc;
use std::time::Duration;

use event_store::Cut;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::changes::Registration;
use super::cursor::{Cursor, CursorSlot, Told};
use crate::QueryApi;
use crate::answer::Answer;
use crate::caller::Caller;
use crate::error::ErrorCode;
use crate::execution::{self, Operation, Prepared};

/// Shortest time from one execution to the next: what changes within it is told together.
const COALESCED: Duration = Duration::from_millis(50);
/// The same after a failure that time may mend.
const PAUSE: Duration = Duration::from_secs(1);

/// An operation that is answered again and again. Answers are made when they are asked for.
pub(crate) struct Standing {
    api: QueryApi,
    caller: Arc<Caller>,
    prepared: Prepared,
    operation: Operation,
    registration: Registration,
    cursor: Cursor,
    /// Before this cut nothing has happened since the last execution that concerns it.
    quiet_until: Option<Cut>,
    /// The hash of the rows that were told last.
    last: Option<[u8; 32]>,
    next_at: Instant,
    /// Something is to be told, whether or not something changes.
    due: bool,
    ended: bool,
}

impl Standing {
    pub(crate) fn new(api: QueryApi, caller: Arc<Caller>, operation: Operation, prepared: Prepared) -> Self {
        Self {
            registration: api.live().register(caller.viewer.only_owner()),
            api,
            caller,
            prepared,
            operation,
            cursor: Cursor::default(),
            quiet_until: None,
            last: None,
            next_at: Instant::now(),
            due: true,
            ended: false,
        }
    }

    /// The next answer; none after one that was refused. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Option<Answer> {
        while !self.ended {
            if !self.due {
                let quiet_until = self.registration.changed().await;
                self.quiet_until = quiet_until;
                // If this is dropped from here on, the next call goes on from here.
                self.due = true;
            }
            tokio::time::sleep_until(self.next_at).await;
            if let Some(answer) = self.execute().await {
                return Some(answer);
            }
        }
        None
    }

    async fn execute(&mut self) -> Option<Answer> {
        let slot = Arc::new(CursorSlot::at(self.cursor.clone(), self.quiet_until.clone()));
        let executed = execution::run(
            &self.api,
            &self.caller,
            &self.prepared,
            &self.operation,
            Some(Arc::clone(&slot)),
        );
        let (answer, read) = executed.await;
        self.next_at = Instant::now() + COALESCED;
        if let Some(code) = answer.refused {
            return self.refused(code, answer);
        }
        // What is waited for from now on is waited for at once.
        self.operation.freshness = None;
        self.due = false;
        if let Some(read) = read {
            self.registration.wait_for(read.interests, &read.cut);
        }
        let (cursor, told) = slot.outcome();
        self.cursor = cursor;
        let is_first = self.last.is_none();
        let rows: [u8; 32] = Sha256::digest(answer.rows_to_json()).into();
        let is_other = self.last.replace(rows) != Some(rows);
        self.due = told == Told::MoreNews;
        if !self.due {
            self.quiet_until = None;
        }
        if self.due {
            self.next_at = Instant::now();
        }
        let is_news = match told {
            Told::Unsaid => is_other,
            Told::Nothing => is_first,
            Told::News | Told::MoreNews => true,
        };
        is_news.then_some(answer)
    }

    /// A database that is away comes back; what else is refused stays so.
    fn refused(&mut self, code: ErrorCode, answer: Answer) -> Option<Answer> {
        let may_mend = matches!(code, ErrorCode::Unavailable | ErrorCode::NotReady | ErrorCode::Timeout);
        if may_mend && self.last.is_some() {
            self.next_at = Instant::now() + PAUSE;
            return None;
        }
        self.ended = true;
        Some(answer)
    }
}
