//! What administrators do with projections: the rule book of the record that is kept of it.
//!
//! There is one stream, [`projections_stream`]. An operation is requested, done, and then ended with what came of it; so the record tells of an
//! operation whose process died in between. Whether it may be done is not decided here but where it is done, in the transaction that does
//! it: generations are not state of the log.

mod command;
mod event;
mod operation;
mod refusal;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::actor::Role;
use crate::aggregate::{Aggregate, Context};
use crate::stream::StreamId;
use crate::text;

pub use command::{AdministrationCommand, Outcome};
pub use event::AdministrationEvent;
pub use operation::{DiscardedEvent, OperationKind, Request};
pub use refusal::AdministrationRefusal;

/// The longest reason in characters.
pub const REASON_MAX: u64 = 1_000;

/// Operations that are remembered as under way. They take moments; older ones were left by processes that died.
const UNDER_WAY_MAX: usize = 64;

/// The stream of everything that is done with projections.
pub fn projections_stream() -> StreamId {
    StreamId::named(Administration::CATEGORY, "projections")
}

/// The operations that have no end yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Administration {
    under_way: VecDeque<(Uuid, OperationKind)>,
}

impl Aggregate for Administration {
    const CATEGORY: &'static str = "administration";
    const FOLD_VERSION: u32 = 1;
    type Command = AdministrationCommand;
    type Event = AdministrationEvent;
    type Refusal = AdministrationRefusal;

    fn decide(
        &self,
        command: &AdministrationCommand,
        context: &Context,
    ) -> Result<Vec<AdministrationEvent>, AdministrationRefusal> {
        if context.actor.role != Role::Admin {
            return Err(AdministrationRefusal::NotAllowed);
        }
        match command {
            AdministrationCommand::Request(request) => self.request(request),
            AdministrationCommand::End { operation, outcome } => self.end(*operation, outcome),
        }
    }

    fn evolve(&mut self, event: &AdministrationEvent) {
        if let AdministrationEvent::OperationRequested(request) = event {
            while self.under_way.len() >= UNDER_WAY_MAX {
                self.under_way.pop_front();
            }
            self.under_way.push_back((request.operation, request.kind));
        } else {
            let ended = event.operation();
            self.under_way.retain(|(operation, _)| *operation != ended);
        }
    }

    fn weight(&self) -> usize {
        self.under_way.capacity() * size_of::<(Uuid, OperationKind)>()
    }
}

impl Administration {
    fn request(&self, request: &Request) -> Result<Vec<AdministrationEvent>, AdministrationRefusal> {
        match &request.reason {
            Some(reason) => {
                text::check(reason, REASON_MAX).map_err(|problem| AdministrationRefusal::Reason { problem })?;
            }
            None if request.kind == OperationKind::Discard => return Err(AdministrationRefusal::ReasonMissing),
            None => {}
        }
        if self.kind_of(request.operation).is_some() {
            return Ok(Vec::new());
        }
        Ok(vec![AdministrationEvent::OperationRequested(request.clone())])
    }

    fn end(&self, operation: Uuid, outcome: &Outcome) -> Result<Vec<AdministrationEvent>, AdministrationRefusal> {
        let kind = self
            .kind_of(operation)
            .ok_or(AdministrationRefusal::NotUnderWay { operation })?;
        if outcome.kind().is_some_and(|of| of != kind) {
            return Err(AdministrationRefusal::OtherOutcome { kind });
        }
        Ok(outcome.events(operation))
    }

    fn kind_of(&self, operation: Uuid) -> Option<OperationKind> {
        let found = self.under_way.iter().find(|(known, _)| *known == operation);
        found.map(|(_, kind)| *kind)
    }
}
