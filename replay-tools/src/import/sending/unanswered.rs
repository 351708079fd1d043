//! The commands of one lane that are not answered yet, oldest first. The first `sent` of them are under way.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use crate::import::mapping::MappedCommand;

/// More would only wait in buffers; the server itself works on fewer at once.
const WINDOW_COMMANDS: usize = 4_096;
const WINDOW_BYTES: usize = 8 * 1024 * 1024;
const CHUNK_BYTES: usize = 64 * 1024;

/// The window of a lane.
#[derive(Debug)]
pub(super) struct Unanswered {
    commands: VecDeque<MappedCommand>,
    bytes: usize,
    sent: usize,
    /// When the server last had a command to answer and did.
    progress: Instant,
}

impl Unanswered {
    pub(super) fn new() -> Self {
        Self {
            commands: VecDeque::new(),
            bytes: 0,
            sent: 0,
            progress: Instant::now(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    pub(super) fn has_room(&self) -> bool {
        self.commands.len() < WINDOW_COMMANDS && self.bytes < WINDOW_BYTES
    }

    pub(super) fn push(&mut self, command: MappedCommand) {
        if self.commands.is_empty() {
            self.progress = Instant::now();
        }
        self.bytes += command.json.len();
        self.commands.push_back(command);
    }

    /// Whether an answer is owed.
    pub(super) fn is_under_way(&self) -> bool {
        self.sent > 0
    }

    /// How many are not under way.
    pub(super) fn unsent(&self) -> usize {
        self.commands.len().saturating_sub(self.sent)
    }

    /// When nothing was owed, or the last answer came.
    pub(super) fn progress(&self) -> Instant {
        self.progress
    }

    /// The next piece of the request with the number of commands in it, at most `limit`.
    pub(super) fn take_chunk(&mut self, limit: usize) -> (Bytes, usize) {
        let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
        let mut count = 0;
        for command in self.commands.iter().skip(self.sent).take(limit) {
            if count > 0 && chunk.len() + command.json.len() > CHUNK_BYTES {
                break;
            }
            chunk.extend_from_slice(&command.json);
            count += 1;
        }
        self.sent += count;
        (chunk.freeze(), count)
    }

    /// The command that the next answer is for.
    pub(super) fn first_under_way(&self) -> Option<&MappedCommand> {
        self.commands.front().filter(|_| self.sent > 0)
    }

    /// Takes the first command out: it is answered.
    pub(super) fn answered(&mut self) {
        if let Some(command) = self.commands.pop_front() {
            self.bytes -= command.json.len();
            self.sent = self.sent.saturating_sub(1);
            self.progress = Instant::now();
        }
    }

    /// The request broke: everything that is unanswered counts as not sent.
    pub(super) fn send_again(&mut self) {
        self.sent = 0;
    }
}
