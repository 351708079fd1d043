//! The subjects of a batch: from the cache, or with one statement from the table.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use domain::StreamId;
use foldhash::fast::RandomState;
use moka::sync::Cache;
use sqlx::{AssertSqlSafe, PgPool};

use crate::error::ProjectionError;
use crate::generation::Generation;
use crate::projector::DecodedEvent;
use crate::subject::{SELECT_SUBJECTS, Subject, SubjectRow};

/// Bytes of a subject without its title and days, roughly.
const SUBJECT_BYTES: usize = 400;

/// Subjects by stream. Looked up several times an event, so the hasher is a cheap one.
pub(crate) type Subjects = HashMap<StreamId, Subject, RandomState>;

pub(crate) struct SubjectCache {
    subjects: Cache<StreamId, Arc<Subject>, RandomState>,
    select: String,
    schema: String,
}

impl SubjectCache {
    pub(crate) fn new(generation: &Generation, max_bytes: u64) -> Self {
        let weight = |_: &StreamId, subject: &Arc<Subject>| {
            let days = subject.measures.len() * 64;
            u32::try_from(SUBJECT_BYTES + subject.title.len() + days).unwrap_or(u32::MAX)
        };
        Self {
            subjects: Cache::builder()
                .max_capacity(max_bytes)
                .weigher(weight)
                .build_with_hasher(RandomState::default()),
            select: format!(
                "{SELECT_SUBJECTS} from {}.subject where stream = any($1)",
                generation.schema
            ),
            schema: generation.schema.clone(),
        }
    }

    /// Adds to `subjects`, which may hold some already, all others that these events need; a stream that begins among them has none.
    /// What is `being_written` is newer than cache and table.
    pub(crate) async fn load(
        &self,
        pool: &PgPool,
        events: &[DecodedEvent],
        being_written: &Subjects,
        subjects: &mut Subjects,
    ) -> Result<(), ProjectionError> {
        let mut seen = HashSet::<_, RandomState>::default();
        let mut unknown = Vec::new();
        for event in events.iter().filter(|event| Subject::exists_for(&event.domain)) {
            let stream = &event.recorded.stream;
            if !seen.insert(stream) || event.recorded.revision == 0 || subjects.contains_key(stream) {
                continue;
            }
            if let Some(subject) = being_written.get(stream) {
                subjects.insert(stream.clone(), subject.clone());
            } else if let Some(subject) = self.subjects.get(stream) {
                subjects.insert(stream.clone(), Subject::clone(&subject));
            } else {
                unknown.push(stream.as_str());
            }
        }
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
        for (stream, subject) in subjects {
            self.subjects.insert(stream, Arc::new(subject));
        }
    }

    fn read(&self, row: SubjectRow) -> Result<Subject, ProjectionError> {
        let stream = row.stream.clone();
        row.into_subject().ok_or_else(|| ProjectionError::CorruptSubject {
            generation: self.schema.clone(),
            stream,
        })
    }
}
