//! Stored forms of what a task is: created, amended, classified, cancelled.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::{ConversationId, UserId};
use crate::stored::Name;
use crate::task::{CONFIDENCE_PERMILLE_MAX, Classification, Complexity, TaskEvent, TaskType};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatedV1<'a> {
    pub(super) owner_id: UserId,
    pub(super) title: Cow<'a, str>,
    pub(super) description: Cow<'a, str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) task_type: Option<Name<TaskType>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) complexity: Option<Name<Complexity>>,
    #[serde(default)]
    pub(super) priority: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) conversation_id: Option<ConversationId>,
}

impl From<CreatedV1<'_>> for TaskEvent {
    fn from(stored: CreatedV1<'_>) -> Self {
        Self::Created {
            owner_id: stored.owner_id,
            title: stored.title.into_owned(),
            description: stored.description.into_owned(),
            task_type: stored.task_type.map(|name| name.0),
            complexity: stored.complexity.map(|name| name.0),
            priority: stored.priority,
            conversation_id: stored.conversation_id,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AmendedV1<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<Cow<'a, str>>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) task_type: Option<Name<TaskType>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) complexity: Option<Name<Complexity>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) priority: Option<u8>,
}

impl From<AmendedV1<'_>> for TaskEvent {
    fn from(stored: AmendedV1<'_>) -> Self {
        Self::Amended {
            title: stored.title.map(Cow::into_owned),
            description: stored.description.map(Cow::into_owned),
            task_type: stored.task_type.map(|name| name.0),
            complexity: stored.complexity.map(|name| name.0),
            priority: stored.priority,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClassifiedV1<'a> {
    #[serde(rename = "type")]
    task_type: Name<TaskType>,
    complexity: Name<Complexity>,
    confidence: Confidence,
    classifier: Cow<'a, str>,
    classifier_version: Cow<'a, str>,
}

impl<'a> From<&'a Classification> for ClassifiedV1<'a> {
    fn from(classification: &'a Classification) -> Self {
        Self {
            task_type: Name(classification.task_type),
            complexity: Name(classification.complexity),
            confidence: Confidence {
                permille: classification.confidence_permille,
            },
            classifier: Cow::Borrowed(&classification.classifier),
            classifier_version: Cow::Borrowed(&classification.classifier_version),
        }
    }
}

impl From<ClassifiedV1<'_>> for TaskEvent {
    fn from(stored: ClassifiedV1<'_>) -> Self {
        Self::Classified(Classification {
            task_type: stored.task_type.0,
            complexity: stored.complexity.0,
            confidence_permille: stored.confidence.permille,
            classifier: stored.classifier.into_owned(),
            classifier_version: stored.classifier_version.into_owned(),
        })
    }
}

/// A number from 0 to 1 with three decimals.
struct Confidence {
    permille: u16,
}

impl Serialize for Confidence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.permille) / f64::from(CONFIDENCE_PERMILLE_MAX))
    }
}

impl<'de> Deserialize<'de> for Confidence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        if !(0.0..=1.0).contains(&number) {
            return Err(serde::de::Error::custom("a confidence is 0 to 1"));
        }
        // The range was checked, so the rounded number is 0 to 1,000.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let permille = (number * f64::from(CONFIDENCE_PERMILLE_MAX)).round() as u16;
        Ok(Self { permille })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClassificationFailedV1<'a> {
    pub(super) code: Cow<'a, str>,
    pub(super) message: Cow<'a, str>,
}

impl From<ClassificationFailedV1<'_>> for TaskEvent {
    fn from(stored: ClassificationFailedV1<'_>) -> Self {
        Self::ClassificationFailed {
            code: stored.code.into_owned(),
            message: stored.message.into_owned(),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CancelledV1<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<Cow<'a, str>>,
}

impl From<CancelledV1<'_>> for TaskEvent {
    fn from(stored: CancelledV1<'_>) -> Self {
        Self::Cancelled {
            reason: stored.reason.map(Cow::into_owned),
        }
    }
}
