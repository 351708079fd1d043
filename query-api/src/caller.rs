//! Who asks, and in which request.

use platform::config::Secret;

use crate::viewer::Viewer;

/// The sender of a request. Printing it does not show the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The principal of the token, which was checked.
    pub viewer: Viewer,
    /// The token as it came in, for whoever hands a command on in the caller's name.
    pub token: Secret<String>,
    /// Ties together all that the request causes.
    pub correlation_id: String,
    /// The W3C trace that the request belongs to, when it named one.
    pub traceparent: Option<String>,
}

/// By what a request is found again, in our log and in its trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Ties together all that the request causes.
    pub correlation_id: String,
    /// The W3C trace that the request belongs to, when it named one.
    pub traceparent: Option<String>,
}
