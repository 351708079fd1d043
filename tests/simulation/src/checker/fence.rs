//! Answers to those who placed fences.

use super::judge::{Judged, Kind, Verdict};
use super::{Case, Checked, Violation};
use crate::history::History;

/// A fence that was answered with an offset is accepted there; one that was answered "void" is nowhere accepted.
pub(super) fn check(judged: &[Judged], history: &History, checked: &mut Checked) {
    for fence in &history.fences {
        let accepted = judged.iter().find(|record| {
            record.verdict == Verdict::Accepted
                && record.partition == fence.partition
                && matches!(&record.kind, Kind::Commit { id, is_fence: true, .. } if *id == fence.id)
        });
        let accepted = accepted.map(|record| record.offset);
        // No answer, or an outcome that is not known: nothing to check.
        if let Some(Ok(answer)) = &fence.answer {
            checked.coverage.met(if answer.is_some() {
                Case::FencePlaced
            } else {
                Case::FenceVoid
            });
            if *answer != accepted {
                checked.violations.push(Violation::FenceDiffers {
                    answer: format!("{answer:?} for {:?}", fence.target),
                    found: format!("{accepted:?} in the log"),
                });
            }
        }
    }
}
