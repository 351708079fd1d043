//! What administrators do with projections, over HTTP: the commands of `coding-agent projections` as routes, and a page to look at.
//!
//! The way in is [`router`]. Everything that changes something goes through [`projections::administration::Administrator`], as the command
//! line does, and is recorded in the log.

mod access;
mod api;
mod openapi;
mod page;
mod problem;
mod routes;
mod verification;

pub use api::AdminApi;
pub use openapi::openapi;
pub use routes::router;
