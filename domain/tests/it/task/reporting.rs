//! What workers report about the running execution.

use domain::task::{
    COMMIT_MAX, ExecutionResult, FAILURE_CODE_MAX, FAILURE_MESSAGE_MAX, LOG_LINE_MAX, LOG_LINES_MAX, LogLine,
    TaskCommand, TaskEvent, TaskRefusal, TaskStatus,
};
use domain::text::{NUMBER_MAX, TextProblem};

use super::{
    cancelled, classified, complete, completed, created, execution, fail, failed, histories, history_to, line, report,
    started, task,
};
use crate::harness::{given, service, text_of};

fn progressed(percent: Option<u8>, log: Vec<LogLine>) -> TaskEvent {
    TaskEvent::ExecutionProgressed {
        execution_id: execution(1),
        percent,
        log,
    }
}

#[track_caller]
fn is_taken(percent: Option<u8>, log: Vec<LogLine>) {
    given(task, history_to(TaskStatus::InProgress))
        .when(report(1, percent, log.clone()))
        .by(service())
        .then([progressed(percent, log)]);
}

#[track_caller]
fn is_refused(command: TaskCommand, refusal: TaskRefusal) {
    given(task, history_to(TaskStatus::InProgress))
        .when(command)
        .by(service())
        .then_refused(refusal);
}

#[test]
fn a_report_tells_a_percentage_or_log_lines_or_both() {
    is_taken(Some(0), Vec::new());
    is_taken(Some(100), vec![line("cloning"), line("")]);
    is_taken(None, vec![line("building")]);
    is_refused(report(1, None, Vec::new()), TaskRefusal::ProgressEmpty);
}

#[test]
fn a_report_is_bounded() {
    let lines = |count: u64| (0..count).map(|_| line("again")).collect::<Vec<_>>();
    is_taken(None, lines(LOG_LINES_MAX));
    is_taken(None, vec![line(&text_of(LOG_LINE_MAX))]);
    is_refused(report(1, None, lines(LOG_LINES_MAX + 1)), TaskRefusal::TooManyLogLines);
    is_refused(report(1, Some(101), Vec::new()), TaskRefusal::PercentOutOfRange);
    for (message, problem) in [
        (text_of(LOG_LINE_MAX + 1), TextProblem::TooLong { limit: 2_000 }),
        ("\0".to_owned(), TextProblem::HasNul),
    ] {
        is_refused(
            report(1, None, vec![line(&message)]),
            TaskRefusal::Text {
                field: "log.message",
                problem,
            },
        );
    }
    let long_ago = LogLine {
        at: "-0044-03-15T12:00:00Z".parse().unwrap(),
        ..line("et tu")
    };
    is_refused(report(1, None, vec![long_ago]), TaskRefusal::TimeOutOfRange);
}

#[test]
fn the_running_execution_completes() {
    let result = ExecutionResult {
        files_changed: 3,
        lines_added: 120,
        lines_removed: 14,
        tokens_used: 51_000,
        cost_micro_usd: 230_000,
        duration_ms: 94_000,
        commit: Some("9f1c2ab".to_owned()),
    };
    let event = TaskEvent::ExecutionCompleted {
        execution_id: execution(1),
        result: result.clone(),
    };
    let state = given(task, history_to(TaskStatus::InProgress))
        .when(complete(1, result))
        .by(service())
        .then([event]);
    assert_eq!(
        (state.status(), state.running_execution()),
        (TaskStatus::Completed, None)
    );
}

#[test]
fn the_running_execution_fails() {
    let state = given(task, history_to(TaskStatus::InProgress))
        .when(fail(1))
        .by(service())
        .then([failed(1)]);
    assert_eq!((state.status(), state.running_execution()), (TaskStatus::Failed, None));
}

