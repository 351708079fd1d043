//! What clients were told, against what happened: each case a short history, and what is wrong with it.

use domain::{CommandId, StreamId, UserId};
use replay_tools::history::verify::clients::line::AttemptLine;
use replay_tools::history::verify::clients::{AcceptedCommand, ClientsCheck, ClientsReport};
use replay_tools::history::verify::{Code, Findings};
use serde_json::{Value, json};
use uuid::Uuid;

const PRINCIPAL: Uuid = Uuid::from_u128(7);

/// An attempt on stream `s`, from `started` to `ended`.
#[allow(clippy::needless_pass_by_value, reason = "a list of cases reads better")]
fn attempt(command: &str, started: u64, ended: u64, outcome: Value) -> Value {
    json!({
        "client": "c1", "startedAt": started, "endedAt": ended, "principal": PRINCIPAL, "commandId": command,
        "contentHash": "a1", "command": "rename", "stream": "conversation-s", "expectedRevision": null, "outcome": outcome,
    })
}

fn with(mut attempt: Value, member: &str, value: Value) -> Value {
    attempt[member] = value;
    attempt
}

fn done(revision: u64) -> Value {
    json!({ "type": "done", "revision": revision, "replayed": false })
}

fn replayed(revision: u64) -> Value {
    json!({ "type": "done", "revision": revision, "replayed": true })
}

fn refused() -> Value {
    json!({ "type": "refused", "code": "task.finished", "final": false })
}

fn refused_for_good() -> Value {
    json!({ "type": "refused", "code": "task.finished", "final": true })
}

fn conflict(current: Option<u64>) -> Value {
    json!({ "type": "conflict", "currentRevision": current })
}

fn nothing(revision: u64) -> Value {
    json!({ "type": "nothing", "revision": revision })
}

fn not_applied() -> Value {
    json!({ "type": "notApplied", "code": "log.unavailable" })
}

fn unknown() -> Value {
    json!({ "type": "unknown", "code": "timeout" })
}

/// A command with one event, on stream `s`.
fn happened(command: &str, revision: u64) -> AcceptedCommand {
    on("conversation-s", command, revision..=revision)
}

fn on(stream: &str, command: &str, revisions: std::ops::RangeInclusive<u64>) -> AcceptedCommand {
    AcceptedCommand {
        stream: StreamId::parse(stream).unwrap(),
        scoped: CommandId::parse(command).unwrap().scoped(UserId::new(PRINCIPAL)),
        first: *revisions.start(),
        last: *revisions.end(),
    }
}

fn judge(
    attempts: impl IntoIterator<Item = Value>,
    log: impl IntoIterator<Item = AcceptedCommand>,
) -> (Vec<Code>, ClientsReport) {
    let lines = attempts
        .into_iter()
        .map(|attempt| serde_json::from_value::<AttemptLine>(attempt).unwrap());
    let mut check = ClientsCheck::of(lines);
    for accepted in log {
        check.saw(&accepted);
    }
    let mut findings = Findings::new(100);
    let report = check.judge(&mut findings);
    (findings.kept().iter().map(|finding| finding.code).collect(), report)
}

fn clean(attempts: impl IntoIterator<Item = Value>, log: impl IntoIterator<Item = AcceptedCommand>) -> ClientsReport {
    let (codes, report) = judge(attempts, log);
    assert_eq!(codes, [], "{report:?}");
    report
}

fn wrong(code: Code, attempts: impl IntoIterator<Item = Value>, log: impl IntoIterator<Item = AcceptedCommand>) {
    let (codes, report) = judge(attempts, log);
    assert_eq!(codes, [code], "{report:?}");
}

#[test]
fn answers_that_fit_the_log_are_no_findings() {
    let report = clean(
        [
            with(attempt("a", 0, 10, done(1)), "stream", json!("conversation-s")),
            attempt("a", 11, 15, replayed(1)),
            with(attempt("b", 20, 30, done(2)), "expectedRevision", json!(1)),
            with(attempt("c", 31, 40, conflict(Some(2))), "expectedRevision", json!(1)),
            attempt("d", 31, 40, nothing(2)),
            attempt("e", 31, 40, refused()),
            attempt("f", 31, 40, not_applied()),
            attempt("g", 31, 40, unknown()),
            attempt("h", 31, 40, unknown()),
            with(attempt("i", 31, 40, unknown()), "stream", json!(null)),
        ],
        [
            on("conversation-s", "a", 0..=1),
            happened("b", 2),
            happened("g", 3),
            happened("somebody-else", 4),
            on("conversation-new", "i", 0..=0),
        ],
    );
    assert_eq!(
        (report.attempts, report.commands, report.done, report.replayed),
        (10, 9, 3, 1)
    );
    assert_eq!((report.uncertain_that_happened, report.uncertain_that_did_not), (2, 1));
}

