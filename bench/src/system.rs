//! The system under measurement, from outside: [`Installation`] is what stays over restarts, [`Instance`] the process,
//! [`Client`] one user.

mod client;
pub(crate) mod constant_answer;
mod http_connection;
mod import;
mod installation;
mod instance;

pub(crate) use client::Client;
pub(crate) use import::Import;
pub(crate) use installation::Installation;
pub(crate) use instance::{Instance, program};
