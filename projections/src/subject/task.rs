//! Tasks as subjects.

use chrono::NaiveDate;
use domain::task::TaskEvent;

use super::{Measures, Subject, SubjectFault, SubjectKind, SubjectStatus};
use crate::projector::DecodedEvent;

pub(super) fn begin(event: &DecodedEvent, first: &TaskEvent) -> Result<Subject, SubjectFault> {
    let TaskEvent::Created {
        owner_id,
        title,
        task_type,
        complexity,
        conversation_id,
        ..
    } = first
    else {
        return Err(SubjectFault::NotBegun);
    };
    let mut subject = Subject::new(event, SubjectKind::Task, *owner_id, title)?;
    subject.task_type = *task_type;
    subject.type_chosen = task_type.is_some();
    subject.complexity = *complexity;
    subject.complexity_chosen = complexity.is_some();
    subject.conversation_id = *conversation_id;
    Ok(subject)
}

pub(super) fn evolve(subject: &mut Subject, event: &TaskEvent, day: NaiveDate) {
    match event {
        TaskEvent::Amended {
            title,
            task_type,
            complexity,
            ..
        } => {
            if let Some(title) = title {
                subject.title.clone_from(title);
            }
            if task_type.is_some() {
                subject.task_type = *task_type;
                subject.type_chosen = true;
            }
            if complexity.is_some() {
                subject.complexity = *complexity;
                subject.complexity_chosen = true;
            }
        }
        TaskEvent::ClassificationRequested => subject.status = SubjectStatus::Classifying,
        TaskEvent::Classified(classification) => {
            subject.status = SubjectStatus::Classifying;
            if !subject.type_chosen {
                subject.task_type = Some(classification.task_type);
            }
            if !subject.complexity_chosen {
                subject.complexity = Some(classification.complexity);
            }
        }
        TaskEvent::ClassificationFailed { .. } => subject.status = SubjectStatus::Failed,
        TaskEvent::ExecutionStarted {
            execution_id, attempt, ..
        } => {
            subject.status = SubjectStatus::InProgress;
            subject.running_execution = Some(*execution_id);
            subject.attempt = i64::from(*attempt);
            subject.log_lines = 0;
            add(subject, day, &Measures::STARTED);
        }
        TaskEvent::ExecutionProgressed { log, .. } => {
            subject.log_lines = subject
                .log_lines
                .saturating_add(i64::try_from(log.len()).unwrap_or(i64::MAX));
        }
        TaskEvent::ExecutionCompleted { result, .. } => {
            subject.status = SubjectStatus::Completed;
            subject.running_execution = None;
            add(subject, day, &Measures::of_result(result));
        }
        TaskEvent::ExecutionFailed {
            tokens_used,
            cost_micro_usd,
            duration_ms,
            ..
        } => {
            subject.status = SubjectStatus::Failed;
            subject.running_execution = None;
            add(
                subject,
                day,
                &Measures::of_failure(*tokens_used, *cost_micro_usd, *duration_ms),
            );
        }
        TaskEvent::Cancelled { .. } => {
            subject.status = SubjectStatus::Cancelled;
            subject.running_execution = None;
        }
        TaskEvent::Deleted => subject.status = SubjectStatus::Deleted,
        // An execution follows a retry, and a pull request changes no group.
        TaskEvent::Created { .. } | TaskEvent::Retried { .. } | TaskEvent::PullRequestLinked(_) => {}
    }
}

fn add(subject: &mut Subject, day: NaiveDate, measures: &Measures) {
    let sum = subject.measures_of(day).plus(measures);
    subject.measures.insert(day, sum);
}
