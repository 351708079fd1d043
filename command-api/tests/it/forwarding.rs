//! A node that has lost a stream twice gives its queue to the winner, and answers all the same when it cannot.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::http::Method;
use command_api::handling::{
    Certainty, CommandHandler, Effect, Forwarder, Forwarding, HandlingOptions, Rejection, Surroundings,
};
use domain::conversation::{Conversation, ConversationCommand};
use event_store::{EventStore, StreamState};
use platform::token::SigningKey;
use serde_json::json;
use uuid::Uuid;

use crate::faults::{Fault, FaultyStore};
use crate::handling::{rename, start, submission};
use crate::harness::{SECRET, TestApi, fresh_store};

const WINNER: &str = "10.0.0.7:5000";

/// The network between two handlers of one process.
#[derive(Default)]
struct Line {
    /// Nobody, when the node is down.
    there: Mutex<Option<CommandHandler<Conversation>>>,
    calls: AtomicUsize,
    /// Batches stay under way.
    holds: AtomicBool,
    held: Mutex<Vec<Vec<u8>>>,
}

#[async_trait]
impl Forwarder for Line {
    async fn forward(&self, node: &str, category: &'static str, batch: Vec<u8>) -> Forwarding {
        assert_eq!((node, category), (WINNER, "conversation"));
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.holds.load(Ordering::SeqCst) {
            self.held.lock().unwrap().push(batch);
            return Forwarding::Unanswered;
        }
        let there = self.there.lock().unwrap().clone();
        match there {
            Some(there) => Forwarding::Answered(there.take_forwarded(&batch).await.unwrap()),
            None => Forwarding::NotTaken,
        }
    }
}

/// Two nodes on one store, the first of which hands over to the second.
struct World {
    store: Arc<FaultyStore>,
    line: Arc<Line>,
    here: CommandHandler<Conversation>,
    id: Uuid,
}

impl World {
    async fn new() -> Self {
        let (store, _pool) = fresh_store().await;
        let store = Arc::new(FaultyStore::over(store));
        store.say_was_written_by(WINNER);
        let line = Arc::new(Line::default());
        let node = || {
            let surroundings = Surroundings {
                forwarder: Some(Arc::clone(&line) as Arc<dyn Forwarder>),
                ..Surroundings::default()
            };
            let store = Arc::clone(&store) as Arc<dyn EventStore>;
            CommandHandler::<Conversation>::within(store, surroundings, HandlingOptions::default())
        };
        let (here, there) = (node(), node());
        *line.there.lock().unwrap() = Some(there);
        let id = Uuid::new_v4();
        here.handle(start(id)).await.unwrap();
        Self { store, line, here, id }
    }

    fn lose(&self, times: usize) {
        (0..times).for_each(|_| self.store.fail_next(Fault::CommitVoid));
    }

