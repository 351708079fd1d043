//! Reading the answers of `POST /api/commands`: one JSON object a line, in the order of the commands.

use std::borrow::Cow;

use serde::Deserialize;

use crate::import::wire::CommandName;

/// An answer is short; anything longer is not one.
const ANSWER_MAX_BYTES: usize = 256 * 1024;

/// The answer to one command.
#[derive(Debug, Deserialize)]
pub(super) struct Answer<'a> {
    /// The line of the request, counted from 1.
    pub(super) line: u64,
    pub(super) status: u16,
    #[serde(default)]
    pub(super) repeated: bool,
    #[serde(borrow, default)]
    pub(super) code: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) detail: Cow<'a, str>,
}

/// What an answer means for the import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It is done now.
    Applied,
    /// It was done before.
    Repeated,
    /// The answer will be the same next time.
    Refused,
    /// Nobody with this token may do that: all others would be refused too.
    NotAllowed,
    /// Not now, or nobody knows: send it again.
    Again,
}

impl Answer<'_> {
    pub(super) fn meaning(&self, command: CommandName) -> Meaning {
        match self.status {
            200..=299 if self.repeated => Meaning::Repeated,
            200..=299 => Meaning::Applied,
            401 | 403 => Meaning::NotAllowed,
            408 | 429 | 500..=599 => Meaning::Again,
            _ if self.is_started_before(command) => Meaning::Repeated,
            _ => Meaning::Refused,
        }
    }

    /// A longer history may begin a conversation with another author than the import before it did; who was first
    /// stays its owner.
    fn is_started_before(&self, command: CommandName) -> bool {
        command == CommandName::StartConversation
            && matches!(
                self.code.as_ref(),
                "idempotency.key-reused" | "conversation.already-exists"
            )
    }
}

/// Cuts a stream of bytes into lines.
#[derive(Debug, Default)]
pub(super) struct LineSplitter {
    partial: Vec<u8>,
}

/// The stream holds something that cannot be a line of answers.
#[derive(Debug)]
pub(super) struct LineTooLong;

impl LineSplitter {
    /// Gives every line that `chunk` completes to `each`, until that returns an error.
    pub(super) fn feed<E: From<LineTooLong>>(
        &mut self,
        chunk: &[u8],
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            if let (true, Some(line)) = (self.partial.is_empty(), piece.strip_suffix(b"\n")) {
                each(line)?;
                continue;
            }
            self.partial.extend_from_slice(piece);
            if self.partial.len() > ANSWER_MAX_BYTES {
                return Err(LineTooLong.into());
            }
            if self.partial.last() == Some(&b'\n') {
                let line = std::mem::take(&mut self.partial);
                each(&line)?;
            }
        }
        Ok(())
    }
}
