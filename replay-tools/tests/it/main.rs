//! The operator's commands against real files, real git and a peer that misbehaves in every way that a network can.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod broken_lines;
mod command_line;
mod command_server;
mod doctor;
mod failures;
mod git_repository;
mod history;
mod lag;
mod mapping;
mod refusals;
mod samples;
mod status;
mod whole_history;
