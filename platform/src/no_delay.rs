//! Small pieces are sent at once (`TCP_NODELAY`), for connections that a library makes and does not hand out.
//!
//! sqlx 0.9.0 lost the option: what it sends in two pieces, such as the end of a COPY, waits for the other side's delayed acknowledgement, 40 ms on
//! Linux (<https://github.com/launchbadge/sqlx/issues/4335>, mended after 0.9.0). To be deleted with the next release of sqlx.
//!
//! The sockets of the process are looked through for those that lead to a port, each through a duplicate of its own that is closed at once. Where
//! the system does not allow that, everything works, and some writes take longer.

use std::fs;
use std::io;
use std::net::SocketAddr;

use rustix::io::Errno;
use rustix::net::{getpeername, sockopt};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

/// Sets the option on all connections of this process to that port, on any host.
pub fn on_connections_to(port: u16) -> io::Result<()> {
    let this_process = pidfd_open(getpid(), PidfdFlags::empty())?;
    for entry in fs::read_dir("/proc/self/fd")? {
        let entry = entry?;
        // Between listing and looking it may have been closed.
        let Ok(kind) = fs::read_link(entry.path()) else {
            continue;
        };
        let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let (true, Some(number)) = (kind.to_string_lossy().starts_with("socket:"), number) else {
            continue;
        };
        let socket = match pidfd_getfd(&this_process, number, PidfdGetfdFlags::empty()) {
            Ok(socket) => socket,
            Err(Errno::BADF) => continue,
            Err(forbidden) => return Err(forbidden.into()),
        };
        let peer = getpeername(&socket).ok().flatten().map(SocketAddr::try_from);
        if matches!(peer, Some(Ok(peer)) if peer.port() == port) {
            sockopt::set_tcp_nodelay(&socket, true)?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::ErrorKind;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn connections_to_the_port_have_the_option_and_others_have_not() {
        let (one, other) = (
            TcpListener::bind("127.0.0.1:0").unwrap(),
            TcpListener::bind("127.0.0.1:0").unwrap(),
        );
        let meant = TcpStream::connect(one.local_addr().unwrap()).unwrap();
        let not_meant = TcpStream::connect(other.local_addr().unwrap()).unwrap();
        match super::on_connections_to(one.local_addr().unwrap().port()) {
            // Some containers do not allow it, and then nothing is promised.
            Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported) => return,
            set => set.unwrap(),
        }
        assert!(meant.nodelay().unwrap());
        assert!(!not_meant.nodelay().unwrap());
    }
}
