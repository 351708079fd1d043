//! The write side: takes commands over HTTP, decides them on the state of their stream, and appends what comes of it.
//!
//! [`handling`] decides and appends and knows nothing of HTTP. [`CommandName`] is the catalogue of all commands and
//! who may give them; every route, and every line of the bulk route or of [`CommandApi::take_line`], is one command of it and
//! takes the same path (`Order::prepare`, then `CommandApi::execute`). The routes are in [`router`], their OpenAPI document is
//! [`openapi`].

mod api;
mod body_hash;
mod bulk;
mod catalogue;
mod dto;
mod execution_quota;
mod extract;
mod forwarder;
pub mod handling;
pub mod metrics;
mod openapi;
mod options;
mod order;
mod prepare;
mod problem;
mod reply;
mod routes;
mod translate;

pub use api::CommandApi;
pub use catalogue::CommandName;
pub use openapi::openapi;
pub use options::CommandApiOptions;
pub use order::Caller;
pub use routes::{BODY_LIMITS, router};
