//! Tests of the developer's tools: the rules of the repository on small bad trees, and real private servers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod kafka;
mod postgres;
mod process;
mod tidy;
