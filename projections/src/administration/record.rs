//! What administrators do, recorded as events in the log: the one way in for the command line and for HTTP.
//!
//! An operation is requested in the record, done, and ended there with what came of it. So nothing is done that the log does not know of,
//! and one whose process died in between has a request without an end.

use std::time::Duration;

use domain::administration::{
    Administration, AdministrationCommand, AdministrationEvent, AdministrationRefusal, DiscardedEvent, OperationKind,
    Outcome, Request, projections_stream,
};
use domain::{Actor, Aggregate, CommandId, Context, EventId, StreamId};
use event_store::{AppendToStreamOptions, CommandStamp, EventStore, NewEvent, StoreError, StreamState};
use sqlx::PgPool;
use uuid::Uuid;

use super::parked::{self, DiscardedRecord};
use super::{Acceptance, AdministrationError, ModelRebuild, Promotion};
use crate::error::ProjectionError;
use crate::projector::Projector;
use crate::service::ProjectorOptions;

/// How often an entry is tried again when another administrator was faster. Each time one of them has got his in.
const ATTEMPTS: u32 = 100;

/// Who does it, and from where.
#[derive(Debug, Clone)]
pub struct Operator {
    /// Who.
    pub actor: Actor,
    /// Name of the person's account, where it is done on a machine of the installation and not with a token.
    pub account: Option<String>,
    /// What ties it to a request.
    pub correlation_id: String,
}

/// Does what an administrator asks for, and records it.
#[derive(Clone, Copy)]
pub struct Administrator<'a> {
    pool: &'a PgPool,
    store: &'a dyn EventStore,
    operator: &'a Operator,
    reason: Option<&'a str>,
}

impl<'a> Administrator<'a> {
    /// On this database and log, in the name of this operator.
    pub fn new(pool: &'a PgPool, store: &'a dyn EventStore, operator: &'a Operator) -> Self {
        Self {
            pool,
            store,
            operator,
            reason: None,
        }
    }

    /// Why it is done.
    #[must_use]
    pub fn because(self, reason: Option<&'a str>) -> Self {
        Self { reason, ..self }
    }

    /// [`super::rebuild()`]
    pub async fn rebuild(&self, projectors: &[Box<dyn Projector>]) -> Result<String, AdministrationError> {
        let request = self.request(OperationKind::Rebuild, None, None);
        self.recorded(
            request,
            super::rebuild(self.pool, self.store, projectors),
            |generation| Outcome::RebuildBegun {
                generation: generation.clone(),
            },
        )
        .await
    }

    /// [`ModelRebuild::begin`]
    pub async fn rebuild_model(
        &self,
        model: &str,
        options: ProjectorOptions,
    ) -> Result<ModelRebuild, AdministrationError> {
        let request = self.request(OperationKind::Rebuild, None, None);
        let begun = ModelRebuild::begin(self.pool.clone(), self.store, model, options);
        self.recorded(request, begun, |rebuild| Outcome::RebuildBegun {
            generation: rebuild.generation().to_owned(),
        })
        .await
    }

    /// [`super::promote_accepting`]
    pub async fn promote(&self, generation: &str, acceptance: &Acceptance) -> Result<Promotion, AdministrationError> {
        let request = self.request(OperationKind::Promote, Some(generation), None);
        self.recorded(
            request,
            super::promote_accepting(self.pool, self.store, generation, acceptance),
            |done| Outcome::Promoted {
                generation: done.serving.clone(),
                before: done.before.clone(),
            },
        )
        .await
    }

    /// [`super::roll_back`]
    pub async fn roll_back(&self) -> Result<Promotion, AdministrationError> {
        let request = self.request(OperationKind::RollBack, None, None);
        self.recorded(request, super::roll_back(self.pool, self.store), |done| {
            Outcome::RolledBack {
                generation: done.serving.clone(),
                before: done.before.clone(),
            }
        })
        .await
    }

    /// [`super::retire()`]
    pub async fn retire(&self, generation: &str, grace: Duration) -> Result<(), AdministrationError> {
        let request = self.request(OperationKind::Drop, Some(generation), None);
        self.recorded(request, super::retire(self.pool, generation, grace), |()| {
            Outcome::Dropped {
                generation: generation.to_owned(),
            }
        })
        .await
    }

    /// [`parked::retry`]
    pub async fn retry(&self, generation: Option<&str>, stream: Option<&StreamId>) -> Result<u64, AdministrationError> {
        let request = self.request(OperationKind::Retry, generation, stream);
        self.recorded(request, parked::retry(self.pool, generation, stream), |streams| {
            Outcome::Retried { streams: *streams }
        })
        .await
    }

