//! What the client says about its connections, kept for the error that people read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::ClientContext;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

/// The newest complaints of one client. The client's errors of a question say only that there was no answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Complaints(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    last: Option<String>,
    about_security: Option<String>,
}

impl Complaints {
    /// The newest one.
    pub(crate) fn last(&self) -> Option<String> {
        self.kept().last.clone()
    }

    /// The newest one that waiting does not help with: a wrong password, a certificate that is not trusted.
    pub(crate) fn about_security(&self) -> Option<String> {
        self.kept().about_security.clone()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Complaints {
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "the Kafka client complains");
        let is_about_security = matches!(
            error.rdkafka_error_code(),
            Some(
                RDKafkaErrorCode::Authentication
                    | RDKafkaErrorCode::SSL
                    | RDKafkaErrorCode::SaslAuthenticationFailed
                    | RDKafkaErrorCode::UnsupportedSASLMechanism
            )
        );
        let mut kept = self.kept();
        if is_about_security {
            kept.about_security = Some(reason.to_owned());
        }
        // Such as "all brokers are down", which comes after the reason and says less.
        if kept.last.is_none() || error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            kept.last = Some(reason.to_owned());
        }
    }
}

impl ConsumerContext for Complaints {}
