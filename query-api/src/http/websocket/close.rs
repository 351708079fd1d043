//! Why a socket is closed: the codes of the protocol.

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};

/// Reasons are at most 123 bytes in a frame.
const REASON_MAX_BYTES: usize = 123;

/// The end of a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Close {
    /// The process stops; another one may serve.
    GoingAway,
    /// The message is none of the protocol.
    BadMessage(String),
    /// An operation before the connection was acknowledged.
    Unauthorized,
    /// The token is not good, or not any more.
    Forbidden(String),
    /// Another protocol is spoken.
    Protocol,
    /// No `connection_init` in time.
    InitialisationTimeout,
    /// The id is in use.
    AlreadyExists(String),
    /// A second `connection_init`.
    TooManyInitialisations,
}

impl Close {
    pub(super) fn code(&self) -> u16 {
        match self {
            Self::GoingAway => 1001,
            Self::BadMessage(_) => 4400,
            Self::Unauthorized => 4401,
            Self::Forbidden(_) => 4403,
            Self::Protocol => 4406,
            Self::InitialisationTimeout => 4408,
            Self::AlreadyExists(_) => 4409,
            Self::TooManyInitialisations => 4429,
        }
    }

    fn reason(&self) -> String {
        match self {
            Self::GoingAway => "Going away".to_owned(),
            Self::BadMessage(what) => what.clone(),
            Self::Unauthorized => "Unauthorized".to_owned(),
            Self::Forbidden(why) => format!("Forbidden: {why}"),
            Self::Protocol => "Subprotocol not acceptable".to_owned(),
            Self::InitialisationTimeout => "Connection initialisation timeout".to_owned(),
            Self::AlreadyExists(id) => format!("Subscriber for {id} already exists"),
            Self::TooManyInitialisations => "Too many initialisation requests".to_owned(),
        }
    }

    pub(super) fn frame(&self) -> Message {
        let mut reason = self.reason();
        let mut end = REASON_MAX_BYTES.min(reason.len());
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        reason.truncate(end);
        Message::Close(Some(CloseFrame {
            code: self.code(),
            reason: Utf8Bytes::from(reason),
        }))
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::ws::Message;

    use super::Close;

    #[test]
    fn a_reason_fits_into_its_frame_whatever_a_client_sent() {
        let frame = Close::AlreadyExists("ä".repeat(500)).frame();
        let Message::Close(Some(frame)) = frame else { return };
        assert!(frame.reason.len() <= 123);
        assert!(frame.reason.starts_with("Subscriber for ä"));
    }
}
