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
mod browsers;
mod call;
mod command_doubles;
mod event_streams;
mod filters;
mod freshness;
mod fuzz;
mod history;
mod http;
mod limits;
mod load;
mod mutation_coverage;
mod mutation_limits;
mod mutation_refusals;
mod mutations;
mod mutations_over_http;
mod nesting;
mod node;
mod paging;
mod profiles;
mod sdl;
mod search;
mod socket;
mod sockets;
mod standing;
mod statistics;
mod travelling;
mod trusted;
mod visibility;
mod world;
