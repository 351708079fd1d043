//! One kept-alive HTTP/1.1 connection with as little of its own between the request and the answer as can be: a general
//! client would add its tasks and channels to every figure.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const ANSWER_WITHIN: Duration = Duration::from_secs(30);
const ANSWER_MAX_BYTES: usize = 4 * 1024 * 1024;

/// Open to one instance; requests go one after another.
pub(crate) struct HttpConnection {
    stream: TcpStream,
    port: u16,
    received: BytesMut,
}

/// An answer, whole.
pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    pub(crate) body: BytesMut,
}

impl HttpConnection {
    pub(crate) async fn open(port: u16) -> Result<Self> {
        let stream = timeout(ANSWER_WITHIN, TcpStream::connect((Ipv4Addr::LOCALHOST, port))).await??;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            port,
            received: BytesMut::new(),
        })
    }

    pub(super) async fn get(&mut self, path: &str, token: Option<&str>) -> Result<HttpAnswer> {
        self.ask("GET", path, token, None).await
    }

    pub(super) async fn post(&mut self, path: &str, token: &str, json: &[u8]) -> Result<HttpAnswer> {
        self.ask("POST", path, Some(token), Some(json)).await
    }

    async fn ask(&mut self, method: &str, path: &str, token: Option<&str>, json: Option<&[u8]>) -> Result<HttpAnswer> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n", self.port);
        // Writing into a String cannot fail.
        if let Some(token) = token {
            let _written = write!(head, "authorization: Bearer {token}\r\n");
        }
        if let Some(json) = json {
            let length = json.len();
            let _written = write!(head, "content-type: application/json\r\ncontent-length: {length}\r\n");
        }
        head.push_str("\r\n");
        let mut request = head.into_bytes();
        request.extend_from_slice(json.unwrap_or_default());
        let context = || format!("no answer to {method} {path}");
        self.exchange(&request).await.with_context(context)
    }

    /// Sends a request that was written before, and reads its answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<HttpAnswer> {
        let answered = async {
            self.stream.write_all(request).await?;
            self.answer().await
        };
        timeout(ANSWER_WITHIN, answered).await.context("no answer in time")?
    }

    async fn answer(&mut self) -> Result<HttpAnswer> {
        let head_end = loop {
            if let Some(found) = self.received.windows(4).position(|window| window == b"\r\n\r\n") {
                break found;
            }
            self.receive().await?;
        };
        let head = self.received.split_to(head_end + 4);
        let head = std::str::from_utf8(&head).context("the head of an answer is not text")?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.context("an answer without a status")?;
        let length: Option<usize> = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse().ok())?
        });
        let Some(length) = length else {
            bail!("an answer without a length, which this client does not read")
        };
        ensure!(length <= ANSWER_MAX_BYTES, "an answer of {length} bytes");
        while self.received.len() < length {
            self.receive().await?;
        }
        Ok(HttpAnswer {
            status,
            body: self.received.split_to(length),
        })
    }

    async fn receive(&mut self) -> Result<()> {
        ensure!(self.received.len() <= ANSWER_MAX_BYTES, "an answer without an end");
        let count = self.stream.read_buf(&mut self.received).await?;
        ensure!(count > 0, "the connection was closed");
        Ok(())
    }
}
