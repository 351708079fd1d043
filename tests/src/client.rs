//! A caller with a token, at one instance.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

/// Longer than any time limit of the product, so that its own answer is seen.
const ANSWER_PATIENCE: Duration = Duration::from_mins(1);

/// A caller. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    user: Uuid,
}

/// The connection broke or was refused: nobody knows what became of the request.
#[derive(Debug)]
pub struct Unanswered(pub String);

impl Client {
    pub(crate) fn new(base: String, token: Option<String>, user: Uuid) -> Self {
        let http = reqwest::Client::builder()
            .timeout(ANSWER_PATIENCE)
            .no_proxy()
            .build()
            .unwrap();
        Self {
            http,
            base,
            token,
            user,
        }
    }

    /// Whom the token stands for.
    pub fn user(&self) -> Uuid {
        self.user
    }

    /// The same caller with other words in place of the token.
    #[must_use]
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self {
            token: token.map(str::to_owned),
            ..self.clone()
        }
    }

    /// The same caller at another instance.
    #[must_use]
    pub fn at(&self, base: &str) -> Self {
        Self {
            base: base.to_owned(),
            ..self.clone()
        }
    }

    /// A request to be completed.
    pub fn request(&self, method: Method, path: impl AsRef<str>) -> Request {
        let request = self.http.request(method, format!("{}{}", self.base, path.as_ref()));
        Request(match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    /// A POST to be completed.
    pub fn post(&self, path: impl AsRef<str>) -> Request {
        self.request(Method::POST, path)
    }

    /// Gives a command without conditions; it must be taken.
    pub async fn command(&self, method: Method, path: impl AsRef<str>, body: &Value) -> Reply {
        let reply = self.request(method, path).json(body).send().await.unwrap();
        assert!(matches!(reply.status, 200 | 201), "{reply:?}");
        reply
    }

    /// Asks, and gives the data; any error fails.
    pub async fn graphql(&self, query: &str, variables: Value) -> Value {
        self.graphql_after(query, variables, None).await
    }

    /// As [`graphql`](Self::graphql), of a state that covers a position.
    pub async fn graphql_after(&self, query: &str, variables: Value, after: Option<&str>) -> Value {
        let mut body = json!({"query": query, "variables": variables});
        if let Some(token) = after {
            body["extensions"] = json!({"after": token, "withinMs": 30_000});
        }
        let mut reply = self.post("/graphql").json(&body).send().await.unwrap();
        assert!(
            reply.status == 200 && reply.body.get("errors").is_none(),
            "{query}: {reply:?}"
        );
        reply.body["data"].take()
    }
}

/// A request with its headers and its body.
#[derive(Debug)]
pub struct Request(RequestBuilder);

impl Request {
    /// With an `Idempotency-Key`.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// With an `If-Match` of this revision.
    #[must_use]
    pub fn if_match(self, revision: u64) -> Self {
        self.header("if-match", &format!("\"{revision}\""))
    }

    /// With a header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        Self(self.0.json(body))
    }

    /// With any body.
    #[must_use]
    pub fn raw(self, content_type: &str, body: impl Into<String>) -> Self {
        Self(self.0.header("content-type", content_type).body(body.into()))
    }

    /// Sends it.
    pub async fn send(self) -> Result<Reply, Unanswered> {
        let unanswered = |error: reqwest::Error| Unanswered(error.to_string());
        let answer = self.0.send().await.map_err(unanswered)?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.map_err(unanswered)?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Reply { status, headers, body })
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; text when it is not JSON.
    pub body: Value,
}

impl Reply {
    /// A header's text, empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// A text of the body, empty when it is missing.
    pub fn text(&self, member: &str) -> &str {
        self.body[member].as_str().unwrap_or_default()
    }

    /// The id of what the command was about.
    pub fn id(&self) -> Uuid {
        self.text("id").parse().unwrap_or_else(|_| panic!("no id: {self:?}"))
    }

    /// The revision after the command.
    pub fn revision(&self) -> u64 {
        self.body["revision"]
            .as_u64()
            .unwrap_or_else(|| panic!("no revision: {self:?}"))
    }
}
