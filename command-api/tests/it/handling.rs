//! Command handling without HTTP.

use std::sync::Arc;
use std::time::Duration;

use command_api::handling::{Certainty, CommandHandler, Effect, HandlingOptions, Rejection, Submission};
use domain::conversation::{Conversation, ConversationCommand, ConversationEvent, ConversationRefusal};
use domain::{Aggregate, CommandId, Context, Role, UserId};
use event_store::{CommandStamp, EventStore, ReadStreamOptions, StreamState};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::harness::fresh_store;

pub(crate) fn submission(id: Uuid, key: &str, command: ConversationCommand) -> Submission<ConversationCommand> {
    Submission {
        id,
        command,
        stamp: CommandStamp {
            command_id: CommandId::parse(key).unwrap(),
            command_hash: u128::from(key.len() as u64),
            actor: UserId::new(Uuid::nil()),
            role: Role::Admin,
            correlation_id: "test".to_owned(),
            causation_id: None,
            traceparent: None,
            provenance: None,
        },
        at: platform::clock::now(),
        expected: StreamState::Any,
        bytes: 100,
    }
}

pub(crate) fn start(id: Uuid) -> Submission<ConversationCommand> {
    let command = ConversationCommand::Start {
        owner_id: UserId::new(id),
        title: "t".to_owned(),
    };
    submission(id, "start", command)
}

pub(crate) fn rename(id: Uuid, key: &str) -> Submission<ConversationCommand> {
    submission(id, key, ConversationCommand::Rename { title: key.to_owned() })
}

#[tokio::test]
async fn commands_are_queued_at_the_call_and_not_at_the_first_poll() {
    let (store, _pool) = fresh_store().await;
    let handler = CommandHandler::<Conversation>::new(Arc::new(store), HandlingOptions::default());
    let id = Uuid::new_v4();
    let first = handler.submit(start(id));
    let mut later: Vec<_> = (1..=20)
        .map(|number| handler.submit(rename(id, &format!("r{number}"))))
        .collect();
    later.reverse();
    for (future, expected) in later.into_iter().zip((1..=20).rev()) {
        assert_eq!(future.await.unwrap().revision, Some(expected));
    }
    assert_eq!(first.await.unwrap().revision, Some(0));
}

#[tokio::test]
async fn a_command_repeated_within_one_batch_is_applied_once() {
    let (store, _pool) = fresh_store().await;
    let handler = CommandHandler::<Conversation>::new(Arc::new(store), HandlingOptions::default());
    let id = Uuid::new_v4();
    let mut tickets = Vec::new();
    let mut idle = None;
    let mut other_content = rename(id, "again");
    other_content.stamp.command_hash += 1;
    for submission in [start(id), rename(id, "again"), rename(id, "again"), other_content] {
        let (ticket, stream) = handler.enqueue(submission).unwrap();
        tickets.push(ticket);
        idle = idle.or(stream);
    }
    handler.start(idle.expect("the stream was idle"));
    let mut answers = Vec::new();
    for ticket in &mut tickets {
        answers.push(ticket.answer().await);
    }
    assert_eq!(answers[3], Err(Rejection::KeyReused));
    let taken: Vec<_> = answers.into_iter().take(3).map(Result::unwrap).collect();
    assert_eq!(taken[1].effect, Effect::Done);
    assert_eq!(taken[2].effect, Effect::AlreadyDone);
    assert_eq!((taken[2].revision, taken[2].at), (taken[1].revision, taken[1].at));
}

#[tokio::test]
async fn nothing_in_the_queue_of_a_stream_waits_when_the_caller_goes_away() {
    let (store, _pool) = fresh_store().await;
    let store: Arc<dyn EventStore> = Arc::new(store);
    let handler = CommandHandler::<Conversation>::new(Arc::clone(&store), HandlingOptions::default());
    let id = Uuid::new_v4();
    drop(handler.submit(start(id)));
    drop(handler.submit(rename(id, "a")));
    // The third is behind them in the queue.
    assert_eq!(handler.handle(rename(id, "b")).await.unwrap().revision, Some(2));
    let stream = CommandHandler::<Conversation>::stream(id);
    assert_eq!(
        store
            .read_stream(&stream, &ReadStreamOptions::default())
            .await
            .unwrap()
            .len(),
        3
    );
}

/// A conversation with a defect: a title that breaks it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Defective(Conversation);

impl Aggregate for Defective {
    const CATEGORY: &'static str = "conversation";
    const FOLD_VERSION: u32 = 1;
    type Command = ConversationCommand;
    type Event = ConversationEvent;
    type Refusal = ConversationRefusal;

    fn decide(
        &self,
        command: &ConversationCommand,
        context: &Context,
    ) -> Result<Vec<ConversationEvent>, ConversationRefusal> {
        if *command
            == (ConversationCommand::Rename {
                title: "defect".to_owned(),
            })
        {
            panic!("a defect of the rules");
        }
        self.0.decide(command, context)
    }

    fn evolve(&mut self, event: &ConversationEvent) {
        self.0.evolve(event);
    }

    fn weight(&self) -> usize {
        self.0.weight()
    }
}

#[tokio::test]
async fn a_defect_in_a_decision_leaves_no_stream_behind_that_nobody_works_on() {
    let (store, _pool) = fresh_store().await;
    let handler = CommandHandler::<Defective>::new(Arc::new(store), HandlingOptions::default());
    let id = Uuid::new_v4();
    handler.handle(start(id)).await.unwrap();
    let broken = handler.handle(rename(id, "defect")).await;
    assert!(
        matches!(
            broken,
            Err(Rejection::Unavailable {
                certainty: Certainty::Unknown,
                code: "command.interrupted",
                ..
            })
        ),
        "{broken:?}"
    );
    let next = tokio::time::timeout(Duration::from_secs(10), handler.handle(rename(id, "well")));
    assert_eq!(
        next.await.expect("somebody works on the stream").unwrap().revision,
        Some(1)
    );
}
