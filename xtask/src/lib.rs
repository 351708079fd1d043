//! Private servers, checks and the developer's menu behind `./dev`. The servers are used by system tests and benchmarks too.

mod bench;
mod data;
mod faults;
mod instance;
mod interrupt;
mod lint;
mod lock;
pub mod menu;
mod project;
mod release;
pub mod services;
mod simulate;
mod steps;
mod test;
mod test_servers;
pub mod tidy;
mod up;
