//! The program that `./dev bench` calls.

use std::process::ExitCode;

/// The allocator of the product, for what is measured in this process.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    bench::run()
}
