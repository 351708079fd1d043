//! What an import tells at its end.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use crate::import::sending::{Refusal, Tally};

/// The sums of one import.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// Commits of which commands were made.
    pub commits: u64,
    /// Commands made of them.
    pub commands: u64,
    /// Commands that changed something now.
    pub applied: u64,
    /// Commands that had been done by an earlier import or attempt.
    pub repeated: u64,
    /// Lines that could not be used and commands that were refused.
    pub rejected: u64,
    /// How often a lane had to send again from its first unanswered command.
    pub retries: u64,
    /// How long it took.
    pub seconds: f64,
    /// Commands answered in a second.
    pub commands_per_second: f64,
    /// Whether nothing was sent on purpose.
    pub dry_run: bool,
    /// The first refusals.
    pub refusals: Vec<Refusal>,
    /// Where the rejects are, when there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejects_file: Option<PathBuf>,
    /// Why it ended early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl ImportReport {
    pub(crate) fn new(tally: &Tally, seconds: f64, dry_run: bool) -> Self {
        let applied = Tally::get(&tally.applied);
        let repeated = Tally::get(&tally.repeated);
        let refused = Tally::get(&tally.refused);
        // Far below the 2^52 where a double begins to count in steps.
        #[allow(clippy::cast_precision_loss)]
        let answered = (applied + repeated + refused) as f64;
        Self {
            commits: Tally::get(&tally.commits_read),
            commands: Tally::get(&tally.commands),
            applied,
            repeated,
            rejected: refused + Tally::get(&tally.bad_lines),
            retries: Tally::get(&tally.retries),
            seconds: rounded(seconds, 1_000.0),
            commands_per_second: if seconds > 0.0 {
                rounded(answered / seconds, 1.0)
            } else {
                0.0
            },
            dry_run,
            refusals: tally.first_refusals(),
            rejects_file: None,
            error: None,
        }
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let Self {
            commits,
            commands,
            applied,
            repeated,
            rejected,
            seconds,
            ..
        } = self;
        if self.dry_run {
            return format!(
                "{commits} commits make {commands} commands; {rejected} lines rejected; nothing was sent\n"
            );
        }
        let mut text = format!(
            "{commits} commits, {commands} commands: {applied} applied, {repeated} repeated, {rejected} rejected \
             in {seconds:.1} s ({:.0} commands/s)\n",
            self.commands_per_second
        );
        for Refusal {
            line,
            command,
            code,
            detail,
        } in &self.refusals
        {
            // Writing into a String cannot fail.
            let _written = writeln!(text, "  line {line}: {command} refused: {code}: {detail}");
        }
        if let Some(path) = &self.rejects_file {
            let _written = writeln!(text, "rejects are in {}", path.display());
        }
        text
    }
}

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}
