//! What clients were told, against the journal. Pure.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use domain::id::created_by;
use domain::{CommandId, UserId};
use uuid::Uuid;

use super::{Check, JournaledEvent};
use crate::attempt::{Attempt, Outcome};

/// What commands caused, in order of revision.
type Effects<'a> = BTreeMap<Uuid, Vec<&'a JournaledEvent>>;

/// All promises. `events` are in order of stream and revision.
pub fn promises(attempts: &[Attempt], events: &[JournaledEvent]) -> Result<Vec<Check>> {
    let mut effects = Effects::new();
    for event in events {
        effects.entry(event.command).or_default().push(event);
    }
    let mut commands: BTreeMap<Uuid, Vec<&Attempt>> = BTreeMap::new();
    for attempt in attempts {
        commands.entry(attempt.scoped()?).or_default().push(attempt);
    }
    Ok(vec![
        nothing_acknowledged_is_lost(&commands, &effects),
        nothing_happened_twice(&effects),
        nothing_was_invented(&commands, &effects),
        nothing_denied_is_there(&commands, &effects),
        final_refusals_are_final(&commands, &effects),
        expected_revisions_were_met(&commands, &effects),
        answers_follow_each_other(attempts),
    ])
}

/// The command id of the place in the owner's quota that the start of an execution takes first.
pub fn quota_command(start: Uuid, principal: Uuid) -> Uuid {
    let reservation = created_by(start, "quota-reservation");
    CommandId::from_uuid(reservation).scoped(UserId::new(principal))
}

fn nothing_acknowledged_is_lost(commands: &BTreeMap<Uuid, Vec<&Attempt>>, effects: &Effects<'_>) -> Check {
    let mut check =
        Check::new("every command that a client was told is done is in the journal, at the revision of its answer");
    for (command, attempts) in commands {
        for attempt in attempts {
            let Outcome::Done { revision, .. } = attempt.outcome else {
                continue;
            };
            let last = effects.get(command).and_then(|events| events.last());
            let found = last.map(|event| (Some(&event.stream), event.revision));
            check.look(found == Some((attempt.stream.as_ref(), revision)), || {
                format!(
                    "{} was told revision {revision}, and the journal has {found:?}",
                    told(attempt)
                )
            });
        }
    }
    check
}

fn nothing_happened_twice(effects: &Effects<'_>) -> Check {
    let mut check = Check::new("no command happened twice: its events are in one commit, side by side");
    for (command, events) in effects {
        let together = events.windows(2).all(|pair| {
            let (one, next) = (pair[0], pair[1]);
            one.stream == next.stream
                && (one.partition, one.offset) == (next.partition, next.offset)
                && one.revision + 1 == next.revision
        });
        check.look(together, || {
            let places: Vec<String> = events
                .iter()
                .map(|event| format!("{} {} at offset {}", event.stream, event.revision, event.offset))
                .collect();
            format!("command {command} is at {}", places.join(" and at "))
        });
    }
    check
}

fn nothing_was_invented(commands: &BTreeMap<Uuid, Vec<&Attempt>>, effects: &Effects<'_>) -> Check {
    let mut check = Check::new("every event was caused by a command that a client gave");
    let mut reservations = BTreeSet::new();
    for (command, attempts) in commands {
        if let Some(attempt) = attempts.first()
            && matches!(attempt.command.as_str(), "start-execution" | "retry")
        {
            reservations.insert(quota_command(*command, attempt.principal));
        }
    }
    for (command, events) in effects {
        for event in events {
            let known = if event.stream.starts_with("quota-") {
                reservations.contains(command)
            } else {
                commands.contains_key(command)
            };
            check.look(known, || {
                format!(
                    "{} {} was caused by {command}, which nobody gave",
                    event.stream, event.revision
                )
            });
        }
    }
    check
}

