//! The codes of all refusals: clients branch on them, so a change must show here.

use domain::administration::{AdministrationRefusal, OperationKind};
use domain::conversation::ConversationRefusal;
use domain::quota::QuotaRefusal;
use domain::task::TaskRefusal;
use domain::text::TextProblem;
use domain::{AttachmentId, Refusal};
use uuid::Uuid;

use crate::harness::noon;

const GOLDEN: &str = include_str!("../fixtures/refusal-codes.txt");

const TEXT_PROBLEMS: [TextProblem; 3] = [
    TextProblem::Blank,
    TextProblem::TooLong { limit: 200 },
    TextProblem::HasNul,
];

fn of_conversations() -> Vec<ConversationRefusal> {
    use ConversationRefusal as R;
    let attachment = AttachmentId::new(Uuid::nil());
    let mut all = vec![
        R::NotFound,
        R::AlreadyExists,
        R::Deleted,
        R::NotAllowed,
        R::OwnerNotAllowed,
        R::RoleNotAllowed,
        R::AuthorNotSender,
        R::AuthorMissing,
        R::AuthorUnexpected,
        R::AnswerDetailUnexpected { field: "model" },
        R::Archived,
        R::NotArchived,
        R::Full,
        R::TooManyAttachments,
        R::AttachmentUnknown { attachment },
        R::AttachmentRepeated { attachment },
        R::NumberTooLarge { field: "tokensUsed" },
    ];
    all.extend(TEXT_PROBLEMS.map(|problem| R::Text {
        field: "title",
        problem,
    }));
    all
}

fn of_tasks() -> Vec<TaskRefusal> {
    use TaskRefusal as R;
    let mut all = vec![
        R::NotFound,
        R::AlreadyExists,
        R::Deleted,
        R::NotAllowed,
        R::OwnerNotAllowed,
        R::NotEditableWhileInProgress,
        R::NotEditableWhenCompleted,
        R::NotPending,
        R::NotClassifiable,
        R::NotClassifying,
        R::NotClassified,
        R::AlreadyInProgress,
        R::AlreadyEnded,
        R::ExecutionNotCurrent,
        R::NotRetryable,
        R::NotCancellable,
        R::NotDeletableWhileInProgress,
        R::TooManyAttempts,
        R::ExecutionIdUsed,
        R::StrategyNotAllowed,
        R::StrategyMissing,
        R::ProgressEmpty,
        R::PercentOutOfRange,
        R::TooManyLogLines,
        R::TimeOutOfRange,
        R::PriorityOutOfRange,
        R::ConfidenceOutOfRange,
        R::RepositoryMalformed,
        R::PullRequestNumberZero,
        R::UrlMalformed,
        R::NumberTooLarge { field: "tokensUsed" },
    ];
    all.extend(TEXT_PROBLEMS.map(|problem| R::Text {
        field: "title",
        problem,
    }));
    all
}

fn of_quotas() -> Vec<QuotaRefusal> {
    vec![
        QuotaRefusal::Exhausted {
            limit: 10,
            retry_at: noon(),
        },
        QuotaRefusal::LimitOutOfRange,
        QuotaRefusal::WindowOutOfRange,
        QuotaRefusal::NotAllowed,
    ]
}

fn of_administration() -> Vec<AdministrationRefusal> {
    use AdministrationRefusal as R;
    let mut all = vec![R::NotAllowed];
    all.extend(TEXT_PROBLEMS.map(|problem| R::Reason { problem }));
    all.extend([
        R::ReasonMissing,
        R::NotUnderWay { operation: Uuid::nil() },
        R::OtherOutcome {
            kind: OperationKind::Promote,
        },
    ]);
    all
}

/// `code kind field limit`, as far as there are such.
fn described(refusal: &impl Refusal) -> String {
    let field = refusal.field().unwrap_or("-");
    let limit = refusal
        .limit()
        .map_or_else(|| "-".to_owned(), |limit| limit.to_string());
    format!("{} {:?} {field} {limit}", refusal.code(), refusal.kind())
}

#[test]
fn every_refusal_has_the_stable_code_and_kind_of_the_golden_list() {
    let conversations = of_conversations().iter().map(described).collect::<Vec<_>>();
    let tasks = of_tasks().iter().map(described).collect::<Vec<_>>();
    let quotas = of_quotas().iter().map(described).collect::<Vec<_>>();
    let administration = of_administration().iter().map(described).collect::<Vec<_>>();
    let all = [conversations, tasks, quotas, administration].concat();
    assert_eq!(all, GOLDEN.lines().collect::<Vec<_>>());
}

/// The lists above are written by hand; the codes in the source tell whether one was forgotten.
#[test]
fn the_golden_list_forgets_no_code_of_the_source() {
    let sources = [
        include_str!("../../src/conversation/refusal.rs"),
        include_str!("../../src/task/refusal.rs"),
        include_str!("../../src/quota/refusal.rs"),
        include_str!("../../src/administration/refusal.rs"),
    ];
    let mut written: Vec<&str> = Vec::new();
    for source in sources {
        let (_, code_onwards) = source.split_once("fn code").unwrap();
        let (codes, _) = code_onwards.split_once("fn kind").unwrap();
        written.extend(codes.split('"').skip(1).step_by(2));
    }
    let listed: Vec<&str> = GOLDEN.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(written, listed);
}

#[test]
fn every_refusal_says_why_in_lower_case_without_a_full_stop() {
    let conversations = of_conversations().iter().map(ToString::to_string).collect::<Vec<_>>();
    let tasks = of_tasks().iter().map(ToString::to_string).collect::<Vec<_>>();
    let quotas = of_quotas().iter().map(ToString::to_string).collect::<Vec<_>>();
    let administration = of_administration().iter().map(ToString::to_string).collect::<Vec<_>>();
    for message in [conversations, tasks, quotas, administration].concat() {
        assert!(message.starts_with(|first: char| first.is_lowercase()), "{message}");
        assert!(!message.ends_with('.'), "{message}");
    }
}

#[test]
fn only_an_exhausted_quota_says_when_to_come_back() {
    assert!(
        of_quotas()
            .iter()
            .all(|refusal| { refusal.retry_at().is_some() == (refusal.kind() == domain::RefusalKind::Limited) })
    );
    assert!(of_tasks().iter().all(|refusal| refusal.retry_at().is_none()));
}
