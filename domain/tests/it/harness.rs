//! Given some events, when a command comes from somebody, then these events, this refusal, or silence.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Actor, Aggregate, Context, DomainEvent, Role, UserId};
use uuid::Uuid;

/// A person who owns what the specs are about.
pub(crate) fn owner() -> Actor {
    Actor {
        id: user(1),
        role: Role::User,
    }
}

/// A person who owns nothing of it.
pub(crate) fn stranger() -> Actor {
    Actor {
        id: user(2),
        role: Role::User,
    }
}

/// An admin who owns nothing of it.
pub(crate) fn admin() -> Actor {
    Actor {
        id: user(3),
        role: Role::Admin,
    }
}

/// An analyst; it commands nothing.
pub(crate) fn analyst() -> Actor {
    Actor {
        id: user(4),
        role: Role::Analyst,
    }
}

/// A worker or an importer.
pub(crate) fn service() -> Actor {
    Actor {
        id: user(5),
        role: Role::Service,
    }
}

pub(crate) fn user(number: u128) -> UserId {
    UserId::new(Uuid::from_u128(number))
}

/// The moment of every command that names no other.
pub(crate) fn noon() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

pub(crate) fn after_noon(milliseconds: i64) -> DateTime<Utc> {
    noon() + TimeDelta::milliseconds(milliseconds)
}

/// A text of so many characters, each of several bytes: lengths count characters.
pub(crate) fn text_of(characters: u64) -> String {
    "ü".repeat(usize::try_from(characters).unwrap())
}

/// The state after these events.
pub(crate) fn given<A: Aggregate>(beginning: fn() -> A, events: impl IntoIterator<Item = A::Event>) -> Given<A> {
    let mut state = beginning();
    for event in events {
        state.evolve(&event);
    }
    Given { state }
}

pub(crate) struct Given<A> {
    state: A,
}

impl<A: Aggregate> Given<A> {
    pub(crate) fn when(self, command: A::Command) -> When<A> {
        When {
            state: self.state,
            command,
        }
    }
}

pub(crate) struct When<A: Aggregate> {
    state: A,
    command: A::Command,
}

impl<A: Aggregate> When<A> {
    pub(crate) fn by(self, actor: Actor) -> Attempt<A> {
        let context = Context {
            actor,
            at: noon(),
            imported: false,
        };
        Attempt {
            state: self.state,
            command: self.command,
            context,
        }
    }
}

pub(crate) struct Attempt<A: Aggregate> {
    state: A,
    command: A::Command,
    context: Context,
}

impl<A: Aggregate> Attempt<A> {
    pub(crate) fn importing(mut self) -> Self {
        self.context.imported = true;
        self
    }

    pub(crate) fn at(mut self, at: DateTime<Utc>) -> Self {
        self.context.at = at;
        self
    }

    /// Exactly these events, each of which the log can hold; the state that follows them.
    #[track_caller]
    pub(crate) fn then(self, expected: impl IntoIterator<Item = A::Event>) -> A {
        let expected: Vec<A::Event> = expected.into_iter().collect();
        assert_eq!(
            self.state.decide(&self.command, &self.context),
            Ok(expected.clone()),
            "{:?}",
            self.command
        );
        let mut state = self.state;
        for event in expected {
            state.evolve(&event);
            assert_survives_the_log(&event.into());
        }
        state
    }

    #[track_caller]
    pub(crate) fn then_refused(self, refusal: A::Refusal) {
        assert_eq!(
            self.state.decide(&self.command, &self.context),
            Err(refusal),
            "{:?}",
            self.command
        );
    }

    #[track_caller]
    pub(crate) fn then_nothing_happened(self) {
        assert_eq!(
            self.state.decide(&self.command, &self.context),
            Ok(Vec::new()),
            "{:?}",
            self.command
        );
    }
}

/// Writes the event as the log holds it and reads it back.
#[track_caller]
pub(crate) fn assert_survives_the_log(event: &DomainEvent) {
    let encoded = domain::stored::encode(event);
    let decoded = domain::stored::decode(encoded.event_type, &encoded.data).unwrap();
    assert_eq!(&decoded, event);
}
