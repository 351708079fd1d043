//! The journal against what clients were told.

use std::collections::BTreeSet;

use sqlx::PgPool;

use super::{Acknowledged, Record};
use crate::journal;

impl Record {
    /// Fails unless each acknowledged command is in the journal once, where its answer said, and nothing else is.
    ///
    /// Every client ended with an acknowledgement, so there is nothing of which it does not know.
    pub async fn assert_each_done_once(&self, pool: &PgPool) {
        let told: BTreeSet<(String, i64)> = self
            .acknowledged
            .iter()
            .map(|command| (command.stream.clone(), command.revision))
            .collect();
        assert_eq!(
            told.len(),
            self.acknowledged.len(),
            "no two commands were told the same revision of a stream"
        );
        for Acknowledged {
            stream,
            revision,
            event_type,
            text: (member, text),
        } in &self.acknowledged
        {
            let sql = "select count(*) from journal.events where stream = $1 and revision = $2 and type = $3 \
                       and data ->> $4 = $5";
            let found: i64 = sqlx::query_scalar(sql)
                .bind(stream)
                .bind(revision)
                .bind(*event_type)
                .bind(*member)
                .bind(text)
                .fetch_one(pool)
                .await
                .unwrap();
            assert_eq!(
                found, 1,
                "{stream} has {event_type} {text:?} at {revision}, as its client was told"
            );
        }
        let events = journal::events(pool).await;
        assert_eq!(
            usize::try_from(events).unwrap(),
            self.acknowledged.len(),
            "there is nothing but what was acknowledged"
        );
    }
}
