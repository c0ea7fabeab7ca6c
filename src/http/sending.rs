//! Gives up clients that take nothing of their answer, because what they do not take stays in memory.

use std::future::{Future, Ready, ready};
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready as wait};
use std::time::Duration;

use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, Sleep, sleep_until};

/// A client must take something of its answer this often.
const PATIENCE: Duration = Duration::from_secs(30);

/// Accepts connections as they come, without waiting for more to send before a packet is sent.
#[derive(Debug, Clone, Copy)]
pub struct Watching(Duration);

impl Default for Watching {
    fn default() -> Self {
        Self(PATIENCE)
    }
}

impl<S> Accept<TcpStream, S> for Watching {
    type Stream = Sending<TcpStream>;
    type Service = S;
    type Future = Ready<io::Result<(Self::Stream, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let accepted = stream.set_nodelay(true);
        ready(accepted.map(|()| (Sending::new(stream, self.0), service)))
    }
}

impl<S> Accept<UnixStream, S> for Watching {
    type Stream = Sending<UnixStream>;
    type Service = S;
    type Future = Ready<io::Result<(Self::Stream, S)>>;

    fn accept(&self, stream: UnixStream, service: S) -> Self::Future {
        ready(Ok((Sending::new(stream, self.0), service)))
    }
}

/// A connection on which sending fails when the client has taken nothing for some time.
#[derive(Debug)]
pub struct Sending<I> {
    inner: I,
    patience: Duration,
    /// Runs while something waits to be sent.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<I> Sending<I> {
    fn new(inner: I, patience: Duration) -> Self {
        Self {
            inner,
            patience,
            stalled: None,
        }
    }

    /// Passes on what sending has come to, or the error when it has waited for too long.
    fn judge<T>(&mut self, context: &mut Context<'_>, sent: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if sent.is_ready() {
            self.stalled = None;
            return sent;
        }
        let until = Instant::now() + self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep_until(until)));
        wait!(stalled.as_mut().poll(context));
        let message = "the client takes nothing of its answer";
        Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, message)))
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Sending<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Sending<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.judge(context, sent)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.judge(context, sent)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.inner).poll_flush(context);
        self.judge(context, sent)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.inner).poll_shutdown(context);
        self.judge(context, sent)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn whoever_takes_nothing_is_given_up_and_whoever_takes_a_little_is_not() {
        let (near, mut far) = duplex(8);
        let mut sending = Sending::new(near, Duration::from_millis(200));
        sending.write_all(b"12345678").await.unwrap();
        let taking = tokio::spawn(async move {
            let mut byte = [0];
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_millis(50)).await;
                far.read_exact(&mut byte).await.unwrap();
            }
            far
        });
        // It takes half a second in all, and never more than a tenth between two bytes.
        sending.write_all(b"abcdefghij").await.unwrap();
        let _far = taking.await.unwrap();
        let error = sending.write_all(b"more than fits").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }
}
