//! Each rule on the smallest tree that breaks it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;
use xtask::tidy;

const LINTS: &str = "[lints]\nworkspace = true\n";

/// A repository that breaks no rule.
struct Tree {
    root: TempDir,
}

impl Tree {
    fn new() -> Self {
        let tree = Self {
            root: tempfile::tempdir().unwrap(),
        };
        tree.write(
            "Cargo.toml",
            "[workspace]\nmembers = [\"*\"]\n[workspace.dependencies]\ndomain = { path = \"domain\" }\n",
        );
        tree.write_crate("domain", "serde.workspace = true\n");
        tree.write_crate("event-store", "domain = { workspace = true, features = [\"x\"] }\n");
        tree.write_crate("kafka", "event-store.workspace = true\nrdkafka.workspace = true\n");
        tree.write("docs/adr/README.md", "- 0001-one.md\n- 0002-two.md\n- 0004-four.md\n");
        tree.write("docs/adr/0001-one.md", "# One\n");
        tree.write("docs/adr/0002-two.md", "# Two\n");
        tree
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.root.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn write_crate(&self, name: &str, dependencies: &str) {
        let text = format!("[package]\nname = \"{name}\"\n{LINTS}[dependencies]\n{dependencies}");
        self.write(&format!("{name}/Cargo.toml"), &text);
    }

    fn problems(&self) -> Vec<String> {
        tidy::check(self.root.path())
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[track_caller]
    fn breaks(&self, rule: &str) {
        let problems = self.problems();
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert!(problems[0].contains(rule), "{problems:#?}");
    }
}

#[test]
fn a_good_tree_has_no_problem() {
    assert_eq!(Tree::new().problems(), Vec::<String>::new());
}

#[test]
fn a_crate_without_the_lints_of_the_workspace_is_a_problem() {
    let tree = Tree::new();
    tree.write("domain/Cargo.toml", "[package]\nname = \"domain\"\n");
    tree.breaks("domain/Cargo.toml: add `[lints] workspace = true`");
}

#[test]
fn a_dependency_with_its_own_version_is_a_problem_in_every_table() {
    for table in [
        "dependencies",
        "dev-dependencies",
        "build-dependencies",
        "target.'cfg(unix)'.dependencies",
    ] {
        let tree = Tree::new();
        tree.write(
            "domain/Cargo.toml",
            &format!("[package]\nname = \"domain\"\n{LINTS}[{table}]\nserde = \"1\"\n"),
        );
        tree.breaks("name `serde` in the root's [workspace.dependencies]");
    }
}

#[test]
fn a_dependency_against_the_direction_is_a_problem() {
    let tree = Tree::new();
    tree.write_crate("domain", "event-store.workspace = true\n");
    tree.breaks("`domain` must not depend on `event-store`");
}

#[test]
fn tests_of_a_crate_may_use_more_than_the_crate() {
    let tree = Tree::new();
    let manifest = format!("[package]\nname = \"domain\"\n{LINTS}[dev-dependencies]\nevent-store.workspace = true\n");
    tree.write("domain/Cargo.toml", &manifest);
    assert_eq!(tree.problems(), Vec::<String>::new());
}

#[test]
fn nothing_may_depend_on_the_binary() {
    let tree = Tree::new();
    tree.write_crate("bench", "coding-agent.workspace = true\n");
    tree.breaks("nothing depends on `coding-agent`");
}

#[test]
fn a_crate_that_the_table_does_not_know_is_a_problem() {
    let tree = Tree::new();
    tree.write_crate("surprise", "");
    tree.breaks("add `surprise` to the table");
}

#[test]
fn confined_libraries_stay_in_their_crate() {
    let tree = Tree::new();
    tree.write_crate("event-store", "rdkafka.workspace = true\n");
    tree.breaks("`rdkafka` is confined to `kafka`");
    let tree = Tree::new();
    tree.write_crate("kafka", "async-graphql.workspace = true\n");
    tree.breaks("`async-graphql` is confined to `query-api`");
}

#[test]
fn benchmarks_may_use_confined_libraries() {
    let tree = Tree::new();
    tree.write_crate("bench", "rdkafka.workspace = true\nasync-graphql.workspace = true\n");
    assert_eq!(tree.problems(), Vec::<String>::new());
}

#[test]
fn names_that_say_nothing_are_a_problem_for_files_and_directories() {
    for file in ["domain/src/utils.rs", "domain/src/common/money.rs", "docs/helpers.md"] {
        let tree = Tree::new();
        tree.write(file, "");
        tree.breaks("says nothing");
    }
}

#[test]
fn a_file_of_501_lines_is_a_problem_and_one_of_500_is_not() {
    let tree = Tree::new();
    tree.write("domain/src/lib.rs", &"//\n".repeat(500));
    assert_eq!(tree.problems(), Vec::<String>::new());
    tree.write("domain/src/lib.rs", &"//\n".repeat(501));
    tree.breaks("501 lines");
}

#[test]
fn what_is_built_or_left_behind_is_not_looked_at() {
    let tree = Tree::new();
    for directory in ["target/debug", ".dev/test", "dashboard/node_modules/x"] {
        tree.write(&format!("{directory}/utils.rs"), "");
    }
    assert_eq!(tree.problems(), Vec::<String>::new());
}

#[test]
fn a_decision_that_is_not_listed_is_a_problem() {
    let tree = Tree::new();
    tree.write("docs/adr/0003-three.md", "");
    tree.breaks("list it in docs/adr/README.md");
}

#[test]
fn a_gap_in_the_numbers_of_decisions_is_a_problem() {
    let tree = Tree::new();
    tree.write("docs/adr/0004-four.md", "");
    tree.breaks("0004-four.md: the next number is 0003");
}

#[test]
fn a_decision_without_a_number_is_a_problem() {
    let tree = Tree::new();
    tree.write("docs/adr/why.md", "");
    tree.breaks("name it NNNN-what-was-decided.md");
}

#[test]
fn decisions_without_a_list_are_a_problem() {
    let tree = Tree::new();
    fs::remove_file(tree.root.path().join("docs/adr/README.md")).unwrap();
    tree.breaks("write the list of decisions");
}

#[test]
fn a_script_that_cannot_be_executed_is_a_problem() {
    for (file, text) in [("dev", "#!/usr/bin/env bash\n"), (".ci/run.sh", "echo\n")] {
        let tree = Tree::new();
        tree.write(file, text);
        tree.breaks("executable");
        executable(&tree.root.path().join(file));
        assert_eq!(tree.problems(), Vec::<String>::new());
    }
}

fn executable(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
