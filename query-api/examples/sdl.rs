//! Prints the GraphQL schema: `cargo run -p query-api --example sdl > docs/generated/schema.graphql`.

#![allow(clippy::print_stdout, reason = "it is what this is for")]

fn main() {
    print!("{}", query_api::sdl());
}
