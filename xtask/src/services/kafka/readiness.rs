//! Asks a broker how many live members its cluster has: a `Metadata` request (version 1) for no topic, written by hand.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// A broker that takes longer is not ready.
const PATIENCE: Duration = Duration::from_secs(2);
/// More than three brokers with their host names need.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Length, then: API 3 (Metadata), version 1, correlation 1, client id null, an empty list of topics.
const REQUEST: [u8; 18] = [0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0];

/// The number of members that the broker on this port of 127.0.0.1 knows to be alive; nothing when it does not answer.
pub(super) fn members(port: u16) -> Option<usize> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut connection = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    connection.set_read_timeout(Some(PATIENCE)).ok()?;
    connection.set_write_timeout(Some(PATIENCE)).ok()?;
    connection.write_all(&REQUEST).ok()?;
    let mut length = [0; 4];
    connection.read_exact(&mut length).ok()?;
    let length = usize::try_from(u32::from_be_bytes(length))
        .ok()
        .filter(|length| *length <= LARGEST_ANSWER)?;
    let mut answer = vec![0; length];
    connection.read_exact(&mut answer).ok()?;
    // After the correlation: the list of brokers, which starts with its length.
    let count = answer.get(4..8)?.try_into().ok().map(u32::from_be_bytes)?;
    usize::try_from(count).ok()
}
