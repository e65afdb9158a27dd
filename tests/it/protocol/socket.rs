//! Requests byte by byte: nothing normalises a path or mends a header on the way.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use batchflow::wire::auth::Scheme;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::caller::{Answer, Call, Caller};

/// No answer takes that long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to one endpoint, made again when the other side closes it.
pub(super) struct Socket<'c> {
    caller: &'c Caller,
    authority: String,
    stream: Option<BufReader<TcpStream>>,
}

impl<'c> Socket<'c> {
    pub(super) fn to(caller: &'c Caller, scheme: Scheme) -> Self {
        let endpoint = match scheme {
            Scheme::Batch => &caller.batch,
            Scheme::Blob => &caller.blob,
        };
        let authority = endpoint.trim_start_matches("http://");
        let authority = authority.split('/').next().unwrap_or_default().to_owned();
        Self {
            caller,
            authority,
            stream: None,
        }
    }

    /// # Panics
    /// When there is no answer in time, or none that is HTTP.
    pub(super) fn send(&mut self, call: &Call<'_>) -> Answer {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: {}\r\n",
            call.verb,
            call.target(),
            self.authority
        )
        .into_bytes();
        for (name, value) in self.caller.headers(call) {
            head.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        head.extend_from_slice(b"\r\n");
        head.extend_from_slice(&call.body);
        // A connection that idled may have been closed meanwhile: one more try on a new one.
        let said = || format!("{} {}", call.verb, call.target());
        let kept = self.stream.is_some();
        match self.exchange(&head, call.verb) {
            Ok(answer) => answer,
            Err(_) if kept => {
                self.stream = None;
                self.exchange(&head, call.verb)
                    .unwrap_or_else(|e| panic!("{}: {e}", said()))
            }
            Err(e) => panic!("{}: {e}", said()),
        }
    }

    fn exchange(&mut self, bytes: &[u8], verb: &str) -> io::Result<Answer> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let stream = TcpStream::connect(&self.authority)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                stream.set_nodelay(true)?;
                none.insert(BufReader::new(stream))
            }
        };
        // Who has heard enough may answer and close while we are still sending.
        let sent = stream.get_mut().write_all(bytes);
        let (answer, last) = match read(stream, verb) {
            Ok(read) => read,
            Err(e) => return Err(sent.err().unwrap_or(e)),
        };
        if last || sent.is_err() {
            self.stream = None;
        }
        Ok(answer)
    }
}

/// An answer, and whether nothing follows it on the connection.
fn read(stream: &mut impl BufRead, verb: &str) -> io::Result<(Answer, bool)> {
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let status_line = line(stream)?;
    let mut words = status_line.splitn(3, ' ');
    let version = words.next().unwrap_or_default();
    let status = words.next().and_then(|s| s.parse().ok());
    let (true, Some(status)) = (version.starts_with("HTTP/1."), status) else {
        return Err(bad(&status_line));
    };
    let reason = words.next().unwrap_or_default().to_owned();
    let mut headers = HeaderMap::new();
    loop {
        let text = line(stream)?;
        if text.is_empty() {
            break;
        }
        let (name, value) = text.split_once(':').ok_or_else(|| bad(&text))?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad(&text))?;
        let value = HeaderValue::from_str(value.trim()).map_err(|_| bad(&text))?;
        headers.insert(name, value);
    }
    let length = headers
        .get("content-length")
        .and_then(|v| v.to_str().ok()?.parse().ok());
    let mut body = Vec::new();
    let empty = verb == "HEAD" || matches!(status, 204 | 304);
    match length {
        _ if empty => {}
        Some(length) => {
            stream.take(length).read_to_end(&mut body)?;
        }
        None if headers.contains_key("transfer-encoding") => return Err(bad("chunks")),
        None => {
            stream.read_to_end(&mut body)?;
        }
    }
    let closes = headers.get("connection").is_some_and(|v| v == "close");
    let last = closes || length.is_none() && !empty;
    let text = String::from_utf8_lossy(&body).into_owned();
    let answer = Answer {
        status,
        reason,
        headers,
        text,
    };
    Ok((answer, last))
}

fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut bytes = Vec::new();
    if stream.read_until(b'\n', &mut bytes)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}
