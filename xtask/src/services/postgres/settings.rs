//! The server's settings: durable as in production, sized for a developer's machine.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::programs::Programs;

/// The longest path that the kernel accepts for a socket, less the name that `PostgreSQL` adds.
const LONGEST_SOCKET_DIRECTORY: usize = 107 - "/.s.PGSQL.65535.lock".len();

/// Writes `postgresql.conf` as a whole, so that nothing of an earlier version of us remains.
pub(super) fn write(data: &Path, port: u16, programs: &Programs) -> Result<()> {
    let socket_directory = data.to_string_lossy();
    // A deep directory works too, over TCP alone.
    let socket_directory = if socket_directory.len() <= LONGEST_SOCKET_DIRECTORY {
        socket_directory.replace('\'', "''")
    } else {
        String::new()
    };
    let compression = if programs.has_lz4() { "lz4" } else { "off" };
    let text = format!(
        "# Written at each start; changes are lost.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{socket_directory}'
max_connections = 200
shared_buffers = '256MB'
fsync = on
synchronous_commit = on
full_page_writes = on
wal_compression = {compression}
max_wal_size = '2GB'
checkpoint_timeout = '15min'
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %d '
"
    );
    let path = data.join("postgresql.conf");
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}
