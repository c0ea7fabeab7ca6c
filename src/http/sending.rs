//! Gives up clients that take nothing of their answer, because what they do not take stays in memory.

use std::future::{Future, Ready, ready};
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready as wait};
use std::time::Duration;

use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, Sleep, sleep_until};

use super::taking::{Taken, Waiting};

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

impl Watching {
    fn watched<I, S>(&self, stream: I, service: S) -> (Sending<I>, Taken<S>) {
        let stream = Sending::new(stream, self.0);
        let service = Taken::new(service, stream.waiting.clone());
        (stream, service)
    }
}

impl<S> Accept<TcpStream, S> for Watching {
    type Stream = Sending<TcpStream>;
    type Service = Taken<S>;
    type Future = Ready<io::Result<(Self::Stream, Taken<S>)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let accepted = stream.set_nodelay(true);
        ready(accepted.map(|()| self.watched(stream, service)))
    }
}

impl<S> Accept<UnixStream, S> for Watching {
    type Stream = Sending<UnixStream>;
    type Service = Taken<S>;
    type Future = Ready<io::Result<(Self::Stream, Taken<S>)>>;

    fn accept(&self, stream: UnixStream, service: S) -> Self::Future {
        ready(Ok(self.watched(stream, service)))
    }
}

/// A connection on which sending fails when the client has taken nothing for some time.
#[derive(Debug)]
pub struct Sending<I> {
    inner: I,
    patience: Duration,
    /// Runs while something waits to be sent.
    stalled: Option<Pin<Box<Sleep>>>,
    /// The answers that wait though everything was sent, and when it is looked next for how long.
    waiting: Arc<Waiting>,
    look: Instant,
}

impl<I> Sending<I> {
    fn new(inner: I, patience: Duration) -> Self {
        Self {
            inner,
            patience,
            stalled: None,
            waiting: Arc::default(),
            look: Instant::now(),
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

    /// Gives up answers that have waited for too long, now and then. Connections of HTTP/2 read often enough to notice it:
    /// they are asked for signs of life.
    fn look(&mut self) {
        if !self.waiting.is_used() {
            return;
        }
        let now = Instant::now();
        if now < self.look {
            return;
        }
        self.look = now + self.patience / 4;
        let answers = self.waiting.give_up(now, self.patience);
        if answers > 0 {
            tracing::info!(answers, "given up, as their client takes nothing of them");
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Sending<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.look();
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
    use std::net::SocketAddr;

    use axum::Router;
    use axum::body::{Body, Bytes};
    use axum::http::Request;
    use axum::routing::get;
    use futures_util::stream;
    use h2::RecvStream;
    use h2::client::SendRequest;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio_util::sync::{CancellationToken, DropGuard};

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

    const PIECES: usize = 10;
    /// More than is handed over at once.
    const PIECE: usize = 24 << 10;

    /// Tells when it goes, with what it holds.
    struct Held(
        Vec<u8>,
        #[expect(dead_code, reason = "it is there to be dropped")] DropGuard,
    );

    impl AsRef<[u8]> for Held {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    /// Serves by HTTP/2, and tells when an answer has gone: at `/left` one in a single lump, at `/` one in pieces.
    fn serving() -> (SocketAddr, CancellationToken) {
        let gone = CancellationToken::new();
        let lump = gone.clone();
        let left = async move || {
            let held = Held(vec![b'x'; PIECES * PIECE], lump.clone().drop_guard());
            Body::from(Bytes::from_owner(held))
        };
        let pieces = async || {
            let pieces = (0..PIECES).map(|_| Ok::<_, io::Error>(vec![b'x'; PIECE]));
            Body::from_stream(stream::iter(pieces))
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = axum_server::from_tcp(listener).unwrap();
        let server = server.acceptor(Watching(Duration::from_secs(1)));
        let app = Router::new().route("/left", get(left)).route("/", get(pieces));
        tokio::spawn(server.serve(app.into_make_service()));
        (address, gone)
    }

    /// A client that takes so many bytes of an answer at first, and sends a sign of life every 50 ms.
    async fn client(address: SocketAddr, window: u32) -> SendRequest<Bytes> {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut begun = h2::client::Builder::new();
        let begun = begun.initial_window_size(window).handshake::<_, Bytes>(stream);
        let (requests, mut connection) = begun.await.unwrap();
        let mut pings = connection.ping_pong().unwrap();
        tokio::spawn(async move {
            let pings = async {
                while pings.ping(h2::Ping::opaque()).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            };
            tokio::join!(async { drop(connection.await) }, pings);
        });
        requests
    }

    /// Begins an answer.
    async fn ask(requests: &mut SendRequest<Bytes>, path: &str) -> RecvStream {
        let request = Request::get(format!("http://localhost{path}")).body(()).unwrap();
        let (answer, _) = requests.send_request(request, true).unwrap();
        answer.await.unwrap().into_body()
    }

    /// Takes an answer, pausing after each frame; returns how many bytes came.
    async fn take(answer: &mut RecvStream, pause: Duration) -> Result<usize, h2::Error> {
        let mut taken = 0;
        while let Some(data) = answer.data().await {
            let length = data?.len();
            taken += length;
            tokio::time::sleep(pause).await;
            answer.flow_control().release_capacity(length).unwrap();
        }
        Ok(taken)
    }

    #[tokio::test]
    async fn what_is_left_of_an_answer_that_nobody_takes_goes_alone() {
        let (address, gone) = serving();
        let mut requests = client(address, 16 << 10).await;
        let mut left = ask(&mut requests, "/left").await;
        let mut slow = ask(&mut requests, "/").await;
        // It takes two seconds at least, and the other is given up meanwhile.
        let slowly = tokio::spawn(async move { take(&mut slow, Duration::from_millis(100)).await });
        assert!(!gone.is_cancelled());
        let told = tokio::time::timeout(Duration::from_secs(20), gone.cancelled());
        told.await.expect("nothing is kept of the answer");
        assert_eq!(slowly.await.unwrap().unwrap(), PIECES * PIECE);
        // The client learns of it when it wants to go on; its connection is as good as before.
        assert!(take(&mut left, Duration::ZERO).await.is_err());
        let mut next = ask(&mut requests, "/").await;
        assert_eq!(take(&mut next, Duration::ZERO).await.unwrap(), PIECES * PIECE);
    }

    #[tokio::test]
    async fn whoever_pauses_in_the_middle_is_waited_for() {
        let (address, gone) = serving();
        let mut requests = client(address, 100 << 10).await;
        let mut left = ask(&mut requests, "/left").await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(!gone.is_cancelled());
        assert_eq!(take(&mut left, Duration::ZERO).await.unwrap(), PIECES * PIECE);
    }
}
