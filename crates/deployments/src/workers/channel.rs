//! The socket to a worker.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net;

use bytes::{Buf, BytesMut};
use modelyard_models::json::Dict;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::wire::{self, Malformed, Message, Question};

/// Bytes that are asked for at a time.
const CHUNK: usize = 64 << 10;
/// A question up to this length goes in one system call.
const COPIED_MAX: usize = 64 << 10;

/// Why nothing comes from a worker any more.
#[derive(Debug)]
pub(crate) enum Closed {
    /// It has closed its end: most likely it has ended.
    Ended,
    /// It has sent something that it never would.
    Malformed(Malformed),
}

impl From<Malformed> for Closed {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// Messages over a socket.
#[derive(Debug)]
pub(crate) struct Channel {
    stream: UnixStream,
    buffer: BytesMut,
    /// The header of a message that has not arrived in full, and the length of its body.
    header: Option<(Dict, usize)>,
}

impl Channel {
    /// A channel, and the descriptor of its other end.
    pub(crate) fn pair() -> io::Result<(Self, OwnedFd)> {
        let (ours, theirs) = net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let stream = UnixStream::from_std(ours)?;
        Ok((Self { stream, buffer: BytesMut::new(), header: None }, theirs.into()))
    }

    /// Sends a question.
    pub(crate) async fn send(&mut self, mut question: Question) -> Result<(), Closed> {
        let (mut head, body) =
            question.parts().ok_or(Malformed("was asked with a header without end"))?;
        let apart = body.len() > COPIED_MAX;
        if !apart {
            head.extend_from_slice(body);
        }
        let mut sent = self.stream.write_all(&head).await;
        if apart && sent.is_ok() {
            sent = self.stream.write_all(body).await;
        }
        // Why the other end does not take it, only its process can tell.
        sent.or(Err(Closed::Ended))
    }

    /// The next message. Nothing is lost if this is given up and called again.
    pub(crate) async fn next(&mut self) -> Result<Message, Closed> {
        loop {
            if let Some(message) = self.take()? {
                return Ok(message);
            }
            self.buffer.reserve(CHUNK);
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(read) if read > 0 => {}
                _ => return Err(Closed::Ended),
            }
        }
    }

    /// A message that has arrived in full.
    fn take(&mut self) -> Result<Option<Message>, Malformed> {
        if self.header.is_none() {
            let Some(first) = self.buffer.first_chunk() else { return Ok(None) };
            let end = first.len() + wire::header_len(*first)?;
            let Some(bytes) = self.buffer.get(first.len()..end) else { return Ok(None) };
            self.header = Some(wire::header(bytes)?);
            self.buffer.advance(end);
        }
        match self.header.take() {
            Some((header, len)) if self.buffer.len() >= len => {
                let message = wire::message(&header, &self.buffer[..len])?;
                self.buffer.advance(len);
                if self.buffer.is_empty() {
                    // What a large answer needed is given back.
                    self.buffer = BytesMut::new();
                }
                Ok(Some(message))
            }
            waiting => {
                self.header = waiting;
                Ok(None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn framed(header: &str, body: &[u8]) -> Vec<u8> {
        let mut bytes = u32::try_from(header.len()).unwrap().to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(body);
        bytes
    }

    #[tokio::test]
    async fn messages_arrive_in_any_pieces_and_nothing_is_lost_by_giving_up() {
        let (mut channel, theirs) = Channel::pair().unwrap();
        let mut theirs = net::UnixStream::from(theirs);
        let mut bytes = framed(r#"{"kind": "beat", "body": 0}"#, b"");
        let part = r#"{"kind": "answer", "parts": [{"json": true, "bytes": 3}], "body": 3}"#;
        bytes.extend(framed(part, b"[1]"));
        let mut found = Vec::new();
        for byte in bytes {
            theirs.write_all(&[byte]).unwrap();
            if let Ok(message) = timeout(Duration::from_millis(1), channel.next()).await {
                found.push(message.unwrap());
            }
        }
        while found.len() < 2 {
            found.push(channel.next().await.unwrap());
        }
        let answer = Message::Answer(vec![wire::Part::Json(b"[1]".into())]);
        assert_eq!(found, [Message::Beat, answer]);
        drop(theirs);
        assert!(matches!(channel.next().await, Err(Closed::Ended)));
    }

    #[tokio::test]
    async fn what_no_worker_sends_is_refused() {
        for bytes in [&b"\xff\xff\xff\xff"[..], b"\x02\0\0\0[]", b"Traceback (most recent call"] {
            let (mut channel, theirs) = Channel::pair().unwrap();
            net::UnixStream::from(theirs).write_all(bytes).unwrap();
            assert!(matches!(channel.next().await, Err(Closed::Malformed(_))), "{bytes:?}");
        }
    }
}
