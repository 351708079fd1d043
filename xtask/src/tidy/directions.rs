//! Which of our crates may depend on which, and where a library is confined. This is the architecture as a table: a new
//! line here is a decision, not a formality.

use super::Problem;
use super::manifests::{Dependency, Manifest};

/// What each crate of the product may depend on. Tests of a crate may use more, such as another crate's conformance suite.
const ALLOWED: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("platform", &[]),
    ("event-store", &["domain"]),
    ("kafka", &["event-store", "platform"]),
    ("command-api", &["domain", "event-store", "platform"]),
    ("projections", &["domain", "event-store", "platform"]),
    // The vocabulary of positions and roles; that it names no store is `it_sees_no_store` in its own tests.
    ("query-api", &["domain", "event-store", "projections", "platform"]),
    ("replay-tools", &["domain", "projections", "event-store", "platform"]),
    // The operator's commands over HTTP: the same functions, so it sees the crate that has them.
    (
        "admin-api",
        &["domain", "projections", "event-store", "platform", "replay-tools"],
    ),
];

/// They bring the product together or look at it from outside, so they may use all of it. (`bench-peers` is a workspace of its
/// own that measures other products.)
const UNRESTRICTED: [&str; 7] = [
    "coding-agent",
    "system-tests",
    "simulation",
    "faults",
    "bench",
    "bench-peers",
    "xtask",
];

/// The crate that nobody depends on: it only joins the others.
const TOP: &str = "coding-agent";

/// Libraries that one crate hides from the rest, so that another one can take their place. Benchmarks and system tests
/// use them to measure and to check from outside.
const CONFINED: [(&str, &str); 2] = [("rdkafka", "kafka"), ("async-graphql", "query-api")];

/// The rules.
pub(super) fn check(manifests: &[Manifest]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for manifest in manifests {
        let allowed = ALLOWED
            .iter()
            .find(|(package, _)| *package == manifest.package)
            .map(|(_, allowed)| *allowed);
        let unrestricted = UNRESTRICTED.contains(&manifest.package.as_str());
        if allowed.is_none() && !unrestricted {
            let message = format!(
                "add `{}` to the table in xtask/src/tidy/directions.rs",
                manifest.package
            );
            problems.push(Problem::new(&manifest.file, message));
        }
        for dependency in &manifest.dependencies {
            if dependency.name == TOP {
                problems.push(Problem::new(&manifest.file, format!("nothing depends on `{TOP}`")));
                continue;
            }
            if unrestricted {
                continue;
            }
            problems.extend(confinement(manifest, dependency));
            if let Some(allowed) = allowed
                && is_ours(&dependency.name, manifests)
                && !dependency.only_for_tests
                && !allowed.contains(&dependency.name.as_str())
            {
                let message = format!("`{}` must not depend on `{}`", manifest.package, dependency.name);
                problems.push(Problem::new(&manifest.file, message));
            }
        }
    }
    problems
}

fn is_ours(name: &str, manifests: &[Manifest]) -> bool {
    manifests.iter().any(|manifest| manifest.package == name)
}

fn confinement(manifest: &Manifest, dependency: &Dependency) -> Option<Problem> {
    let (library, home) = CONFINED.iter().find(|(library, _)| *library == dependency.name)?;
    (manifest.package != *home).then(|| Problem::new(&manifest.file, format!("`{library}` is confined to `{home}`")))
}