#[test]
fn a_report_is_refused_when_the_execution_is_not_the_running_one() {
    let retried = [
        created(),
        classified(),
        started(1, 1),
        cancelled(),
        TaskEvent::Retried { attempt: 2 },
        started(2, 2),
    ];
    for command in [
        report(1, Some(50), Vec::new()),
        complete(1, ExecutionResult::default()),
        fail(1),
    ] {
        given(task, retried.clone())
            .when(command)
            .by(service())
            .then_refused(TaskRefusal::ExecutionNotCurrent);
    }
    given(task, retried)
        .when(complete(2, ExecutionResult::default()))
        .by(service())
        .then([completed(2)]);
}

#[test]
fn a_report_is_refused_when_nothing_is_running() {
    for (status, history) in histories() {
        if matches!(status, TaskStatus::InProgress | TaskStatus::Deleted) {
            continue;
        }
        for command in [
            report(1, Some(50), Vec::new()),
            complete(1, ExecutionResult::default()),
            fail(1),
        ] {
            given(task, history.clone())
                .when(command)
                .by(service())
                .then_refused(TaskRefusal::ExecutionNotCurrent);
        }
    }
}

#[test]
fn every_number_of_a_result_fits_a_table() {
    let over = NUMBER_MAX + 1;
    let zero = ExecutionResult::default;
    for (field, result) in [
        (
            "filesChanged",
            ExecutionResult {
                files_changed: over,
                ..zero()
            },
        ),
        (
            "linesAdded",
            ExecutionResult {
                lines_added: over,
                ..zero()
            },
        ),
        (
            "linesRemoved",
            ExecutionResult {
                lines_removed: over,
                ..zero()
            },
        ),
        (
            "tokensUsed",
            ExecutionResult {
                tokens_used: over,
                ..zero()
            },
        ),
        (
            "costMicroUsd",
            ExecutionResult {
                cost_micro_usd: over,
                ..zero()
            },
        ),
        (
            "durationMs",
            ExecutionResult {
                duration_ms: u64::MAX,
                ..zero()
            },
        ),
    ] {
        is_refused(complete(1, result), TaskRefusal::NumberTooLarge { field });
    }
    let largest = ExecutionResult {
        tokens_used: NUMBER_MAX,
        ..zero()
    };
    let event = TaskEvent::ExecutionCompleted {
        execution_id: execution(1),
        result: largest.clone(),
    };
    given(task, history_to(TaskStatus::InProgress))
        .when(complete(1, largest))
        .by(service())
        .then([event]);
}

#[test]
fn the_commit_of_a_result_is_bounded() {
    for (commit, problem) in [
        (text_of(COMMIT_MAX + 1), TextProblem::TooLong { limit: 100 }),
        (String::new(), TextProblem::Blank),
        ("a\0".to_owned(), TextProblem::HasNul),
    ] {
        let result = ExecutionResult {
            commit: Some(commit),
            ..ExecutionResult::default()
        };
        is_refused(
            complete(1, result),
            TaskRefusal::Text {
                field: "commit",
                problem,
            },
        );
    }
}

#[test]
fn a_failure_is_told_within_bounds() {
    let failure = |code: String, message: String, duration_ms| TaskCommand::FailExecution {
        execution_id: execution(1),
        code,
        message,
        tokens_used: 0,
        cost_micro_usd: 0,
        duration_ms,
    };
    let (code, message) = ("c".to_owned(), "m".to_owned());
    let too_long = |limit| TextProblem::TooLong { limit };
    is_refused(
        failure(text_of(FAILURE_CODE_MAX + 1), message.clone(), 0),
        TaskRefusal::Text {
            field: "code",
            problem: too_long(100),
        },
    );
    is_refused(
        failure(code.clone(), text_of(FAILURE_MESSAGE_MAX + 1), 0),
        TaskRefusal::Text {
            field: "message",
            problem: too_long(5_000),
        },
    );
    is_refused(
        failure(code.clone(), " ".to_owned(), 0),
        TaskRefusal::Text {
            field: "message",
            problem: TextProblem::Blank,
        },
    );
    is_refused(
        failure(code, message, NUMBER_MAX + 1),
        TaskRefusal::NumberTooLarge { field: "durationMs" },
    );
}
