//! Linking a pull request.

use domain::task::{PullRequest, REPOSITORY_MAX, TaskCommand, TaskEvent, TaskRefusal, TaskStatus, URL_MAX};
use domain::text::{NUMBER_MAX, TextProblem};

use super::{created, histories, pull_request, task};
use crate::harness::{given, service};

#[track_caller]
fn is_linked(linked: &PullRequest) {
    given(task, [created()])
        .when(TaskCommand::LinkPullRequest(linked.clone()))
        .by(service())
        .then([TaskEvent::PullRequestLinked(linked.clone())]);
}

#[track_caller]
fn is_refused(linked: PullRequest, refusal: TaskRefusal) {
    given(task, [created()])
        .when(TaskCommand::LinkPullRequest(linked))
        .by(service())
        .then_refused(refusal);
}

#[test]
fn work_may_land_in_any_status() {
    for (status, history) in histories() {
        if status != TaskStatus::Deleted {
            let linked = TaskEvent::PullRequestLinked(pull_request());
            let command = TaskCommand::LinkPullRequest(pull_request());
            let state = given(task, history).when(command).by(service()).then([linked]);
            assert_eq!(state.status(), status);
        }
    }
}

#[test]
fn the_same_pull_request_changes_nothing() {
    given(task, [created(), TaskEvent::PullRequestLinked(pull_request())])
        .when(TaskCommand::LinkPullRequest(pull_request()))
        .by(service())
        .then_nothing_happened();
}

#[test]
fn a_repository_is_named_owner_and_name() {
    for repository in ["a/b", "Acme-Corp/parser.rs", "a_b/c-d.e"] {
        is_linked(&PullRequest {
            repository: repository.to_owned(),
            ..pull_request()
        });
    }
    for repository in [
        "parser",
        "/parser",
        "acme/",
        "acme/parser/x",
        "acme/..",
        "acme /parser",
        "acme/pärser",
        "/",
    ] {
        let linked = PullRequest {
            repository: repository.to_owned(),
            ..pull_request()
        };
        is_refused(linked, TaskRefusal::RepositoryMalformed);
    }
    let long_name = "n".repeat(usize::try_from(REPOSITORY_MAX).unwrap());
    let linked = PullRequest {
        repository: format!("acme/{long_name}"),
        ..pull_request()
    };
    is_refused(
        linked,
        TaskRefusal::Text {
            field: "repository",
            problem: TextProblem::TooLong { limit: 200 },
        },
    );
}

#[test]
fn a_number_is_at_least_1_and_fits_a_table() {
    is_linked(&PullRequest {
        number: 1,
        ..pull_request()
    });
    is_linked(&PullRequest {
        number: NUMBER_MAX,
        ..pull_request()
    });
    is_refused(
        PullRequest {
            number: 0,
            ..pull_request()
        },
        TaskRefusal::PullRequestNumberZero,
    );
    let linked = PullRequest {
        number: NUMBER_MAX + 1,
        ..pull_request()
    };
    is_refused(linked, TaskRefusal::NumberTooLarge { field: "number" });
}

#[test]
fn a_link_is_one_that_a_person_may_follow() {
    for url in [
        "http://git.example/7",
        "https://git.example",
        "https://git.example:8443/a?b#c",
    ] {
        is_linked(&PullRequest {
            url: url.to_owned(),
            ..pull_request()
        });
    }
    for url in [
        "javascript:alert(1)",
        "ftp://git.example/7",
        "git.example/7",
        "https://",
        "https:///7",
        "https://git.example/a b",
        "https://git.example/\"><script>",
    ] {
        is_refused(
            PullRequest {
                url: url.to_owned(),
                ..pull_request()
            },
            TaskRefusal::UrlMalformed,
        );
    }
}

#[test]
fn a_link_has_at_most_2_000_characters() {
    let address_of = |length: u64| {
        let beginning = "https://git.example/";
        format!(
            "{beginning}{}",
            "p".repeat(usize::try_from(length).unwrap() - beginning.len())
        )
    };
    is_linked(&PullRequest {
        url: address_of(URL_MAX),
        ..pull_request()
    });
    let linked = PullRequest {
        url: address_of(URL_MAX + 1),
        ..pull_request()
    };
    is_refused(
        linked,
        TaskRefusal::Text {
            field: "url",
            problem: TextProblem::TooLong { limit: 2_000 },
        },
    );
}
