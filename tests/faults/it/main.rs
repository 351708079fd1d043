//! A short campaign on real servers, and the checker on histories with planted faults.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod planted;
mod proxy;
mod short;
