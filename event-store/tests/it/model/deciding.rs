//! A domain that is just large enough to have answers of every kind.

/// One of at most two streams, both of one category and in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Stream {
    First,
    Second,
}

/// What a client asks for. The whole value is the command id: a retry is an equal value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Command {
    pub(super) name: char,
    pub(super) stream: Stream,
    pub(super) rule: Rule,
}

/// When a command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Rule {
    Never,
    /// Like a creation.
    OnceThereAreEvents,
    /// Like a change.
    WhileThereAreNoEvents,
    /// By something that is not in the history, so that two attempts may come to two decisions on one state.
    AfterItsDeadline,
}

/// What a stream remembers. The revision is the number of things done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Entry {
    Done(Command),
    /// A fence recorded this refusal, so it is final.
    Refused(Command),
}

/// What a command comes to on some history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Decision {
    Append,
    Refuse,
    /// This command id is in the history already.
    Repeat(Entry),
}

pub(super) fn decide(history: &[Entry], command: Command, is_late: bool) -> Decision {
    let earlier = history
        .iter()
        .find(|entry| matches!(entry, Entry::Done(other) | Entry::Refused(other) if *other == command));
    if let Some(entry) = earlier {
        return Decision::Repeat(*entry);
    }
    let refused = match command.rule {
        Rule::Never => false,
        Rule::OnceThereAreEvents => revision(history) > 0,
        Rule::WhileThereAreNoEvents => revision(history) == 0,
        Rule::AfterItsDeadline => is_late,
    };
    if refused { Decision::Refuse } else { Decision::Append }
}

/// How many events the stream has, one for each command that was done.
pub(super) fn revision(history: &[Entry]) -> usize {
    history.iter().filter(|entry| matches!(entry, Entry::Done(_))).count()
}

/// Decides the commands of one stream in order, each on top of those before it.
pub(super) fn decide_all(history: &[Entry], commands: &[Command], is_late: bool) -> Vec<(Command, Decision)> {
    let mut overlay = history.to_vec();
    commands
        .iter()
        .map(|command| {
            let decision = decide(&overlay, *command, is_late);
            if decision == Decision::Append {
                overlay.push(Entry::Done(*command));
            }
            (*command, decision)
        })
        .collect()
}
