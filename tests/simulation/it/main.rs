//! Worlds that keep their promises, worlds that repeat, and planted mistakes that are found.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod mutants;
mod repetition;
mod worlds;
