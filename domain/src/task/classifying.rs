//! How a task learns its type and complexity.

use super::{
    CLASSIFIER_MAX, CLASSIFIER_VERSION_MAX, CONFIDENCE_PERMILLE_MAX, Classification, FAILURE_CODE_MAX,
    FAILURE_MESSAGE_MAX, Task, TaskEvent, TaskRefusal, TaskStatus, check_text,
};

impl Task {
    pub(super) fn request_classification(&self) -> Result<Vec<TaskEvent>, TaskRefusal> {
        if self.status != TaskStatus::Pending {
            return Err(TaskRefusal::NotPending);
        }
        Ok(vec![TaskEvent::ClassificationRequested])
    }

    /// A classifier may answer without being asked: imported history holds no request.
    pub(super) fn classify(&self, classification: &Classification) -> Result<Vec<TaskEvent>, TaskRefusal> {
        if !matches!(self.status, TaskStatus::Pending | TaskStatus::Classifying) {
            return Err(TaskRefusal::NotClassifiable);
        }
        check_text("classifier", &classification.classifier, CLASSIFIER_MAX)?;
        check_text(
            "classifierVersion",
            &classification.classifier_version,
            CLASSIFIER_VERSION_MAX,
        )?;
        if classification.confidence_permille > CONFIDENCE_PERMILLE_MAX {
            return Err(TaskRefusal::ConfidenceOutOfRange);
        }
        if self.classification.as_ref() == Some(classification) {
            return Ok(Vec::new());
        }
        Ok(vec![TaskEvent::Classified(classification.clone())])
    }

    /// Only an answer that is still awaited can fail: a late failure does not undo a classification.
    pub(super) fn fail_classification(&self, code: &str, message: &str) -> Result<Vec<TaskEvent>, TaskRefusal> {
        if self.status != TaskStatus::Classifying || self.classification.is_some() {
            return Err(TaskRefusal::NotClassifying);
        }
        check_text("code", code, FAILURE_CODE_MAX)?;
        check_text("message", message, FAILURE_MESSAGE_MAX)?;
        Ok(vec![TaskEvent::ClassificationFailed {
            code: code.to_owned(),
            message: message.to_owned(),
        }])
    }
}
