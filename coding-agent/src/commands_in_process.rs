//! Commands of mutations, decided in the process that took them: the read side and the write side meet here and nowhere else.

use async_trait::async_trait;
use command_api::CommandApi;
use domain::Actor;
use query_api::commands::{CommandAnswer, GivenCommand};
use query_api::{Caller, Commands};

/// Hands each command to the command API as a line of its bulk route.
pub(crate) struct CommandsInProcess {
    api: CommandApi,
}

impl CommandsInProcess {
    pub(crate) fn new(api: CommandApi) -> Self {
        Self { api }
    }
}

#[async_trait]
impl Commands for CommandsInProcess {
    async fn give(&self, caller: &Caller, command: &GivenCommand) -> CommandAnswer {
        let sender = command_api::Caller {
            actor: Actor {
                id: caller.viewer.id,
                role: caller.viewer.role,
            },
            correlation_id: caller.correlation_id.clone(),
            traceparent: caller.traceparent.clone(),
        };
        CommandAnswer::of_line(&self.api.take_line(&sender, &command.to_line()).await)
    }
}