    /// [`parked::discard`]; the reason is needed.
    pub async fn discard(
        &self,
        generation: Option<&str>,
        stream: &StreamId,
    ) -> Result<Vec<DiscardedRecord>, AdministrationError> {
        let request = self.request(OperationKind::Discard, generation, Some(stream));
        let reason = self.reason.unwrap_or_default();
        self.recorded(
            request,
            parked::discard(self.pool, generation, stream, reason),
            |given_up| {
                let events = given_up.iter().map(|event| DiscardedEvent {
                    generation: event.generation.clone(),
                    stream: event.stream.clone(),
                    revision: event.revision.cast_unsigned(),
                });
                Outcome::Discarded {
                    events: events.collect(),
                }
            },
        )
        .await
    }

    fn request(&self, kind: OperationKind, generation: Option<&str>, stream: Option<&StreamId>) -> Request {
        Request {
            operation: Uuid::now_v7(),
            kind,
            generation: generation.map(str::to_owned),
            stream: stream.map(|stream| stream.as_str().to_owned()),
            reason: self.reason.map(str::to_owned),
            account: self.operator.account.clone(),
        }
    }

    async fn recorded<T>(
        &self,
        request: Request,
        deed: impl Future<Output = Result<T, AdministrationError>>,
        outcome: impl FnOnce(&T) -> Outcome,
    ) -> Result<T, AdministrationError> {
        let operation = request.operation;
        self.enter(AdministrationCommand::Request(request)).await?;
        let done = deed.await;
        let outcome = match &done {
            Ok(done) => outcome(done),
            Err(error) => Outcome::Failed {
                code: error.code().to_owned(),
            },
        };
        let entered = self.enter(AdministrationCommand::End { operation, outcome }).await;
        if let Err(error) = entered {
            // It is done, or refused, whatever the record says; that it says less is told where operators look.
            tracing::warn!(
                %operation,
                error = crate::error::chain(&error),
                "what came of an operation could not be recorded"
            );
        }
        done
    }

    async fn enter(&self, command: AdministrationCommand) -> Result<(), AdministrationError> {
        let stream = projections_stream();
        // One for all attempts: what was entered by an attempt that got no answer is not entered twice.
        let stamp = CommandStamp {
            command_id: CommandId::from_uuid(Uuid::now_v7()),
            actor: self.operator.actor.id,
            role: self.operator.actor.role,
            correlation_id: self.operator.correlation_id.clone(),
            ..AppendToStreamOptions::anonymous(StreamState::Any).stamp
        };
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.try_to_enter(&stream, &stamp, &command).await {
                Err(AdministrationError::Projection(ProjectionError::Store(
                    StoreError::WrongExpectedRevision { .. } | StoreError::OutcomeUnknown { .. },
                ))) if attempt < ATTEMPTS => {}
                entered => return entered,
            }
        }
    }

    async fn try_to_enter(
        &self,
        stream: &StreamId,
        stamp: &CommandStamp,
        command: &AdministrationCommand,
    ) -> Result<(), AdministrationError> {
        let loaded = self.store.load(stream, None).await.map_err(ProjectionError::from)?;
        let mut record = Administration::default();
        for event in &loaded.events {
            let decoded = domain::stored::decode(&event.event_type, &event.data);
            // What a newer version recorded is nothing that this one ends.
            if let Some(event) = decoded.ok().and_then(|event| AdministrationEvent::try_from(event).ok()) {
                record.evolve(&event);
            }
        }
        let at = platform::clock::now();
        let context = Context {
            actor: self.operator.actor,
            at,
            imported: false,
        };
        let events = record.decide(command, &context)?;
        if events.is_empty() {
            return Ok(());
        }
        let scoped = stamp.scoped_command();
        let new = events.into_iter().enumerate().map(|(index, event)| {
            let encoded = domain::stored::encode(&event.into());
            NewEvent {
                id: EventId::derived(scoped, stream.as_str(), index),
                event_type: encoded.event_type.to_owned(),
                time: at,
                data: encoded.data,
            }
        });
        let options = AppendToStreamOptions {
            stream_state: loaded
                .basis
                .revision
                .map_or(StreamState::NoStream, StreamState::StreamRevision),
            stamp: stamp.clone(),
        };
        self.store
            .append_to_stream(stream, &options, new.collect())
            .await
            .map_err(ProjectionError::from)?;
        Ok(())
    }
}

impl From<AdministrationRefusal> for AdministrationError {
    fn from(refusal: AdministrationRefusal) -> Self {
        Self::Record(refusal)
    }
}
