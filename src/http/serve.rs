//! Listens, speaks TLS if asked to, and stops in order.

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Address, Handle, Server};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::sending::Watching;
use super::socket::Socket;

/// A client has this long to send the head of a request, and to start the next one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// After the last answer, connections have this long to take it and close.
const CLOSING: Duration = Duration::from_millis(500);

/// How the server ends: shared by the server, its layers and its long answers.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Cancelled when the process was asked to stop. Waits and event streams end with it.
    pub requested: CancellationToken,
    /// Counts the requests that are not answered to the last byte yet.
    pub open: TaskTracker,
    /// How long to go on accepting after readiness went false, for load balancers to notice.
    pub grace: Duration,
    /// How long open requests may take to end after that.
    pub drain: Duration,
}

/// Reads certificate and private key, both PEM; the error says why they cannot be used.
pub fn tls(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, String> {
    let certs: Result<Vec<_>, _> = CertificateDer::pem_file_iter(cert).and_then(Iterator::collect);
    let certs = certs.map_err(|error| format!("reading certificate `{}`: {error}", cert.display()))?;
    if certs.is_empty() {
        return Err(format!(
            "`{}` holds no certificate; a PEM file is needed",
            cert.display()
        ));
    }
    let key_der = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| format!("reading private key `{}`: {error}", key.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("setting up TLS: {error}"))?
        .with_no_client_auth()
        .with_single_cert(certs, key_der)
        .map_err(|error| format!("certificate and private key do not work together: {error}"))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Streams that one HTTP/2 connection may have open.
const STREAMS: u32 = 250;

/// An HTTP/2 connection is asked for a sign of life this often, and has as long to give it.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// Serves until `stop` is requested and open requests are answered or out of time. Idle
/// connections do not hold it up. HTTP/1.1 and HTTP/2 share the port; without TLS a client of HTTP/2 begins with it.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<Arc<ServerConfig>>,
    stop: Stop,
) -> io::Result<()> {
    let handle = Handle::new();
    let server = prepared(axum_server::from_tcp(listener)?, handle.clone()).acceptor(Watching::default());
    let service = router.into_make_service();
    let running = match tls {
        None => tokio::spawn(server.serve(service)),
        Some(config) => {
            let config = RustlsConfig::from_config(config);
            tokio::spawn(
                server
                    .map(|inner| RustlsAcceptor::new(config).acceptor(inner))
                    .serve(service),
            )
        }
    };
    ended(running, handle, stop, ()).await
}

/// The same on a socket in the file system, which has no need of TLS.
pub async fn serve_socket(socket: Socket, router: Router, stop: Stop) -> io::Result<()> {
    let handle = Handle::new();
    let (listener, file) = socket.into_parts();
    let server = prepared(axum_server::from_unix(listener)?, handle.clone()).acceptor(Watching::default());
    let running = tokio::spawn(server.serve(router.into_make_service()));
    ended(running, handle, stop, file).await
}

/// Waits for the end. `at_the_door` goes when nobody is let in any more, before open requests are waited for: a
/// server that is started meanwhile may want its place.
async fn ended<A: Address>(
    mut running: JoinHandle<io::Result<()>>,
    handle: Handle<A>,
    stop: Stop,
    at_the_door: impl Sized,
) -> io::Result<()> {
    tokio::select! {
        ended = &mut running => return ended.map_err(io::Error::other)?,
        () = stop.requested.cancelled() => {}
    }
    tokio::time::sleep(stop.grace).await;
    drop(at_the_door);
    handle.graceful_shutdown(Some(stop.drain));
    stop.open.close();
    tokio::select! {
        ended = &mut running => return ended.map_err(io::Error::other)?,
        () = stop.open.wait() => {}
    }
    // Nothing is being answered any more: whoever still holds a connection open is idle.
    if let Ok(ended) = tokio::time::timeout(CLOSING, &mut running).await {
        return ended.map_err(io::Error::other)?;
    }
    handle.shutdown();
    running.await.map_err(io::Error::other)?
}

fn prepared<A: Address>(server: Server<A>, handle: Handle<A>) -> Server<A> {
    let mut server = server.handle(handle).first_request_timeout(HEAD_TIMEOUT);
    let builder = server.http_builder();
    builder.http1().header_read_timeout(HEAD_TIMEOUT);
    builder
        .http2()
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(SIGN_OF_LIFE)
        .keep_alive_timeout(SIGN_OF_LIFE);
    server
}