#[test]
fn an_acknowledged_command_that_the_log_does_not_have_is_lost() {
    wrong(Code::AckedLost, [attempt("a", 0, 10, done(0))], []);
    wrong(Code::AckedLost, [attempt("a", 0, 10, replayed(0))], []);
    // Its namesake of another principal is another command.
    let other = AcceptedCommand {
        scoped: CommandId::parse("a").unwrap().scoped(UserId::new(Uuid::nil())),
        ..happened("a", 0)
    };
    wrong(Code::AckedLost, [attempt("a", 0, 10, done(0))], [other]);
}

#[test]
fn an_acknowledged_revision_is_that_of_the_log() {
    wrong(Code::WrongRevision, [attempt("a", 0, 10, done(3))], [happened("a", 4)]);
    let original = attempt("a", 0, 10, done(4));
    wrong(
        Code::ReplayDiffers,
        [original.clone(), attempt("a", 11, 12, replayed(5))],
        [happened("a", 4)],
    );
    clean([original, attempt("a", 11, 12, replayed(4))], [happened("a", 4)]);
}

#[test]
fn a_command_that_named_a_revision_extends_it() {
    let named = with(attempt("a", 0, 10, done(5)), "expectedRevision", json!(3));
    wrong(Code::ExpectationIgnored, [named.clone()], [happened("a", 5)]);
    clean([named], [on("conversation-s", "a", 4..=5)]);
}

#[test]
fn of_all_attempts_one_did_it() {
    wrong(
        Code::DoneTwice,
        [attempt("a", 0, 10, done(0)), attempt("a", 5, 12, done(0))],
        [happened("a", 0)],
    );
    let other_content = with(attempt("a", 5, 12, done(0)), "contentHash", json!("b2"));
    wrong(
        Code::TwoContentsDone,
        [attempt("a", 0, 10, done(0)), other_content],
        [happened("a", 0)],
    );
    // Other content under the same id, refused: that is how it should be.
    let other_content = with(attempt("a", 11, 12, refused()), "contentHash", json!("b2"));
    clean([attempt("a", 0, 10, done(0)), other_content], [happened("a", 0)]);
}

#[test]
fn a_command_happens_where_it_was_asked_for() {
    let elsewhere = || on("conversation-other", "a", 0..=0);
    wrong(
        Code::Doubled,
        [attempt("a", 0, 10, done(0))],
        [happened("a", 0), elsewhere()],
    );
    let nameless = with(attempt("a", 0, 10, unknown()), "stream", json!(null));
    clean([nameless.clone()], [elsewhere()]);
    wrong(Code::Doubled, [nameless], [elsewhere(), happened("a", 0)]);
    // The same id on two streams, both asked for.
    clean(
        [
            attempt("a", 0, 10, done(0)),
            with(attempt("a", 0, 10, done(0)), "stream", json!("conversation-other")),
        ],
        [happened("a", 0), elsewhere()],
    );
}

#[test]
fn what_was_refused_with_certainty_every_time_is_not_there() {
    for no in [refused(), not_applied()] {
        wrong(
            Code::RefusedPresent,
            [attempt("a", 0, 10, no.clone())],
            [happened("a", 0)],
        );
        let report = clean(
            [attempt("a", 0, 10, no.clone()), attempt("a", 20, 30, unknown())],
            [happened("a", 0)],
        );
        assert_eq!(report.uncertain_that_happened, 1);
        clean(
            [attempt("a", 0, 10, no), attempt("a", 20, 30, done(0))],
            [happened("a", 0)],
        );
    }
    for no in [conflict(Some(0)), nothing(0)] {
        wrong(
            Code::RefusedPresent,
            [attempt("a", 0, 10, no)],
            [happened("somebody-else", 0), happened("a", 1)],
        );
    }
}

