//! The specification of the domain: every rule as given, when, then.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod administration;
mod boundary;
mod conversation;
mod folds;
mod harness;
mod names;
mod properties;
mod quota;
mod refusals;
mod stored;
mod task;
mod text;
