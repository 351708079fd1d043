//! What this crate must never know: IO, the clock, randomness.

use std::fs;
use std::path::{Path, PathBuf};

fn crate_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources_in(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources_in(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn the_domain_depends_on_no_io_and_no_randomness() {
    let manifest = fs::read_to_string(crate_folder().join("Cargo.toml")).unwrap();
    for forbidden in ["tokio", "sqlx", "axum", "rdkafka", "rand"] {
        let names_it = manifest
            .lines()
            .any(|line| line.split(['.', ' ', '=']).next() == Some(forbidden));
        assert!(!names_it, "{forbidden} is a dependency of the domain");
    }
}

#[test]
fn the_domain_reads_no_clock() {
    let mut sources = Vec::new();
    sources_in(&crate_folder().join("src"), &mut sources);
    assert!(sources.len() > 10, "the sources were not found");
    for source in sources {
        let text = fs::read_to_string(&source).unwrap();
        for forbidden in ["Utc::now", "SystemTime", "Instant", "now_v7", "new_v4"] {
            assert!(!text.contains(forbidden), "{} uses {forbidden}", source.display());
        }
    }
}
