//! Commands to another process: a bulk request of one line, in the name of the caller.

use std::time::Duration;

use async_trait::async_trait;
use platform::http::CORRELATION_ID_HEADER;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, StatusCode, Url};

use super::{CommandAnswer, Commands, GivenCommand, Outcome, Unavailable, Why};
use crate::caller::Caller;

/// Below the address of the write side.
const PATH: &str = "api/commands";
const NDJSON: &str = "application/x-ndjson";
const TRACE_PARENT: &str = "traceparent";

/// A write side that takes longer to take a connection has troubles of its own.
const CONNECT_PATIENCE: Duration = Duration::from_secs(1);
/// Many times the answer to one line.
const LARGEST_ANSWER_BYTES: usize = 64 * 1_024;

/// Why an address cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CommandsUrlError {
    /// It is not an address of the form that is wanted.
    #[error("query_api.commands_url must look like http://127.0.0.1:5000, {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The HTTP client could not be made.
    #[error("commands cannot be sent over HTTP")]
    Client(#[source] reqwest::Error),
}

/// Posts each command to the bulk route of a process with the role command-api. Bounded in time and in bytes of the answer.
#[derive(Debug, Clone)]
pub struct CommandsOverHttp {
    http: Client,
    address: Url,
}

impl CommandsOverHttp {
    /// To the write side at this address; an answer that takes longer than `patience` is not waited for.
    pub fn new(commands_url: &str, patience: Duration) -> Result<Self, CommandsUrlError> {
        let address = address(commands_url)?;
        let http = Client::builder()
            .timeout(patience)
            .connect_timeout(CONNECT_PATIENCE)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(CommandsUrlError::Client)?;
        Ok(Self { http, address })
    }

    /// Could commands be sent to this address?
    pub fn check_url(commands_url: &str) -> Result<(), CommandsUrlError> {
        address(commands_url).map(drop)
    }
}

/// The bulk route at an address. What configuration prints must hold no password, and the connection is not encrypted here.
fn address(commands_url: &str) -> Result<Url, CommandsUrlError> {
    let malformed = |reason| CommandsUrlError::Malformed { reason };
    let mut url = Url::parse(commands_url).map_err(|_| malformed("and cannot be read as a URL"))?;
    if url.scheme() != "http" {
        return Err(malformed("and has another scheme than http"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(malformed("without a user or a password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(malformed("without a query or a fragment"));
    }
    let path = format!("{}/{PATH}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

#[async_trait]
impl Commands for CommandsOverHttp {
    async fn give(&self, caller: &Caller, command: &GivenCommand) -> CommandAnswer {
        let mut request = self
            .http
            .post(self.address.clone())
            .bearer_auth(caller.token.expose())
            .header(CONTENT_TYPE, NDJSON)
            .header(CORRELATION_ID_HEADER, &caller.correlation_id)
            .body(command.to_line());
        if let Some(traceparent) = &caller.traceparent {
            request = request.header(TRACE_PARENT, traceparent);
        }
        match request.send().await {
            Ok(response) => read(response).await,
            Err(error) => CommandAnswer::Unavailable(unanswered(error)),
        }
    }
}

async fn read(response: Response) -> CommandAnswer {
    let status = response.status();
    let body = match bounded(response).await {
        Ok(body) => body,
        Err(unavailable) => return CommandAnswer::Unavailable(unavailable),
    };
    if status == StatusCode::OK {
        CommandAnswer::of_line(&body)
    } else {
        CommandAnswer::Unavailable(Unavailable::of_problem(status.as_u16(), &body))
    }
}

async fn bounded(mut response: Response) -> Result<Vec<u8>, Unavailable> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(unanswered)? {
        if body.len() + piece.len() > LARGEST_ANSWER_BYTES {
            let cause = format!("the answer is longer than {LARGEST_ANSWER_BYTES} bytes");
            return Err(Unavailable::new(Why::Failed, Outcome::Unknown, cause));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// Without a connection nothing was sent; after that nobody knows.
fn unanswered(error: reqwest::Error) -> Unavailable {
    let outcome = if error.is_connect() || error.is_builder() {
        Outcome::NotApplied
    } else {
        Outcome::Unknown
    };
    let error = error.without_url();
    let mut cause = error.to_string();
    let mut next = std::error::Error::source(&error);
    while let Some(error) = next {
        cause.push_str(": ");
        cause.push_str(&error.to_string());
        next = error.source();
    }
    Unavailable::new(Why::Unavailable, outcome, cause)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::address;

    #[test]
    fn commands_go_to_the_bulk_route_below_the_address() {
        for (url, expected) in [
            ("http://127.0.0.1:5000", "http://127.0.0.1:5000/api/commands"),
            ("http://write.example:80/", "http://write.example/api/commands"),
            ("http://[::1]:5000/agent/", "http://[::1]:5000/agent/api/commands"),
        ] {
            assert_eq!(address(url).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn an_address_that_could_not_work_or_would_show_a_secret_is_refused() {
        for url in [
            "",
            "127.0.0.1:5000",
            "https://write.example",
            "http://ann:secret@write.example",
            "http://write.example?x=1",
            "http://write.example#x",
        ] {
            assert!(address(url).is_err(), "{url}");
        }
    }
}
