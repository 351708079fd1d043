//! Asks the platform whether it is ready.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(2);

/// Whether `/health/ready` answers 200.
pub(crate) fn is_ready(port: u16) -> bool {
    status_line(port).is_ok_and(|line| line.split(' ').nth(1) == Some("200"))
}

fn status_line(port: u16) -> std::io::Result<String> {
    let mut connection = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    let request = format!("GET /health/ready HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes())?;
    // The status is in the first line; the rest of the answer is not needed.
    let mut start = Vec::new();
    connection.take(64).read_to_end(&mut start)?;
    Ok(String::from_utf8_lossy(&start)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned())
}
