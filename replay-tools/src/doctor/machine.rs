//! This machine: the port, the key file.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use platform::token::{SigningKey, SigningKeyError};
use reqwest::Client;

use super::{DoctorReport, Verdict};

const HEALTH_TIMEOUT: Duration = Duration::from_secs(3);

/// All checks on this machine.
pub async fn check(report: &mut DoctorReport, listen: SocketAddr, signing_key_file: &Path) {
    report.add("auth.signing-key", signing_key(signing_key_file));
    report.look("http.listen", port(listen)).await;
}

fn signing_key(path: &Path) -> Verdict {
    let file = path.display();
    // Making it is for those who need it.
    match path.try_exists() {
        Ok(false) => {
            return Verdict::fine(format!(
                "{file} (auth.signing_key_file) does not exist yet; the first start makes it"
            ));
        }
        Err(error) => return Verdict::not_checked(format!("{file}: {error}")),
        Ok(true) => {}
    }
    match SigningKey::load_or_create(path) {
        Ok(_) => Verdict::fine(format!("{file} holds a key that only its owner can read")),
        Err(error @ SigningKeyError::OpenToOthers { .. }) => Verdict::finding(
            error.to_string(),
            format!("chmod 600 {file}, and make a new key if others may have read it: every token is signed with it"),
        ),
        Err(error @ SigningKeyError::NotAKey { .. }) => Verdict::finding(
            error.to_string(),
            "bring the key back from a backup, or remove the file: a new key is made, and all tokens must be made anew",
        ),
        Err(error) => Verdict::not_checked(super::chain(&error)),
    }
}

async fn port(listen: SocketAddr) -> Result<Verdict, reqwest::Error> {
    let Err(error) = TcpListener::bind(listen) else {
        return Ok(Verdict::fine(format!("{listen} (http.listen) is free")));
    };
    if error.kind() != ErrorKind::AddrInUse {
        return Ok(Verdict::finding(
            format!("{listen} (http.listen) cannot be listened on: {error}"),
            "set http.listen to an address of this machine, with a port that this user may use",
        ));
    }
    // A proxy of the environment could not reach it.
    let client = Client::builder().no_proxy().timeout(HEALTH_TIMEOUT).build()?;
    let answer = client.get(format!("http://{listen}/health/live")).send().await;
    Ok(match answer {
        Ok(answer) if answer.status().is_success() => {
            Verdict::fine(format!("an instance answers at {listen} (http.listen)"))
        }
        _ => Verdict::finding(
            format!("{listen} (http.listen) is used by another program"),
            format!(
                "end that program (`ss -ltnp` names it), or set http.listen to another port than {}",
                listen.port()
            ),
        ),
    })
}
