//! What the servers can do on this machine for a client that wants nothing but that.

pub(crate) mod kafka;
pub(crate) mod postgres;
