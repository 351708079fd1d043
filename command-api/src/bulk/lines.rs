//! Cuts a body that arrives in pieces into lines of bounded length.

use bytes::{Bytes, BytesMut};

/// One line of the body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Text(Bytes),
    /// Only white space; counted, not answered.
    Blank,
    /// Longer than allowed; its bytes are dropped as they come.
    TooLong,
}

pub(super) struct LineSplitter {
    limit: usize,
    buffer: BytesMut,
    /// So far the buffer holds no end of line.
    scanned: usize,
    /// Within a line that was too long.
    skipping: bool,
    finished: bool,
}

impl LineSplitter {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            buffer: BytesMut::new(),
            scanned: 0,
            skipping: false,
            finished: false,
        }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Adds a piece of the body.
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// The body has ended; what is left is the last line.
    pub(super) fn finish(&mut self) {
        self.finished = true;
    }

    /// Drops what is left.
    pub(super) fn clear(&mut self) {
        self.buffer.clear();
        self.scanned = 0;
    }

    /// The next line that has arrived whole.
    pub(super) fn next_line(&mut self) -> Option<Line> {
        loop {
            let unscanned = self.buffer.get(self.scanned..).unwrap_or_default();
            if let Some(found) = unscanned.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.scanned + found + 1);
                self.scanned = 0;
                if std::mem::take(&mut self.skipping) {
                    continue;
                }
                return Some(self.classify(&line.freeze()));
            }
            self.scanned = self.buffer.len();
            if self.skipping {
                self.clear();
                return None;
            }
            if self.buffer.len() > self.limit {
                self.clear();
                self.skipping = true;
                return Some(Line::TooLong);
            }
            if self.finished && !self.buffer.is_empty() {
                self.scanned = 0;
                let line = self.buffer.split().freeze();
                return Some(self.classify(&line));
            }
            return None;
        }
    }

    fn classify(&self, line: &Bytes) -> Line {
        let text = line.trim_ascii();
        if text.is_empty() {
            Line::Blank
        } else if text.len() > self.limit {
            Line::TooLong
        } else {
            Line::Text(line.slice_ref(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(splitter: &mut LineSplitter) -> Vec<Line> {
        std::iter::from_fn(|| splitter.next_line()).collect()
    }

    fn text(line: &'static str) -> Line {
        Line::Text(Bytes::from_static(line.as_bytes()))
    }

    #[test]
    fn lines_are_the_same_however_the_body_is_cut() {
        let body = b"{\"a\":1}\r\n\n{\"b\":2}\nlast";
        for cut in 0..body.len() {
            let mut splitter = LineSplitter::new(100);
            let (first, second) = body.split_at(cut);
            splitter.push(first);
            let mut lines = all(&mut splitter);
            splitter.push(second);
            lines.extend(all(&mut splitter));
            splitter.finish();
            lines.extend(all(&mut splitter));
            assert_eq!(lines, [text("{\"a\":1}"), Line::Blank, text("{\"b\":2}"), text("last")]);
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_told_once_and_its_bytes_are_not_kept() {
        let mut splitter = LineSplitter::new(10);
        let mut lines = Vec::new();
        for _ in 0..1_000 {
            splitter.push(b"0123456789");
            lines.extend(all(&mut splitter));
            assert!(splitter.buffer.len() <= 20, "{} bytes are kept", splitter.buffer.len());
        }
        splitter.push(b"\nshort\n");
        lines.extend(all(&mut splitter));
        assert_eq!(lines, [Line::TooLong, text("short")]);
    }

    #[test]
    fn a_line_of_just_the_limit_fits() {
        let mut splitter = LineSplitter::new(5);
        splitter.push(b"12345\n123456\n");
        assert_eq!(all(&mut splitter), [text("12345"), Line::TooLong]);
    }
}
