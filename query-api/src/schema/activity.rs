//! The feed of what happened.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};
use chrono::{DateTime, Utc};

use super::filters::optional_uuid_of;
use super::stored_enums::{ActorRole, SubjectKind};
use crate::error::QueryError;
use crate::paging::{Connection, PageArguments, SortDirection, Total, fetch_page};
use crate::queries::activity::{ActivityRow, ActivitySource, time_order};
use crate::snapshot::SnapshotSlot;
use crate::viewer::Viewer;

/// The feed.
#[derive(Default)]
pub(crate) struct ActivityQueries;

/// The feed.
#[Object]
impl ActivityQueries {
    /// What happened, newest first. Role user sees what happened to own conversations and tasks that are not deleted.
    #[graphql(complexity = "1 + PageArguments::cost(first, last) * child_complexity")]
    async fn activity(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<ActivityFilter>,
    ) -> Result<Option<Connection<Activity>>, QueryError> {
        let request = PageArguments {
            first,
            after,
            last,
            before,
        }
        .for_sort(time_order(SortDirection::Descending))?;
        let source = Arc::new(filter.unwrap_or_default().source(*context.data_unchecked::<Viewer>())?);
        let mut snapshot = SnapshotSlot::of(context).open().await?;
        let page = fetch_page::<ActivityRow>(&mut snapshot, &*source, &request).await?;
        let page = page.map_all(|rows| rows.into_iter().map(Activity).collect());
        Ok(Some(Connection::new(page, Total::Counted(source))))
    }
}

/// Which activity; all conditions must hold.
#[derive(InputObject, Default)]
pub(crate) struct ActivityFilter {
    /// Events of this type, without the version: `task.created`.
    r#type: Option<String>,
    /// About conversations, or about tasks.
    subject_kind: Option<SubjectKind>,
    /// About this conversation or task.
    subject_id: Option<ID>,
    /// About what this user owns.
    owner_id: Option<ID>,
    /// Done by this user or service.
    actor_id: Option<ID>,
    /// At this time or later.
    after: Option<DateTime<Utc>>,
    /// Before this time.
    before: Option<DateTime<Utc>>,
}

impl ActivityFilter {
    pub(super) fn source(self, viewer: Viewer) -> Result<ActivitySource, QueryError> {
        Ok(ActivitySource {
            viewer,
            // PostgreSQL cannot hold NUL, so nothing has such a type.
            event_type: self.r#type.map(|text| text.replace('\0', "\u{fffd}")),
            subject_kind: self.subject_kind.map(SubjectKind::stored),
            subject_id: optional_uuid_of("filter.subjectId", self.subject_id.as_ref())?,
            owner_id: optional_uuid_of("filter.ownerId", self.owner_id.as_ref())?,
            actor_id: optional_uuid_of("filter.actorId", self.actor_id.as_ref())?,
            after: self.after,
            before: self.before,
        })
    }
}

/// Something that happened.
pub(crate) struct Activity(pub(super) ActivityRow);

/// Something that happened.
#[Object]
impl Activity {
    /// The id of the event, a UUID.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// The type of the event without its version: `task.execution-completed`.
    async fn r#type(&self) -> &str {
        &self.0.r#type
    }

    /// The stream of the event, for `streamHistory`.
    async fn stream(&self) -> &str {
        &self.0.stream
    }

    /// The revision of the event in its stream.
    async fn revision(&self) -> i64 {
        self.0.revision
    }

    /// What it is about.
    async fn subject_kind(&self) -> Result<SubjectKind, QueryError> {
        SubjectKind::from_stored(&self.0.subject_kind)
    }

    /// The conversation or task.
    async fn subject_id(&self) -> ID {
        self.0.subject_id.into()
    }

    /// Who owns the conversation or task.
    async fn owner_id(&self) -> ID {
        self.0.owner_id.into()
    }

    /// Who did it.
    async fn actor_id(&self) -> ID {
        self.0.actor_id.into()
    }

    /// In which role.
    async fn role(&self) -> Result<ActorRole, QueryError> {
        ActorRole::from_stored(&self.0.role)
    }

    /// The title of the conversation or task after the event, at most 120 characters.
    async fn summary(&self) -> &str {
        &self.0.summary
    }
}
