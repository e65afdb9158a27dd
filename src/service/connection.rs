//! What one caller may take from the others: the number of connections, how long they may be silent, and how slow.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

use crate::clock;

/// What a caller may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Connections at the same time; more wait until one is closed.
    pub(super) connections: usize,
    /// How long a connection may be without a byte in either direction, within a request or between two.
    pub(super) silence: Duration,
    /// How long a request may take to come when it comes more slowly than [`LEAST_PER_SECOND`].
    pub(super) patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Half of what a process may usually have open.
            connections: 512,
            silence: Duration::from_secs(120),
            patience: Duration::from_secs(30),
        }
    }
}

/// Bytes of a request in a second: far less than any network, far more than who means to hold a place.
const LEAST_PER_SECOND: f64 = 1000.0;

/// A listener whose connections are counted and end when nothing happens on them.
pub(super) struct Guarded<L> {
    listener: L,
    places: Arc<Semaphore>,
    limits: Limits,
}

impl<L> Guarded<L> {
    pub(super) fn new(listener: L, limits: Limits) -> Self {
        Self {
            listener,
            places: Arc::new(Semaphore::new(limits.connections)),
            limits,
        }
    }
}

impl<L: Listener> Listener for Guarded<L> {
    type Io = Connection<L::Io>;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        // The semaphore is never closed.
        let place = self.places.clone().acquire_owned().await.ok();
        let (io, address) = self.listener.accept().await;
        let connection = Connection {
            io,
            limits: self.limits,
            last: clock::monotonic(),
            request: None,
            alarm: Box::pin(tokio::time::sleep(self.limits.silence)),
            _place: place,
        };
        (connection, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

pub(super) struct Connection<Io> {
    io: Io,
    limits: Limits,
    /// When a byte was last read or written.
    last: Instant,
    /// What was read since the last byte of an answer: since when, and how many bytes.
    request: Option<(Instant, usize)>,
    /// Looks after the silence now and then, which costs less than to be set at every byte.
    alarm: Pin<Box<Sleep>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl<Io> Connection<Io> {
    fn heard<T>(&mut self, result: T) -> Poll<T> {
        self.last = clock::monotonic();
        Poll::Ready(result)
    }

    /// Whether a request comes too slowly.
    fn trickles(&mut self, bytes: usize) -> bool {
        let (begin, read) = self.request.get_or_insert((self.last, 0));
        *read += bytes;
        let took = self.last.saturating_duration_since(*begin);
        took > self.limits.patience && (*read as f64) < took.as_secs_f64() * LEAST_PER_SECOND
    }

    fn silent<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        loop {
            ready!(self.alarm.as_mut().poll(cx));
            let end = self.last + self.limits.silence;
            if end <= clock::monotonic() {
                return Poll::Ready(Err(ErrorKind::TimedOut.into()));
            }
            self.alarm.as_mut().reset(end.into());
        }
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Connection<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.io).poll_read(cx, buf) {
            Poll::Ready(result) => {
                let heard = self.heard(result);
                let bytes = buf.filled().len() - before;
                match bytes > 0 && self.trickles(bytes) {
                    true => Poll::Ready(Err(ErrorKind::TimedOut.into())),
                    false => heard,
                }
            }
            Poll::Pending => self.silent(cx),
        }
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Connection<Io> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.io).poll_write(cx, buf) {
            Poll::Ready(result) => {
                self.request = None;
                self.heard(result)
            }
            Poll::Pending => self.silent(cx),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.io).poll_write_vectored(cx, bufs) {
            Poll::Ready(result) => {
                self.request = None;
                self.heard(result)
            }
            Poll::Pending => self.silent(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    async fn start(limits: Limits) -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(|| async { "hello" }));
        let guarded = Guarded::new(listener, limits);
        tokio::spawn(axum::serve(guarded, router).into_future());
        address
    }

    #[tokio::test]
    async fn silence_ends_a_connection_and_frees_its_place() {
        let address = start(Limits {
            connections: 1,
            silence: Duration::from_millis(50),
            ..Limits::default()
        })
        .await;
        for begun in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: x\r\n"] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(begun.as_bytes()).await.unwrap();
            let mut answer = String::new();
            let _ = stream.read_to_string(&mut answer).await;
            assert!(!answer.contains("hello"), "{begun}: {answer}");
        }
    }

    /// Byte by byte, for as long as the other end listens.
    #[tokio::test]
    async fn who_trickles_is_cut_off() {
        let limits = Limits {
            patience: Duration::from_millis(50),
            ..Limits::default()
        };
        let address = start(limits).await;
        for begun in [
            "GET / HTTP/1.1\r\nx: ",
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9999\r\n\r\n",
        ] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(begun.as_bytes()).await.unwrap();
            let (mut read, mut write) = stream.into_split();
            let trickle = async {
                while write.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            let mut answer = String::new();
            tokio::select! {
                () = trickle => {}
                _ = read.read_to_string(&mut answer) => {}
            }
            assert!(!answer.contains("hello"), "{begun}: {answer}");
        }
    }

    #[tokio::test]
    async fn one_more_waits_for_a_place() {
        const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
        let address = start(Limits {
            connections: 1,
            ..Limits::default()
        })
        .await;
        let mut first = TcpStream::connect(address).await.unwrap();
        first.write_all(REQUEST).await.unwrap();
        let mut answer = [0; 1024];
        assert!(first.read(&mut answer).await.unwrap() > 0);
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(REQUEST).await.unwrap();
        let waiting = tokio::time::timeout(Duration::from_millis(50), second.read(&mut answer));
        assert!(waiting.await.is_err());
        drop(first);
        assert!(second.read(&mut answer).await.unwrap() > 0);
    }
}
