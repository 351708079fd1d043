//! One partition of the log, read from its beginning to its end and judged by the acceptance rule.
//!
//! What this reader knows of the window is all that the rule looks at, so verdicts are those of every other reader. It keeps the
//! running digest from the first record on, so a commit that was decided on another history shows wherever its author was. Rulings of
//! operators hold for it as for everybody.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use event_store::acceptance::{Digest, HaltReason, History, RULE_VERSION, Ruled, Verdict, VoidReason, Window};
use event_store::codec::{
    CommitHeader, FenceTarget, Pin, RecordKind, STREAM_HASH, decode_events, decode_header, decode_rejections,
};
use event_store::log::{Log, LogError, LogReader, LogRecord, Pace};
use event_store::{RecordedEvent, RecordedRejection};

use super::error::VerifyError;
use super::finding::{Code, Finding, Findings};
use super::report::HistoryReport;

/// How long a record may take that must be there.
const PATIENCE: Duration = Duration::from_mins(1);

/// An accepted fence.
#[derive(Debug, Clone)]
pub(super) struct AcceptedFence {
    pub(super) offset: u64,
    pub(super) target: FenceTarget,
    pub(super) recorded_at: DateTime<Utc>,
    /// Negative answers that it makes final.
    pub(super) rejections: Vec<RecordedRejection>,
}

/// A piece of accepted history.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub(super) events: Vec<RecordedEvent>,
    pub(super) fences: Vec<AcceptedFence>,
    /// Everything below was judged.
    pub(super) next: u64,
}

/// A reader of one partition.
pub(super) struct TopicReader {
    partition: u32,
    end: u64,
    window: Window,
    pin: Option<Pin>,
    reader: LogReader,
    stopped: bool,
    ruled: BTreeMap<u64, Ruled>,
    /// The offset before which the digest is wanted, and the digest.
    wanted: u64,
    digest: Option<Digest>,
}

/// The first record of partition 0, which all others must repeat.
pub(super) async fn read_pin(log: &dyn Log, findings: &mut Findings) -> Result<Option<Pin>, VerifyError> {
    if log.end_offset(0).await? == 0 {
        findings.add(Finding::new(Code::NoPin, "the partition is empty: no node has opened this log yet").at(0, 0));
        return Ok(None);
    }
    let mut reader = log.read(vec![(0, 0)], Pace::Prompt);
    let first = match receive(&mut reader, 0, 0, 1).await {
        Ok(batch) => batch.into_iter().next(),
        Err(VerifyError::Log(LogError::Harmed { .. })) => None,
        Err(error) => return Err(error),
    };
    let Some(record) = first.filter(|record| record.offset == 0) else {
        // What is missing is found by the reader of the partition.
        return Ok(None);
    };
    Ok(match decode_header(&record) {
        RecordKind::Pin(pin) => Some(pin),
        _ => None,
    })
}

async fn receive(reader: &mut LogReader, partition: u32, next: u64, end: u64) -> Result<Vec<LogRecord>, VerifyError> {
    let silent = VerifyError::LogSilent {
        partition,
        next,
        end,
        seconds: PATIENCE.as_secs(),
    };
    match tokio::time::timeout(PATIENCE, reader.recv()).await {
        Ok(Some(batch)) => Ok(batch?),
        Ok(None) | Err(_) => Err(silent),
    }
}

impl TopicReader {
    /// Reads `partition` up to `end`. `pin` is that of partition 0, `ruled` what operators have ruled about this one.
    pub(super) fn start(
        log: &dyn Log,
        (partition, end): (u32, u64),
        pin: Option<&Pin>,
        ruled: BTreeMap<u64, Ruled>,
        wanted: u64,
    ) -> Self {
        let width = pin.map_or(event_store::acceptance::DEFAULT_WINDOW, |pin| pin.window);
        // What was ruled to be missing at the very beginning cannot be asked for.
        let first = match ruled.get(&0) {
            Some(Ruled::Missing { until }) => *until,
            _ => 0,
        };
        Self {
            partition,
            end,
            window: Window::starting_at(0, Some(Digest::START), width).under(ruled.clone()),
            pin: pin.cloned(),
            reader: log.read(vec![(partition, first)], Pace::Prompt),
            stopped: false,
            ruled,
            wanted,
            digest: (wanted == 0).then_some(Digest::START),
        }
    }

    /// Everything below was judged.
    pub(super) fn judged(&self) -> u64 {
        self.window.next()
    }

    /// The running digest at the offset that was asked for, once it was passed.
    pub(super) fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// The next piece; none at the end, or where nobody can read on.
    pub(super) async fn next(
        &mut self,
        seen: &mut HistoryReport,
        findings: &mut Findings,
    ) -> Result<Option<Piece>, VerifyError> {
        if self.stopped || self.judged() >= self.end {
            if self.end == 0 && self.partition > 0 {
                findings.add(Finding::new(Code::NoPin, "the partition is empty").at(self.partition, 0));
            }
            seen.records_not_judged += self.end - self.judged().min(self.end);
            return Ok(None);
        }
        let next = self.judged();
        if let Some(Ruled::Missing { until }) = self.ruled.get(&next)
            && *until >= self.end
        {
            // Nothing comes after what was ruled to be missing.
            return Ok(None);
        }
        let batch = match receive(&mut self.reader, self.partition, next, self.end).await {
            Err(VerifyError::Log(LogError::Harmed { reason, .. })) => {
                self.stop(Code::OffsetMissing, next, &reason, findings);
                return Ok(Some(self.piece()));
            }
            batch => batch?,
        };
        let mut piece = self.piece();
        for record in batch {
            if record.offset >= self.end || self.stopped {
                break;
            }
            self.judge(&record, &mut piece, seen, findings);
        }
        piece.next = self.judged();
        Ok(Some(piece))
    }

