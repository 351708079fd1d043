//! The program that `./dev data` calls.

use std::process::ExitCode;

/// The allocator of the product: it is what works here.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    bench::data::command::run()
}
