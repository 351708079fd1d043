//! The routes and the page over a real database with a projector that runs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod openapi;
mod page;
mod routes;
mod world;
