//! The query service on real PostgreSQL: events go through the store and the projector, questions through the router.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(
    clippy::needless_pass_by_value,
    clippy::similar_names,
    clippy::format_collect,
    clippy::duration_suboptimal_units,
    reason = "tests read better without"
)]

mod availability;
mod filters;
mod freshness;
mod history;
mod http;
mod limits;
mod load;
mod nesting;
mod node;
mod paging;
mod sdl;
mod search;
mod statistics;
mod travelling;
mod visibility;
mod world;
