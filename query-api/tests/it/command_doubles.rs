//! Write sides for mutations: the real one in this process, one that only listens, and one that never answers.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use command_api::CommandApi;
use domain::Actor;
use query_api::commands::{CommandAnswer, GivenCommand, Refused};
use query_api::{Caller, Commands};
use serde_json::Value;

/// The command API in this process, as the binary puts it together.
pub(crate) struct InProcess(pub(crate) CommandApi);

#[async_trait]
impl Commands for InProcess {
    async fn give(&self, caller: &Caller, command: &GivenCommand) -> CommandAnswer {
        let sender = command_api::Caller {
            actor: Actor {
                id: caller.viewer.id,
                role: caller.viewer.role,
            },
            correlation_id: caller.correlation_id.clone(),
            traceparent: caller.traceparent.clone(),
        };
        CommandAnswer::of_line(&self.0.take_line(&sender, &command.to_line()).await)
    }
}

/// Keeps every line and refuses it.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Value>>>);

impl Recorder {
    /// What was given so far, in order.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl Commands for Recorder {
    async fn give(&self, _caller: &Caller, command: &GivenCommand) -> CommandAnswer {
        let line = serde_json::from_slice(&command.to_line()).unwrap();
        self.0.lock().unwrap().push(line);
        CommandAnswer::Refused(Refused {
            code: "test.recorded".to_owned(),
            message: "kept and refused".to_owned(),
            field: None,
            limit: None,
            retry_at: None,
            retry_after_seconds: None,
            is_final: false,
        })
    }
}

/// Takes commands and never answers.
pub(crate) struct Silent;

#[async_trait]
impl Commands for Silent {
    async fn give(&self, _caller: &Caller, _command: &GivenCommand) -> CommandAnswer {
        std::future::pending().await
    }
}
