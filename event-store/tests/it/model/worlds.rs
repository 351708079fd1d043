//! The small worlds that are explored, each to its end.
//!
//! Together they would be one world too large to explore, so each has what one part of the protocol is about.

use std::sync::Arc;

use super::deciding::{Command, Entry, Rule, Stream};
use super::log::{Author, Content, Record, signed};
use super::scenario::{Ask, Request, Scenario};
use super::state::Chances;

/// The journal lags, catches up once, and lags again.
const JOURNAL_ONCE: Chances = Chances {
    journal_turns: 1,
    duplicates: 0,
    crashes: 0,
    restores: 0,
};

impl Scenario {
    /// Two nodes race with different commands on one stream, and a client tries one of them again through the third.
    pub(super) fn race() -> Self {
        let requests = vec![handle(0, &[ADD]), handle(1, &[CREATE]), handle(2, &[ADD])];
        Self::new(requests, JOURNAL_ONCE)
    }

    /// A race in which every record may land twice.
    pub(super) fn duplicates() -> Self {
        let requests = vec![handle(0, &[ADD]), handle(1, &[CHANGE]), handle(2, &[ADD])];
        let chances = Chances {
            duplicates: 2,
            ..Chances::default()
        };
        Self {
            rounds: 1,
            ..Self::new(requests, chances)
        }
    }

    /// A node may go while its record is in flight; the client tries again through another, and the first may come back.
    pub(super) fn crash() -> Self {
        let requests = vec![handle(0, &[ADD]), handle(1, &[ADD]), handle(2, &[CHANGE])];
        let chances = Chances {
            crashes: 1,
            ..JOURNAL_ONCE
        };
        Self {
            rounds: 1,
            ..Self::new(requests, chances)
        }
    }

    /// A node works on one stream twice, the second time from its cache, while others write to that stream.
    pub(super) fn warm_cache() -> Self {
        let requests = vec![handle(0, &[ADD]), handle(0, &[CHANGE]), handle(1, &[CREATE])];
        Self::new(requests, JOURNAL_ONCE)
    }

    /// Two commands waited in one queue, and the second is refused on top of the first.
    pub(super) fn overlay() -> Self {
        let requests = vec![handle(0, &[ADD, CREATE]), handle(1, &[CREATE]), handle(2, &[ADD])];
        Self::new(requests, JOURNAL_ONCE)
    }

    /// A command is tried again after its deadline and refused strictly, while the first attempt may be in flight.
    pub(super) fn strict_refusal() -> Self {
        let late = Request {
            is_late: true,
            ..handle(1, &[EXPIRING])
        };
        let requests = vec![handle(0, &[EXPIRING]), late, handle(2, &[ADD])];
        Self {
            strict: true,
            ..Self::new(requests, JOURNAL_ONCE)
        }
    }

    /// The same without fences: such a refusal binds its own attempt only.
    pub(super) fn plain_refusal() -> Self {
        Self {
            strict: false,
            ..Self::strict_refusal()
        }
    }

    /// An operator fences one stream and all streams, while both are written to.
    pub(super) fn fences() -> Self {
        let fence = |node, ask| Request {
            node,
            is_late: false,
            ask,
        };
        let requests = vec![
            handle(0, &[ADD]),
            handle(0, &[OTHER]),
            fence(1, Ask::FenceStream(Stream::First)),
            fence(2, Ask::FenceCategory),
        ];
        let chances = JOURNAL_ONCE;
        Self {
            rounds: 1,
            ..Self::new(requests, chances)
        }
    }

    /// The history of the stream lies before the readers' windows, and the journal has not taken it yet. It begins in the
    /// middle, because the window has to be filled first.
    pub(super) fn long_history() -> Self {
        let requests = vec![handle(0, &[CHANGE]), handle(1, &[CREATE]), handle(2, &[ADD])];
        let others = ['p', 'q', 'r', 's'].map(|name| command(name, Stream::Second, Rule::Never));
        let others = (0..others.len()).map(|index| before(others[index], signed(index), &others[..index]));
        Self {
            rounds: 1,
            log: std::iter::once(before(CREATED, -1, &[])).chain(others).collect(),
            ..Self::new(requests, JOURNAL_ONCE)
        }
    }

    /// A record of a node that is long gone is still in flight, decided on the empty stream. What came in between is about
    /// to leave the readers' windows. It begins in the middle, or the window would have to be filled in every order.
    pub(super) fn zombie() -> Self {
        let requests = vec![handle(0, &[OTHER]), handle(1, &[ADD])];
        Self {
            log: vec![before(CREATE, -1, &[]), before(OLDER, 0, &[])],
            in_flight: vec![before(ADD, -1, &[])],
            journaled: 1,
            ..Self::new(requests, JOURNAL_ONCE)
        }
    }

    /// The record of the node that is gone may land twice: once while its window is open, and once after.
    pub(super) fn zombie_lands_twice() -> Self {
        Self {
            requests: vec![handle(0, &[OTHER])],
            chances: Chances {
                duplicates: 1,
                ..JOURNAL_ONCE
            },
            ..Self::zombie()
        }
    }

    /// The journal was put back to an older state, below where two of the nodes began, and a record that was decided on the
    /// older state is in flight. It begins in the middle, for all of that takes many steps to come about.
    pub(super) fn restored_journal() -> Self {
        let requests = vec![handle(0, &[ADD]), handle(1, &[CHANGE])];
        Self {
            rounds: 1,
            log: vec![
                before(CREATE, -1, &[]),
                before(OLDER, 0, &[]),
                before(CHANGED, 1, &[CREATE]),
            ],
            in_flight: vec![before(ADD, 0, &[CREATE])],
            journaled: 1,
            started_at: vec![2, 3],
            ..Self::new(
                requests,
                Chances {
                    journal_turns: 2,
                    crashes: 1,
                    ..Chances::default()
                },
            )
        }
    }

    /// The same, but the journal is put back only while the nodes work.
    pub(super) fn journal_restored_meanwhile() -> Self {
        Self {
            journaled: 3,
            chances: Chances {
                restores: 1,
                ..JOURNAL_ONCE
            },
            ..Self::restored_journal()
        }
    }
}

fn handle(node: usize, commands: &[Command]) -> Request {
    Request {
        node,
        is_late: false,
        ask: Ask::Handle(commands.to_vec()),
    }
}

/// A commit that was written before the scenario begins.
fn before(command: Command, seen: i64, decided_on: &[Command]) -> Arc<Record> {
    Arc::new(Record {
        author: Author::Before(command.name),
        content: Content::Commit {
            commands: vec![command],
            expected: decided_on.len(),
        },
        stream: command.stream,
        seen,
        decided_on: decided_on.iter().copied().map(Entry::Done).collect(),
    })
}

const fn command(name: char, stream: Stream, rule: Rule) -> Command {
    Command { name, stream, rule }
}

const ADD: Command = command('a', Stream::First, Rule::Never);
const CREATE: Command = command('c', Stream::First, Rule::OnceThereAreEvents);
const CREATED: Command = command('d', Stream::First, Rule::OnceThereAreEvents);
const CHANGE: Command = command('g', Stream::First, Rule::WhileThereAreNoEvents);
const CHANGED: Command = command('h', Stream::First, Rule::WhileThereAreNoEvents);
const EXPIRING: Command = command('e', Stream::First, Rule::AfterItsDeadline);
const OTHER: Command = command('o', Stream::Second, Rule::Never);
const OLDER: Command = command('p', Stream::Second, Rule::Never);