fn nothing_denied_is_there(commands: &BTreeMap<Uuid, Vec<&Attempt>>, effects: &Effects<'_>) -> Check {
    let mut check = Check::new(
        "no command is there of which every attempt was refused, in conflict, not applied, or had nothing to do",
    );
    for (command, attempts) in commands {
        let denied = attempts
            .iter()
            .all(|attempt| !matches!(attempt.outcome, Outcome::Done { .. } | Outcome::Unknown { .. }));
        if denied {
            check.look(!effects.contains_key(command), || {
                let answers: Vec<&str> = attempts.iter().map(|attempt| attempt.outcome.name()).collect();
                let first = attempts.first().map(|attempt| told(attempt)).unwrap_or_default();
                format!("{first} was told {} and happened", answers.join(", "))
            });
        }
    }
    check
}

/// Also not by an attempt before or after it of which nobody knows.
fn final_refusals_are_final(commands: &BTreeMap<Uuid, Vec<&Attempt>>, effects: &Effects<'_>) -> Check {
    let mut check = Check::new("no command is there that was refused for good");
    for (command, attempts) in commands {
        let refused = |attempt: &&&Attempt| matches!(attempt.outcome, Outcome::Refused { is_final: true, .. });
        if let Some(attempt) = attempts.iter().find(refused) {
            check.look(!effects.contains_key(command), || {
                format!("{} was refused for good and happened", told(attempt))
            });
        }
    }
    check
}

fn expected_revisions_were_met(commands: &BTreeMap<Uuid, Vec<&Attempt>>, effects: &Effects<'_>) -> Check {
    let mut check =
        Check::new("a command that named a revision happened at exactly that one, or was in conflict with another");
    for (command, attempts) in commands {
        for attempt in attempts {
            let Some(expected) = attempt.expected_revision else {
                continue;
            };
            match attempt.outcome {
                Outcome::Done { .. } => {
                    let first = effects.get(command).and_then(|events| events.first());
                    let found = first.map(|event| event.revision);
                    check.look(found == Some(expected + 1), || {
                        format!("{} expected {expected} and happened at {found:?}", told(attempt))
                    });
                }
                Outcome::Conflict { current_revision } => check.look(current_revision != Some(expected), || {
                    format!(
                        "{} was in conflict with the revision {expected} that it had named",
                        told(attempt)
                    )
                }),
                _ => {}
            }
        }
    }
    check
}

/// What was acknowledged before a command was given is there for it: writes go above it, and answers about a state are not older.
fn answers_follow_each_other(attempts: &[Attempt]) -> Check {
    let mut check =
        Check::new("no answer is older than what was acknowledged on its stream before the command was given");
    let mut streams: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
    for attempt in attempts {
        if let Some(stream) = &attempt.stream {
            streams.entry(stream).or_default().push(attempt);
        }
    }
    for attempts in streams.values_mut() {
        let mut acknowledged: Vec<(u64, u64)> = attempts
            .iter()
            .filter_map(|attempt| match attempt.outcome {
                Outcome::Done { revision, .. } => Some((attempt.ended_at, revision)),
                _ => None,
            })
            .collect();
        acknowledged.sort_unstable();
        attempts.sort_unstable_by_key(|attempt| attempt.started_at);
        let mut earlier = acknowledged.into_iter().peekable();
        let mut highest: Option<u64> = None;
        for attempt in attempts {
            while let Some((_, revision)) = earlier.next_if(|(ended, _)| *ended < attempt.started_at) {
                highest = highest.max(Some(revision));
            }
            let holds = match attempt.outcome {
                Outcome::Done {
                    revision,
                    replayed: false,
                } => Some(revision) > highest,
                Outcome::Nothing { revision } => revision >= highest,
                Outcome::Conflict { current_revision } => current_revision >= highest,
                _ => continue,
            };
            check.look(holds, || {
                format!(
                    "{} was told {:?} after revision {highest:?} had been acknowledged",
                    told(attempt),
                    attempt.outcome
                )
            });
        }
    }
    check
}

fn told(attempt: &Attempt) -> String {
    let stream = attempt.stream.as_deref().unwrap_or("a new stream");
    format!(
        "{} with {} {} on {stream}",
        attempt.client, attempt.command, attempt.command_id
    )
}
