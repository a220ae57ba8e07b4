//! Reading a request as a server in a test does.

use std::io::{self, BufRead as _, BufReader, Read, Write};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method and path with query, as in `GET /x?y=1`.
    pub line: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// Reads the next request of a connection, telling who waits for it to go on; `None` when the other side went
    /// away before its end.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn read<S: Read + Write>(reader: &mut BufReader<S>) -> io::Result<Option<Self>> {
        let Some(first) = line(reader)? else { return Ok(None) };
        let Some((first, _version)) = first.trim_end().rsplit_once(' ') else { return Ok(None) };
        let mut request = Self { line: first.to_owned(), headers: Vec::new(), body: Vec::new() };
        loop {
            let Some(header) = line(reader)? else { return Ok(None) };
            let Some((name, value)) = header.split_once(':') else { break };
            request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        if request.header("expect").is_some() {
            reader.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let length = request.header("content-length").and_then(|text| text.parse().ok());
        request.body = vec![0; length.unwrap_or(0)];
        let whole = reader.read_exact(&mut request.body).is_ok();
        Ok(whole.then_some(request))
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn line<S: Read>(reader: &mut BufReader<S>) -> io::Result<Option<String>> {
    let mut line = String::new();
    let count = reader.read_line(&mut line)?;
    Ok((count > 0).then_some(line))
}
