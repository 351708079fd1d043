//! What an administrator has said yes to before a generation serves that shows something else.

use std::fmt::Write as _;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;

use super::AdministrationError;
use super::listing::Row;
use crate::comparison::diff::GenerationDiff;
use crate::error::ProjectionError;

/// By name, so that nobody says yes to something that he has not seen.
#[derive(Debug, Clone, Default)]
pub struct Acceptance {
    /// The name of the difference that [`verify`](mod@super::verify) has shown.
    pub diff: Option<String>,
    /// The name of the parked streams, as the refusal tells it.
    pub parked: Option<String>,
    /// Who says so.
    pub by: String,
}

/// Keeps what was shown, so that it can be accepted by its name.
pub(super) async fn remember(
    connection: &mut PgConnection,
    serving: i32,
    generation: i32,
    diff: &GenerationDiff,
) -> Result<String, ProjectionError> {
    let name = diff.name();
    sqlx::query(
        "insert into control.shown_diff (name, serving, generation, diff) values ($1, $2, $3, $4) on conflict (name) do nothing",
    )
    .bind(&name)
    .bind(serving)
    .bind(generation)
    .bind(sqlx::types::Json(diff))
    .execute(connection)
    .await?;
    Ok(name)
}

impl Acceptance {
    /// Refuses what was not accepted, and notes what was.
    pub(super) async fn covers(
        &self,
        connection: &mut PgConnection,
        old: &Row,
        new: &Row,
    ) -> Result<(), AdministrationError> {
        // What was filled from a history that is not this one any more cannot be compared with anything.
        if old.fingerprint != new.fingerprint && old.epoch == new.epoch {
            self.covers_diff(connection, old, new).await?;
        }
        self.covers_parked(connection, old, new).await
    }

    async fn covers_diff(
        &self,
        connection: &mut PgConnection,
        old: &Row,
        new: &Row,
    ) -> Result<(), AdministrationError> {
        let Some(name) = &self.diff else {
            return Err(AdministrationError::DiffNotAccepted {
                generation: new.schema_name.clone(),
                serving: old.schema_name.clone(),
            });
        };
        let shown: Option<serde_json::Value> = sqlx::query_scalar(
            "select diff from control.shown_diff where name = $1 and serving = $2 and generation = $3",
        )
        .bind(name)
        .bind(old.id)
        .bind(new.id)
        .fetch_optional(&mut *connection)
        .await?;
        let shown = shown.ok_or_else(|| AdministrationError::DiffUnknown {
            name: name.clone(),
            generation: new.schema_name.clone(),
            serving: old.schema_name.clone(),
        })?;
        self.note(connection, (old.id, new.id), "diff", name, shown).await
    }

    async fn covers_parked(
        &self,
        connection: &mut PgConnection,
        old: &Row,
        new: &Row,
    ) -> Result<(), AdministrationError> {
        let parked: Vec<(String, i64, String)> = sqlx::query_as(
            "select stream, revision, code from control.parked_stream where generation = $1 order by stream",
        )
        .bind(new.id)
        .fetch_all(&mut *connection)
        .await?;
        let Some((first, ..)) = parked.first() else {
            return Ok(());
        };
        let name = name_of(&parked);
        if self.parked.as_ref() != Some(&name) {
            return Err(AdministrationError::ParkedNotAccepted {
                generation: new.schema_name.clone(),
                streams: parked.len() as u64,
                first: first.clone(),
                name,
            });
        }
        let streams: Vec<_> = parked
            .iter()
            .map(|(stream, revision, code)| json!({ "stream": stream, "revision": revision, "code": code }))
            .collect();
        self.note(connection, (old.id, new.id), "parked", &name, streams.into())
            .await
    }

    async fn note(
        &self,
        connection: &mut PgConnection,
        (old, new): (i32, i32),
        kind: &str,
        name: &str,
        accepted: serde_json::Value,
    ) -> Result<(), AdministrationError> {
        sqlx::query(
            "insert into control.acceptance (generation, instead_of, kind, name, accepted, accepted_by) values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(new)
        .bind(old)
        .bind(kind)
        .bind(name)
        .bind(accepted)
        .bind(&self.by)
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// Follows from the streams and where they stand: one more parked stream is another name.
fn name_of(parked: &[(String, i64, String)]) -> String {
    let mut hash = Sha256::new();
    for (stream, revision, _) in parked {
        hash.update(format!("{stream}@{revision}\n").as_bytes());
    }
    let digest = hash.finalize();
    digest.iter().take(6).fold("parked-".to_owned(), |mut name, byte| {
        // Writing to a text cannot fail.
        let _written = write!(name, "{byte:02x}");
        name
    })
}
