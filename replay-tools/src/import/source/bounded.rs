//! Reading up to a delimiter without trusting the input to hold one.

use std::io::{self, BufRead, Read};

/// How a bounded read ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// Nothing was left.
    End,
    /// A whole piece, without its delimiter; the last one may lack it in the input.
    Whole,
    /// Longer than allowed: its beginning was kept, the rest was skipped.
    Cut,
}

/// Reads into `piece` (which is emptied first) up to `delimiter`, keeping at most `limit` bytes.
pub(super) fn read_piece(
    input: &mut impl BufRead,
    delimiter: u8,
    limit: usize,
    piece: &mut Vec<u8>,
) -> io::Result<Piece> {
    piece.clear();
    let window = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    if input.by_ref().take(window).read_until(delimiter, piece)? == 0 {
        return Ok(Piece::End);
    }
    if piece.last() == Some(&delimiter) {
        piece.pop();
        return Ok(Piece::Whole);
    }
    if piece.len() <= limit {
        return Ok(Piece::Whole);
    }
    piece.truncate(limit);
    input.skip_until(delimiter)?;
    Ok(Piece::Cut)
}
