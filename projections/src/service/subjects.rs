//! The subjects of a batch: from the cache, or with one statement from the table.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::StreamId;
use foldhash::fast::RandomState;
use sqlx::{AssertSqlSafe, PgPool};

use crate::batch::Piece;
use crate::error::ProjectionError;
use crate::generation::Generation;
use crate::service::recent_subjects::RecentSubjects;
use crate::subject::{SELECT_SUBJECTS, Subject, SubjectRow};

/// Subjects by stream. Looked up several times an event, so the hasher is a cheap one.
pub(crate) type Subjects = HashMap<StreamId, Subject, RandomState>;

pub(crate) struct SubjectCache {
    recent: Mutex<RecentSubjects>,
    select: String,
    schema: String,
}

impl SubjectCache {
    pub(crate) fn new(generation: &Generation, max_bytes: u64) -> Self {
        Self {
            recent: Mutex::new(RecentSubjects::new(usize::try_from(max_bytes).unwrap_or(usize::MAX))),
            select: format!(
                "{SELECT_SUBJECTS} from {}.subject where stream = any($1)",
                generation.schema
            ),
            schema: generation.schema.clone(),
        }
    }

    /// Adds to `subjects`, which may hold some already, all others that this piece needs; a stream that begins among them has none.
    /// What is `being_written` is newer than cache and table.
    pub(crate) async fn load(
        &self,
        pool: &PgPool,
        piece: &Piece,
        being_written: &Subjects,
        subjects: &mut Subjects,
    ) -> Result<(), ProjectionError> {
        let unknown = self.load_known(piece, being_written, subjects);
        if !unknown.is_empty() {
            let rows: Vec<SubjectRow> = sqlx::query_as(AssertSqlSafe(self.select.as_str()))
                .bind(&unknown)
                .fetch_all(pool)
                .await?;
            for row in rows {
                let subject = self.read(row)?;
                subjects.insert(subject.stream.clone(), subject);
            }
        }
        Ok(())
    }

    /// Adds those that are in memory; the streams of the others.
    fn load_known<'a>(&self, piece: &'a Piece, being_written: &Subjects, subjects: &mut Subjects) -> Vec<&'a str> {
        let mut seen = HashSet::<_, RandomState>::default();
        let mut unknown = Vec::new();
        let mut recent = self.lock();
        let decoded = piece.events.iter().filter(|event| Subject::exists_for(&event.domain));
        let given_up = piece.given_up.iter().map(|(_, event)| event);
        for event in decoded.map(|event| &event.recorded).chain(given_up) {
            let stream = &event.stream;
            if !seen.insert(stream) || event.revision == 0 || subjects.contains_key(stream) {
                continue;
            }
            if let Some(subject) = being_written.get(stream) {
                subjects.insert(stream.clone(), subject.clone());
            } else if let Some(subject) = recent.take(stream) {
                subjects.insert(stream.clone(), subject);
            } else {
                unknown.push(stream.as_str());
            }
        }
        unknown
    }

    /// A subject as the table has it now.
    pub(crate) async fn read_anew(&self, pool: &PgPool, stream: &StreamId) -> Result<Option<Subject>, ProjectionError> {
        let row: Option<SubjectRow> = sqlx::query_as(AssertSqlSafe(self.select.as_str()))
            .bind(vec![stream.as_str()])
            .fetch_optional(pool)
            .await?;
        row.map(|row| self.read(row)).transpose()
    }

    /// Keeps the subjects of a committed batch.
    pub(crate) fn keep(&self, subjects: Subjects) {
        self.lock().put(subjects);
    }

    fn lock(&self) -> MutexGuard<'_, RecentSubjects> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, row: SubjectRow) -> Result<Subject, ProjectionError> {
        let stream = row.stream.clone();
        row.into_subject().ok_or_else(|| ProjectionError::CorruptSubject {
            generation: self.schema.clone(),
            stream,
        })
    }
}
