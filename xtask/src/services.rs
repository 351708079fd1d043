//! Private servers for development, tests and benchmarks: a real `PostgreSQL` and a real Apache Kafka that nobody else
//! uses. They listen on 127.0.0.1 only, keep everything in one directory, and are recorded by process id.

pub mod free_port;
pub mod kafka;
mod kit;
pub mod log_file;
pub mod node;
pub mod postgres;
pub mod process;
pub mod python;
pub mod wait;
