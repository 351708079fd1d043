//! Each read model: given these events, when they are projected, then these rows.

mod activity;
mod conversation;
mod execution;
mod message;
mod statistics;
mod task;
