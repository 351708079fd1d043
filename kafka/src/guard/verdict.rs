//! From what was found at each look to whether writes are stopped.

use std::collections::BTreeSet;

use serde::Serialize;

use super::error::GuardError;

/// Looks in a row that must agree before something that a broker may say by mistake counts as harmed history.
const LOOKS_WITHOUT_DOUBT: u32 = 3;

/// Whether the log takes writes, and why not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GuardState {
    /// None while writes are taken.
    pub stopped: Option<Stop>,
    /// What is right today and could become wrong by a change elsewhere.
    pub advice: Vec<String>,
}

/// Why writes are stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stop {
    /// What was found, what is needed, and the command that mends it; all of it.
    pub reason: String,
    /// History is harmed: writes stay stopped in this process. Otherwise they resume by themselves once it is mended.
    pub is_final: bool,
}

/// What one look found.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// None when the cluster did not answer.
    pub(super) settings: Option<Vec<GuardError>>,
    /// What is wrong with the history.
    pub(super) history: Vec<GuardError>,
    /// Was every question about it answered?
    pub(super) is_complete: bool,
    /// None when the cluster did not answer.
    pub(super) advice: Option<Vec<String>>,
}

/// What all looks so far come to.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    settings: Vec<GuardError>,
    history: Vec<GuardError>,
    looks_with_harm: u32,
    is_final: bool,
    advice: Vec<String>,
}

impl Verdict {
    /// Takes one more look into account. What was not answered leaves what was known before.
    pub(super) fn take(&mut self, look: Look) {
        if let Some(settings) = look.settings {
            self.settings = settings;
        }
        if let Some(advice) = look.advice {
            self.advice = advice;
        }
        if look.history.is_empty() {
            if look.is_complete && !self.is_final {
                self.history.clear();
                self.looks_with_harm = 0;
            }
            return;
        }
        self.looks_with_harm += 1;
        self.is_final |=
            self.looks_with_harm >= LOOKS_WITHOUT_DOUBT || look.history.iter().any(GuardError::is_beyond_doubt);
        // The newest finding says most: a topic is gone first, then empty, then another log.
        self.history = look.history;
    }

    /// What it means for writers.
    pub(super) fn state(&self) -> GuardState {
        // The same thing in many partitions is one sentence: the first.
        let mut kinds = BTreeSet::new();
        let errors = self.history.iter().chain(&self.settings);
        let reasons: Vec<String> = errors
            .filter(|error| kinds.insert(kind(error)))
            .map(ToString::to_string)
            .collect();
        GuardState {
            stopped: (!reasons.is_empty()).then(|| Stop {
                reason: reasons.join("; "),
                is_final: self.is_final,
            }),
            advice: self.advice.clone(),
        }
    }
}

fn kind(error: &GuardError) -> &'static str {
    match error {
        GuardError::Setting { setting, .. } => setting,
        GuardError::TooFewCopies { .. } => "copies",
        GuardError::Missing { .. } => "missing",
        GuardError::Truncated { .. } => "truncated",
        GuardError::Regrown { .. } => "regrown",
        GuardError::Recreated { .. } => "recreated",
        GuardError::LostSuffix { .. } => "lost-suffix",
        GuardError::Unreachable { .. } | GuardError::Insecure { .. } | GuardError::Refused { .. } => "no-answer",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> GuardError {
        GuardError::LostSuffix {
            topic: "t".to_owned(),
            partition: 0,
            end: 3,
            seen: 5,
        }
    }

    fn wrong() -> GuardError {
        GuardError::Setting {
            topic: "t".to_owned(),
            setting: "retention.ms",
            found: "1".to_owned(),
            needed: "-1".to_owned(),
            mend: "mend".to_owned(),
        }
    }

    fn look(settings: Vec<GuardError>, history: Vec<GuardError>) -> Look {
        Look {
            settings: Some(settings),
            history,
            is_complete: true,
            advice: None,
        }
    }

    fn stopped(verdict: &Verdict) -> Option<bool> {
        verdict.state().stopped.map(|stop| stop.is_final)
    }

    #[test]
    fn a_mended_setting_lets_writes_go_on() {
        let mut verdict = Verdict::default();
        verdict.take(look(vec![wrong()], Vec::new()));
        assert_eq!(stopped(&verdict), Some(false));
        verdict.take(look(Vec::new(), Vec::new()));
        assert_eq!(stopped(&verdict), None);
    }

    #[test]
    fn a_cluster_that_does_not_answer_changes_nothing() {
        let mut verdict = Verdict::default();
        verdict.take(Look::default());
        assert_eq!(stopped(&verdict), None);
        verdict.take(look(vec![wrong()], vec![lost()]));
        verdict.take(Look::default());
        verdict.take(Look::default());
        verdict.take(Look::default());
        assert_eq!(stopped(&verdict), Some(false), "still stopped, and no surer");
    }

    #[test]
    fn a_lower_end_stops_at_once_and_is_final_when_found_again_and_again() {
        let mut verdict = Verdict::default();
        verdict.take(look(Vec::new(), vec![lost()]));
        verdict.take(look(Vec::new(), vec![lost()]));
        assert_eq!(stopped(&verdict), Some(false));
        verdict.take(look(Vec::new(), Vec::new()));
        assert_eq!(stopped(&verdict), None, "a broker was wrong for a moment");
        for _ in 0..LOOKS_WITHOUT_DOUBT {
            verdict.take(look(Vec::new(), vec![lost()]));
        }
        verdict.take(look(Vec::new(), Vec::new()));
        assert_eq!(stopped(&verdict), Some(true), "somebody wrote over what was lost");
    }

    #[test]
    fn deleted_records_are_final_at_once() {
        let mut verdict = Verdict::default();
        let truncated = GuardError::Truncated {
            topic: "t".to_owned(),
            partition: 0,
            offset: 3,
        };
        verdict.take(look(Vec::new(), vec![truncated]));
        verdict.take(look(Vec::new(), Vec::new()));
        assert_eq!(stopped(&verdict), Some(true));
    }
}
