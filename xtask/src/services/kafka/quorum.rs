//! Asks a broker who leads the controllers: a `DescribeQuorum` request (version 0) for their log, written by hand.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// A broker that takes longer is asked again later.
const PATIENCE: Duration = Duration::from_secs(2);
/// More than the description of three voters needs.
const LARGEST_ANSWER: usize = 64 * 1024;
/// The log of the controllers.
const TOPIC: &[u8] = b"__cluster_metadata";

/// The number of the leader, as the broker on this port of 127.0.0.1 learns it; nothing when it does not answer or there is none.
pub(super) fn leader(port: u16) -> Option<u16> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut connection = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    connection.set_read_timeout(Some(PATIENCE)).ok()?;
    connection.set_write_timeout(Some(PATIENCE)).ok()?;
    connection.write_all(&request()?).ok()?;
    let mut length = [0; 4];
    connection.read_exact(&mut length).ok()?;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    if length > LARGEST_ANSWER {
        return None;
    }
    let mut answer = vec![0; length];
    connection.read_exact(&mut answer).ok()?;
    leader_in(&answer)
}

/// Lengths of compact arrays and strings are one more than the number of their parts; every structure ends with its tags, of which there
/// are none.
fn request() -> Option<Vec<u8>> {
    // API 55 (DescribeQuorum), version 0, correlation 1, client id null, no tags.
    let mut body = vec![0, 55, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0];
    // One topic, one partition: number 0.
    body.extend([2, u8::try_from(TOPIC.len()).ok()? + 1]);
    body.extend(TOPIC);
    body.extend([2, 0, 0, 0, 0, 0, 0, 0]);
    let mut request = u32::try_from(body.len()).ok()?.to_be_bytes().to_vec();
    request.extend(body);
    Some(request)
}

/// Correlation and tags, error, one topic with its name, one partition with its number and error; then the leader.
fn leader_in(answer: &[u8]) -> Option<u16> {
    let before_name = 4 + 1 + 2 + 1;
    let name = usize::from(answer.get(before_name)?.checked_sub(1)?);
    let partition = before_name + 1 + name + 1;
    let error = answer.get(partition + 4..partition + 6)?;
    let leader = answer.get(partition + 6..partition + 10)?.try_into().ok()?;
    (answer.get(5..7)? == [0, 0] && error == [0, 0])
        .then(|| u16::try_from(i32::from_be_bytes(leader)).ok())
        .flatten()
        .filter(|leader| *leader > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(leader: i32, error: u8) -> Vec<u8> {
        let mut answer = vec![0, 0, 0, 1, 0, 0, 0, 2, 19];
        answer.extend(TOPIC);
        answer.extend([2, 0, 0, 0, 0, 0, error]);
        answer.extend(leader.to_be_bytes());
        answer.extend([0, 0, 0, 7]);
        answer
    }

    #[test]
    fn the_leader_is_read_from_an_answer() {
        assert_eq!(leader_in(&answer(3, 0)), Some(3));
        assert_eq!(leader_in(&answer(-1, 0)), None);
        assert_eq!(leader_in(&answer(3, 6)), None);
        assert_eq!(leader_in(&answer(3, 0)[..20]), None);
    }
}
