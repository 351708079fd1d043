//! `Cargo.toml` of every crate: lints come from the workspace, and so does every dependency.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::Problem;

/// A crate's manifest.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) file: PathBuf,
    pub(super) package: String,
    pub(super) dependencies: Vec<Dependency>,
    inherits_lints: bool,
}

/// One line of a table of dependencies.
#[derive(Debug)]
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) only_for_tests: bool,
    inherited: bool,
}

/// The manifests of all crates; the root's own table is not one of them.
pub(super) fn read(root: &Path, files: &[PathBuf]) -> Result<Vec<Manifest>> {
    let mut manifests = Vec::new();
    for file in files
        .iter()
        .filter(|file| file.file_name().is_some_and(|name| name == "Cargo.toml"))
    {
        let text = fs::read_to_string(root.join(file)).with_context(|| format!("cannot read {}", file.display()))?;
        let table: Table = toml::from_str(&text).with_context(|| format!("cannot parse {}", file.display()))?;
        if let Some(package) = table
            .get("package")
            .and_then(|package| package.get("name"))
            .and_then(Value::as_str)
        {
            manifests.push(Manifest {
                file: file.clone(),
                package: package.to_owned(),
                dependencies: dependencies(&table),
                inherits_lints: is_inherited(table.get("lints")),
            });
        }
    }
    Ok(manifests)
}

/// The rules.
pub(super) fn check(manifests: &[Manifest]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for manifest in manifests {
        if !manifest.inherits_lints {
            problems.push(Problem::new(&manifest.file, "add `[lints] workspace = true`"));
        }
        for dependency in manifest.dependencies.iter().filter(|dependency| !dependency.inherited) {
            let message = format!(
                "name `{}` in the root's [workspace.dependencies] and say `{0}.workspace = true` here",
                dependency.name
            );
            problems.push(Problem::new(&manifest.file, message));
        }
    }
    problems
}

/// Those of the crate and those of its `[target.'...']` tables.
fn dependencies(table: &Table) -> Vec<Dependency> {
    let targets = table.get("target").and_then(Value::as_table);
    let tables = std::iter::once(table).chain(targets.into_iter().flat_map(Table::values).filter_map(Value::as_table));
    let mut found = Vec::new();
    for table in tables {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, value) in table.get(kind).and_then(Value::as_table).into_iter().flatten() {
                found.push(Dependency {
                    name: name.clone(),
                    only_for_tests: kind == "dev-dependencies",
                    inherited: is_inherited(Some(value)),
                });
            }
        }
    }
    found
}

fn is_inherited(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")).and_then(Value::as_bool) == Some(true)
}