    fn calls(&self) -> usize {
        self.line.calls.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn after_two_lost_races_the_winner_answers_every_command_of_the_batch() {
    let world = World::new().await;
    let id = world.id;
    let mut stale = rename(id, "stale");
    stale.expected = StreamState::StreamRevision(7);
    let mut other_content = rename(id, "a");
    other_content.stamp.command_hash += 1;
    let reopen = submission(id, "reopen", ConversationCommand::Reopen);
    let (mut tickets, mut idle) = (Vec::new(), None);
    for submission in [
        rename(id, "a"),
        reopen,
        stale,
        other_content,
        rename(id, "a"),
        rename(id, "b"),
    ] {
        let (ticket, stream) = world.here.enqueue(submission).unwrap();
        tickets.push(ticket);
        idle = idle.or(stream);
    }
    world.lose(2);
    world.here.start(idle.unwrap());
    let mut answers = Vec::new();
    for ticket in &mut tickets {
        answers.push(ticket.answer().await);
    }
    assert_eq!(world.calls(), 1);
    let done = |place: usize| answers[place].as_ref().map(|answer| (answer.effect, answer.revision));
    assert_eq!(done(0), Ok((Effect::Done, Some(1))));
    assert!(matches!(&answers[1], Err(Rejection::Refused(refused)) if refused.code == "conversation.not-archived"));
    assert!(
        matches!(answers[2], Err(Rejection::Conflict { current: Some(1), .. })),
        "{:?}",
        answers[2]
    );
    assert_eq!(answers[3], Err(Rejection::KeyReused));
    assert_eq!(done(4), Ok((Effect::AlreadyDone, Some(1))));
    assert_eq!(done(5), Ok((Effect::Done, Some(2))));
    // The node that handed over finds what was done.
    assert_eq!(world.here.handle(rename(id, "c")).await.unwrap().revision, Some(3));
}

#[tokio::test]
async fn one_lost_race_is_nothing_and_a_winner_that_is_down_does_not_matter() {
    let world = World::new().await;
    world.lose(1);
    assert_eq!(
        world.here.handle(rename(world.id, "a")).await.unwrap().revision,
        Some(1)
    );
    assert_eq!(world.calls(), 0);
    *world.line.there.lock().unwrap() = None;
    world.lose(3);
    assert_eq!(
        world.here.handle(rename(world.id, "b")).await.unwrap().revision,
        Some(2)
    );
    assert_eq!(world.calls(), 1);
}

#[tokio::test]
async fn a_no_does_not_deny_what_may_still_be_under_way_to_the_winner() {
    let world = World::new().await;
    let id = world.id;
    let reopen = || submission(id, "reopen", ConversationCommand::Reopen);
    let (renamed, idle) = world.here.enqueue(rename(id, "a")).unwrap();
    let (refused, _) = world.here.enqueue(reopen()).unwrap();
    world.line.holds.store(true, Ordering::SeqCst);
    world.lose(2);
    world.here.start(idle.unwrap());
    let (mut renamed, mut refused) = (renamed, refused);
    // What is done is done, whoever does it.
    assert_eq!(renamed.answer().await.unwrap().revision, Some(1));
    let open = refused.answer().await;
    assert!(
        matches!(
            open,
            Err(Rejection::Unavailable {
                certainty: Certainty::Unknown,
                code: "command.handed-over",
                ..
            })
        ),
        "{open:?}"
    );
    // For this is what may happen: the state changes, and then the copy arrives.
    let archive = submission(id, "archive", ConversationCommand::Archive);
    assert_eq!(world.here.handle(archive).await.unwrap().revision, Some(2));
    let batch = world.line.held.lock().unwrap().remove(0);
    let there = world.line.there.lock().unwrap().clone().unwrap();
    there.take_forwarded(&batch).await.unwrap();
    // The same command id finds out.
    let again = world.here.handle(reopen()).await.unwrap();
    assert_eq!((again.effect, again.revision), (Effect::AlreadyDone, Some(3)));
}

#[tokio::test]
async fn what_was_handed_over_is_not_handed_on() {
    let world = World::new().await;
    // Two for the first node, and two more for the one that it hands over to.
    world.lose(4);
    assert_eq!(
        world.here.handle(rename(world.id, "a")).await.unwrap().revision,
        Some(1)
    );
    assert_eq!(world.calls(), 1);
}

#[tokio::test]
async fn only_nodes_hand_commands_over() {
    let api = TestApi::start().await;
    let key = SigningKey::from_secret(&SECRET);
    let service = key
        .mint(Uuid::nil(), "service", std::time::Duration::from_mins(1))
        .unwrap();
    let node = key.mint_for_node().unwrap();
    let hand_over = |token: Option<&str>, category: &str, body: &serde_json::Value| {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let path = format!("/internal/commands/{category}");
        api.client_with(bearer.as_deref()).post(path).json(body).send()
    };
    let nothing = json!([]);
    for token in [None, Some(service.as_str())] {
        hand_over(token, "conversation", &nothing)
            .await
            .must_be(401, "auth.node-token-required");
    }
    let taken = hand_over(Some(&node), "conversation", &nothing).await;
    assert_eq!((taken.status.as_u16(), taken.body), (200, nothing.clone()));
    hand_over(Some(&node), "conversation", &json!({"id": 1}))
        .await
        .must_be(400, "request.invalid-body");
    hand_over(Some(&node), "nothing", &nothing)
        .await
        .must_be(400, "request.invalid-body");
    // And the token of a node opens nothing else.
    let bearer = format!("Bearer {node}");
    let client = api.client_with(Some(&bearer));
    let reply = client
        .request(Method::POST, "/api/conversations")
        .json(&json!({"title": "t"}))
        .send()
        .await;
    assert_eq!(reply.status.as_u16(), 401);
}
