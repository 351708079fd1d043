//! What a client writes down about each attempt of a command, one JSON object a line: the clients' log.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context, Result};
use domain::{CommandId, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One attempt, written when it has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Who asked.
    pub client: String,
    /// Microseconds on the one monotonic clock of the run.
    pub started_at: u64,
    /// The same.
    pub ended_at: u64,
    /// Whom the token stood for.
    pub principal: Uuid,
    /// The `Idempotency-Key`.
    pub command_id: String,
    /// Tells content apart; hexadecimal.
    pub content_hash: String,
    /// What was wanted.
    pub command: String,
    /// Of what; nothing for a creation that was not answered.
    pub stream: Option<String>,
    /// `If-Match`.
    pub expected_revision: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How an attempt ended, as far as its client knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Outcome {
    /// Its events are in the log.
    Done {
        /// The revision after them.
        revision: u64,
        /// Was it the answer of an earlier attempt?
        replayed: bool,
    },
    /// The state was already as wanted.
    Nothing {
        /// The revision of that state.
        revision: Option<u64>,
    },
    /// A rule of the domain said no.
    Refused {
        /// Which rule.
        code: String,
        /// Does it hold for earlier attempts too?
        #[serde(rename = "final")]
        is_final: bool,
    },
    /// The stream was not at the expected revision.
    Conflict {
        /// Where it was.
        current_revision: Option<u64>,
    },
    /// Nothing happened, and it may be asked for again.
    NotApplied {
        /// Why.
        code: String,
    },
    /// Nobody knows.
    Unknown {
        /// Why.
        code: String,
    },
}

impl Outcome {
    /// Does the client know now, so that it need not ask again?
    pub fn is_certain(&self) -> bool {
        !matches!(self, Self::NotApplied { .. } | Self::Unknown { .. })
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done { replayed: false, .. } => "done",
            Self::Done { replayed: true, .. } => "done before",
            Self::Nothing { .. } => "nothing to do",
            Self::Refused { .. } => "refused",
            Self::Conflict { .. } => "conflict",
            Self::NotApplied { .. } => "not applied",
            Self::Unknown { .. } => "unknown",
        }
    }
}

impl Attempt {
    /// The name of the command in the log.
    pub fn scoped(&self) -> Result<Uuid> {
        let id = CommandId::parse(&self.command_id).context("a command id of the clients' log")?;
        Ok(id.scoped(UserId::new(self.principal)))
    }
}

/// Writes a clients' log.
pub fn write(path: &Path, attempts: &[Attempt]) -> Result<()> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut writer = BufWriter::new(file);
    for attempt in attempts {
        serde_json::to_writer(&mut writer, attempt)?;
        writer.write_all(b"\n")?;
    }
    writer
        .flush()
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Reads a clients' log.
pub fn read(path: &Path) -> Result<Vec<Attempt>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = BufReader::new(file).lines().enumerate();
    lines
        .map(|(number, line)| {
            let place = || format!("{} line {}", path.display(), number + 1);
            let line = line.with_context(place)?;
            serde_json::from_str(&line).with_context(place)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_written_as_other_checkers_read_it() {
        let attempt = Attempt {
            client: "c3".to_owned(),
            started_at: 1,
            ended_at: 2,
            principal: Uuid::nil(),
            command_id: "k".to_owned(),
            content_hash: "ab".to_owned(),
            command: "rename".to_owned(),
            stream: None,
            expected_revision: Some(3),
            outcome: Outcome::Conflict {
                current_revision: Some(8),
            },
        };
        let text = serde_json::to_string(&attempt).unwrap();
        assert_eq!(
            text,
            r#"{"client":"c3","startedAt":1,"endedAt":2,"principal":"00000000-0000-0000-0000-000000000000","commandId":"k","contentHash":"ab","command":"rename","stream":null,"expectedRevision":3,"outcome":{"type":"conflict","currentRevision":8}}"#
        );
        let refused = Outcome::Refused {
            code: "task.not-found".to_owned(),
            is_final: false,
        };
        let text = serde_json::to_string(&refused).unwrap();
        assert_eq!(text, r#"{"type":"refused","code":"task.not-found","final":false}"#);
    }
}