#[test]
fn what_was_refused_for_good_is_never_there() {
    wrong(
        Code::FinalRefusalPresent,
        [attempt("a", 0, 10, unknown()), attempt("a", 11, 12, refused_for_good())],
        [happened("a", 0)],
    );
    clean(
        [attempt("a", 0, 10, unknown()), attempt("a", 11, 12, refused_for_good())],
        [],
    );
}

#[test]
fn who_asks_again_gets_the_same_answer() {
    for other in [refused(), nothing(0)] {
        wrong(
            Code::Forgotten,
            [attempt("a", 0, 10, done(0)), attempt("a", 11, 12, other.clone())],
            [happened("a", 0)],
        );
        // At the same time, the one may have been first.
        clean(
            [attempt("a", 0, 10, done(0)), attempt("a", 9, 12, other)],
            [happened("a", 0)],
        );
    }
    clean(
        [attempt("a", 0, 10, done(0)), attempt("a", 11, 12, not_applied())],
        [happened("a", 0)],
    );
}

#[test]
fn commands_take_effect_between_their_start_and_their_answer() {
    let log = || [happened("b", 0), happened("a", 1)];
    let first = attempt("a", 0, 10, done(1));
    wrong(Code::Order, [first.clone(), attempt("b", 11, 20, done(0))], log());
    clean([first.clone(), attempt("b", 10, 20, done(0))], log());
    // On another stream there is no order.
    clean(
        [
            first.clone(),
            with(attempt("b", 11, 20, done(0)), "stream", json!("conversation-t")),
        ],
        [on("conversation-t", "b", 0..=0), happened("a", 1)],
    );
    // It may have happened by its first attempt, which nobody answered.
    clean(
        [
            first.clone(),
            attempt("b", 5, 20, unknown()),
            attempt("b", 21, 30, replayed(0)),
        ],
        log(),
    );
    // But not when the later attempt did it itself.
    wrong(
        Code::Order,
        [
            first.clone(),
            attempt("b", 5, 9, unknown()),
            attempt("b", 21, 30, done(0)),
        ],
        log(),
    );
    // Nobody was told about it, and all the same it cannot have happened before it began.
    wrong(Code::Order, [first, attempt("b", 11, 20, unknown())], log());
}

#[test]
fn a_named_revision_was_the_streams_at_some_moment_of_the_attempt() {
    let log = || [happened("a", 0), on("conversation-s", "b", 1..=2), happened("c", 3)];
    let done = || {
        [
            attempt("a", 0, 10, done(0)),
            attempt("b", 20, 30, done(2)),
            attempt("c", 40, 50, done(3)),
        ]
    };
    let told = |started, ended, outcome: Value| done().into_iter().chain([attempt("x", started, ended, outcome)]);
    for answer in [conflict as fn(Option<u64>) -> Value, |revision| {
        nothing(revision.unwrap_or(99))
    }] {
        clean(told(11, 19, answer(Some(0))), log());
        clean(told(11, 25, answer(Some(2))), log());
        clean(told(25, 45, answer(Some(0))), log());
        wrong(Code::ImpossibleRevision, told(31, 39, answer(Some(0))), log());
        wrong(Code::ImpossibleRevision, told(11, 19, answer(Some(2))), log());
        wrong(Code::ImpossibleRevision, told(31, 39, answer(Some(9))), log());
        // In the middle of a command.
        wrong(Code::ImpossibleRevision, told(20, 39, answer(Some(1))), log());
    }
    clean(told(5, 9, conflict(None)), log());
    wrong(Code::ImpossibleRevision, told(11, 19, conflict(None)), log());
    let expected = with(attempt("x", 31, 39, conflict(Some(2))), "expectedRevision", json!(2));
    wrong(Code::ImpossibleRevision, done().into_iter().chain([expected]), log());
}

#[test]
fn a_finding_says_who_was_told_what() {
    let lines = [serde_json::from_value(attempt("a", 0, 10, done(7))).unwrap()];
    let mut findings = Findings::new(1);
    ClientsCheck::of(lines).judge(&mut findings);
    let finding = serde_json::to_value(&findings.kept()[0]).unwrap();
    assert_eq!(
        finding,
        json!({
            "code": "clients.acked-lost", "stream": "conversation-s", "client": "c1", "line": 1, "commandId": "a",
            "sentence": "it was told to be done at revision 7, and the log does not have it",
        })
    );
}
