//! Recording negative answers where the journal is the log.

use domain::StreamId;
use uuid::Uuid;

use super::group_commit::append_error;
use crate::commit::Basis;
use crate::error::StoreError;
use crate::journal::postgres::{PostgresJournal, integer};
use crate::journal::rows::signed;
use crate::rejection::RecordedRejection;

/// False, and nothing is written, when the stream has moved or one of the commands has an answer already.
pub(super) async fn record(
    journal: &PostgresJournal,
    stream: &StreamId,
    basis: &Basis,
    rejections: &[RecordedRejection],
) -> Result<bool, StoreError> {
    let commands: Vec<Uuid> = rejections.iter().map(|rejection| rejection.command).collect();
    let hashes: Vec<String> = rejections
        .iter()
        .map(|rejection| format!("{:032x}", rejection.command_hash))
        .collect();
    let answers: Vec<&serde_json::Value> = rejections.iter().map(|rejection| &rejection.answer).collect();
    sqlx::query_scalar("select journal.reject($1, $2, $3, $4, $5, $6)")
        .bind(stream.as_str())
        .bind(basis.revision.map(signed))
        .bind(integer(stream.partition(journal.head().partitions)))
        .bind(&commands)
        .bind(&hashes)
        .bind(&answers)
        .fetch_one(&mut *journal.connection().await?)
        .await
        .map_err(|error| append_error(&error))
}