    fn piece(&self) -> Piece {
        Piece {
            next: self.judged(),
            ..Piece::default()
        }
    }

    fn judge(&mut self, record: &LogRecord, piece: &mut Piece, seen: &mut HistoryReport, findings: &mut Findings) {
        let kind = decode_header(record);
        if record.offset == 0 {
            self.check_pin(&kind, findings);
        }
        let header = match &kind {
            RecordKind::Commit(header) => Some(&**header),
            RecordKind::Newer { version } => {
                let sentence = format!("written in format {version}; check with the version that wrote it");
                return self.stop(Code::NewerFormat, record.offset, &sentence, findings);
            }
            RecordKind::Pin(_) | RecordKind::Foreign => None,
        };
        let candidate = header.map(|header| &header.candidate);
        let verdict = self
            .window
            .judge(record.offset, || record.content_digest(), candidate, History::default());
        if let Verdict::Halt(reason) = verdict {
            return self.halt(reason, record, header, findings);
        }
        if self.wanted == self.judged() {
            self.digest = self.window.digest();
        }
        seen.records += 1;
        match (verdict, header) {
            (Verdict::Accepted, Some(header)) => accepted(record, header, piece, seen, findings),
            _ if matches!(kind, RecordKind::Pin(_)) => seen.pins += 1,
            (Verdict::Void(VoidReason::TooOld), _) => seen.voids.too_old += 1,
            (Verdict::Void(VoidReason::Superseded { .. }), _) => seen.voids.superseded += 1,
            (Verdict::Void(VoidReason::Ruled), _) => seen.voids.ruled += 1,
            _ => seen.voids.foreign += 1,
        }
    }

    fn check_pin(&self, kind: &RecordKind, findings: &mut Findings) {
        let RecordKind::Pin(found) = kind else {
            let sentence = "the first record is not the pin of a log of ours";
            findings.add(Finding::new(Code::NoPin, sentence).at(self.partition, 0));
            return;
        };
        if found.rule_version > RULE_VERSION || found.stream_hash != STREAM_HASH {
            let sentence = format!(
                "the log is pinned to rule {} and stream hash {}; check with the version that made it",
                found.rule_version, found.stream_hash
            );
            findings.add(Finding::new(Code::NewerFormat, sentence).at(self.partition, 0));
        }
        if let Some(wanted) = self.pin.as_ref().filter(|wanted| *wanted != found) {
            let sentence = format!(
                "it is pinned to log {} with {} partitions and window {}, partition 0 to log {} with {} and {}",
                found.log_id, found.partitions, found.window, wanted.log_id, wanted.partitions, wanted.window
            );
            findings.add(Finding::new(Code::PinDiffers, sentence).at(self.partition, 0));
        }
    }

    fn halt(&mut self, reason: HaltReason, record: &LogRecord, header: Option<&CommitHeader>, findings: &mut Findings) {
        let (code, offset) = match reason {
            HaltReason::OffsetGap { expected } => (Code::OffsetMissing, expected),
            HaltReason::DigestMismatch => (Code::OtherHistory, record.offset),
            HaltReason::SeenBeyondOffset => (Code::SeenAhead, record.offset),
            HaltReason::StoppedBefore => (Code::Stopped, self.judged()),
        };
        let author = header.map_or_else(String::new, |header| {
            format!(" (commit {} of author {:?})", header.id, header.author)
        });
        self.stop(code, offset, &format!("{reason}{author}"), findings);
    }

    /// Readers stop here, so this one does.
    fn stop(&mut self, code: Code, offset: u64, sentence: &str, findings: &mut Findings) {
        self.stopped = true;
        let rest = self.end - self.judged().min(self.end);
        let sentence = format!("{sentence}; nodes stop this partition here, {rest} records were not judged");
        findings.add(Finding::new(code, sentence).at(self.partition, offset));
    }
}

fn accepted(
    record: &LogRecord,
    header: &CommitHeader,
    piece: &mut Piece,
    seen: &mut HistoryReport,
    findings: &mut Findings,
) {
    let unreadable = |sentence: String| {
        Finding::new(Code::UnreadableCommit, sentence)
            .at(record.partition, record.offset)
            .on(header.stream.as_str())
    };
    if header.is_fence {
        seen.fences += 1;
        let rejections = decode_rejections(record).unwrap_or_else(|error| {
            findings.add(unreadable(error.to_string()));
            Vec::new()
        });
        piece.fences.push(AcceptedFence {
            offset: record.offset,
            target: header.target(),
            recorded_at: record.recorded_at,
            rejections,
        });
        return;
    }
    seen.commits += 1;
    match decode_events(record, header) {
        Ok(events) if events.is_empty() => findings.add(unreadable("the commit has no events".to_owned())),
        Ok(events) => piece.events.extend(events),
        Err(error) => findings.add(unreadable(error.to_string())),
    }
}
