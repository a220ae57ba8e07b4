//! What was received and waits to be written.

use bytes::{Bytes, BytesMut};

/// Pieces below this size, in bytes, are copied together. Each piece that is kept costs some 40
/// bytes beside its content, and a client that sends single bytes would make that all there is.
const SMALL_BYTES: usize = 1 << 10;

/// A list of pieces, none of them tiny.
#[derive(Default)]
pub(crate) struct Portion {
    pieces: Vec<Bytes>,
    small: BytesMut,
    bytes: usize,
}

impl Portion {
    /// Adds a piece at the end.
    pub(crate) fn push(&mut self, piece: Bytes) {
        self.bytes += piece.len();
        if piece.len() < SMALL_BYTES {
            self.small.extend_from_slice(&piece);
        } else {
            self.close();
            self.pieces.push(piece);
        }
    }

    /// Bytes in it.
    pub(crate) fn len(&self) -> usize {
        self.bytes
    }

    /// The pieces; none of them is empty.
    pub(crate) fn take(&mut self) -> Vec<Bytes> {
        self.close();
        self.bytes = 0;
        std::mem::take(&mut self.pieces)
    }

    fn close(&mut self) {
        if !self.small.is_empty() {
            self.pieces.push(std::mem::take(&mut self.small).freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pieces_become_one_and_the_order_stays() {
        let mut portion = Portion::default();
        for byte in 0..100 {
            portion.push(Bytes::copy_from_slice(&[byte]));
        }
        portion.push(Bytes::new());
        portion.push(Bytes::from(vec![200; SMALL_BYTES]));
        portion.push(Bytes::from_static(b"x"));
        assert_eq!(portion.len(), 100 + SMALL_BYTES + 1);
        let pieces = portion.take();
        assert_eq!(pieces.iter().map(Bytes::len).collect::<Vec<_>>(), [100, SMALL_BYTES, 1]);
        assert_eq!(pieces[0][99], 99);
        assert!(portion.take().is_empty());
        assert_eq!(portion.len(), 0);
    }
}
