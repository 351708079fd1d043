//! The HTTP side of every command: one client, the bearer token, and problem details read back.

use std::time::Duration;

use platform::config::Secret;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;

use crate::{ToolError, ToolOptions};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// More of a problem document is not read: it is shown to people.
const PROBLEM_MAX_BYTES: usize = 64 * 1024;

/// A client for one system.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    client: Client,
    base: String,
    token: Option<Secret<String>>,
}

/// What a problem document says, as far as a person at a terminal needs it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProblemText {
    pub(crate) code: String,
    pub(crate) detail: String,
}

impl Connection {
    pub(crate) fn new(options: &ToolOptions) -> Result<Self, ToolError> {
        let base = options.url.trim_end_matches('/').to_owned();
        let bad = |reason| ToolError::BadUrl {
            url: base.clone(),
            reason,
        };
        let url = Url::parse(&base).map_err(|_| bad("it is not a URL"))?;
        if url.scheme() != "http" {
            return Err(bad(
                "only http:// is spoken; put a TLS proxy on this machine in front of a remote system",
            ));
        }
        let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let mut client = Client::builder().connect_timeout(CONNECT_TIMEOUT).tcp_nodelay(true);
        if local {
            // A proxy of the environment could not reach this machine's loopback.
            client = client.no_proxy();
        }
        Ok(Self {
            client: client.build().map_err(ToolError::Client)?,
            base,
            token: options.token.clone(),
        })
    }

    /// The address of `path` on the system.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A request with the token in it.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, self.address(path));
        match &self.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }

    /// The error for an answer that refuses the whole request.
    pub(crate) fn refused(&self, path: &str, status: StatusCode, problem: ProblemText) -> ToolError {
        let (url, status_number) = (self.address(path), status.as_u16());
        let ProblemText { code, detail } = problem;
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            ToolError::NotAllowed {
                url,
                status: status_number,
                code,
                detail,
            }
        } else {
            ToolError::Refused {
                url,
                status: status_number,
                code,
                detail,
            }
        }
    }
}

/// Reads the problem document of an answer; an answer without one gives its reason phrase.
pub(crate) async fn read_problem(mut response: Response) -> ProblemText {
    let phrase = response
        .status()
        .canonical_reason()
        .unwrap_or("unknown status")
        .to_lowercase();
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > PROBLEM_MAX_BYTES {
            break;
        }
    }
    let mut problem: ProblemText = serde_json::from_slice(&body).unwrap_or_default();
    if problem.detail.is_empty() {
        problem.detail = phrase;
    }
    problem
}
