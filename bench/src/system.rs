//! The system under measurement, from outside: [`Installation`] is what stays over restarts, [`Instance`] the process,
//! [`Client`] one user.

pub(crate) mod bare_answer;
mod client;
pub(crate) mod constant_answer;
mod http_connection;
mod import;
mod installation;
mod instance;
mod neighbour;
pub(crate) mod postgraphile;

pub(crate) use client::{Client, CreatedTask};
pub(crate) use http_connection::HttpConnection;
pub(crate) use import::Import;
pub(crate) use installation::Installation;
pub(crate) use instance::{Instance, program};
