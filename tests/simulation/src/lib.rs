//! The write side in one process on a simulated log: several nodes, journalers and clients, and everything that can go wrong.
//!
//! A **seed** is a world: how many nodes, which bounds, which commands, which faults at which moment. A world runs on one
//! thread and on a paused clock, so the same seed gives the same world, record for record. The code that runs in it is the
//! product's: [`event_store::log_store`], its journaler, and [`command_api::handling`] over the aggregates of [`domain`].
//!
//! Read [`world`] first (what runs and what goes wrong), then [`checker`] (what must be true all the same), then [`run`]
//! (many seeds). [`mutant`] plants mistakes to show that the checker finds them.
//!
//! A harness: it panics where its own assumptions break, never because the product misbehaves; that is a [`Violation`].
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::missing_panics_doc)]

pub mod checker;
mod coverage;
mod history;
pub mod mutant;
mod order;
mod plan;
mod random;
pub mod run;
mod trace;
pub mod world;

pub use checker::Violation;
pub use coverage::{Case, Coverage};
pub use mutant::{Mutant, Product};
pub use world::{Report, run_world};
