//! The server on a real socket: TLS, and a stop that idle connections do not hold up.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::super::serve::{Stop, serve, serve_socket, tls};
use super::super::socket::Socket;
use super::*;

/// The longest that an idle server may take to stop.
const PROMPT: Duration = Duration::from_secs(5);

struct Running {
    address: SocketAddr,
    stop: Stop,
    task: JoinHandle<std::io::Result<()>>,
}

/// Starts a server; `/v1/slow` is answered once `answer` is notified.
fn start(config: Option<Arc<rustls::ServerConfig>>, answer: Arc<Notify>, entered: Arc<Notify>) -> Running {
    let stop = Stop {
        drain: Duration::from_secs(60),
        ..Stop::default()
    };
    let mut routes = routes();
    let slow = async move || {
        entered.notify_one();
        answer.notified().await;
        "done at last"
    };
    routes.ordinary = routes.ordinary.route("/v1/slow", get(slow));
    let app = router(Parts {
        rest: routes,
        stop: stop.clone(),
        ..parts()
    });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(serve(listener, app, config, stop.clone()));
    Running { address, stop, task }
}

fn plain() -> Running {
    start(None, Arc::default(), Arc::default())
}

async fn ask(stream: &mut TcpStream, path: &str) {
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes())
        .await
        .unwrap();
}

async fn answered(stream: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8(text).unwrap()
}

async fn stopped(task: JoinHandle<std::io::Result<()>>) {
    tokio::time::timeout(PROMPT, task)
        .await
        .expect("the server stops in time")
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn idle_and_half_open_connections_do_not_hold_the_stop() {
    let server = plain();
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    ask(&mut idle, "/livez").await;
    answered(&mut idle, "ok\n").await;
    let _silent = TcpStream::connect(server.address).await.unwrap();
    let mut half = TcpStream::connect(server.address).await.unwrap();
    half.write_all(b"GET /livez HTT").await.unwrap();

    server.stop.requested.cancel();
    stopped(server.task).await;
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn an_open_request_is_answered_before_the_end() {
    let (answer, entered) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let server = start(None, answer.clone(), entered.clone());
    let mut client = TcpStream::connect(server.address).await.unwrap();
    ask(&mut client, "/v1/slow").await;
    entered.notified().await;
    server.stop.requested.cancel();
    answer.notify_one();
    assert!(
        answered(&mut client, "done at last")
            .await
            .starts_with("HTTP/1.1 200 OK")
    );
    stopped(server.task).await;
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off_after_the_drain() {
    let (answer, entered) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let mut server = start(None, answer, entered.clone());
    server.task.abort();
    let stop = Stop {
        drain: Duration::from_millis(50),
        ..Stop::default()
    };
    let app = router(Parts {
        stop: stop.clone(),
        ..parts()
    });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    server.address = listener.local_addr().unwrap();
    let task = tokio::spawn(serve(listener, app, None, stop.clone()));
    let mut client = TcpStream::connect(server.address).await.unwrap();
    ask(&mut client, "/v1/endless").await;
    answered(&mut client, "\r\n\r\n").await;
    assert_eq!(stop.open.len(), 1);
    stop.requested.cancel();
    stopped(task).await;
}

#[tokio::test]
async fn a_client_that_begins_with_http2_is_answered_in_it() {
    let server = plain();
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut requests, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    for _ in 0..3 {
        let request = axum::http::Request::get("http://localhost/livez")
            .body(())
            .unwrap();
        let (answer, _) = requests.send_request(request, true).unwrap();
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.version(), axum::http::Version::HTTP_2);
        let mut body = answer.into_body();
        assert_eq!(body.data().await.unwrap().unwrap(), "ok\n");
    }
    server.stop.requested.cancel();
    stopped(server.task).await;
    drop(requests);
    connection.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_socket_in_the_file_system_is_served_and_goes_with_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("yosoku.sock");
    let stop = Stop::default();
    let app = router(Parts {
        stop: stop.clone(),
        ..parts()
    });
    let socket = Socket::bind(&path).unwrap();
    let task = tokio::spawn(serve_socket(socket, app, stop.clone()));
    let mut client = tokio::net::UnixStream::connect(&path).await.unwrap();
    client
        .write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut text = Vec::new();
    while !text.ends_with(b"ok\n") {
        assert!(client.read_buf(&mut text).await.unwrap() > 0);
    }
    stop.requested.cancel();
    stopped(task).await;
    assert!(!path.exists());
}

#[tokio::test]
async fn a_server_that_stops_leaves_the_socket_to_the_one_that_comes_after() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("yosoku.sock");
    let stop = Stop {
        drain: Duration::from_secs(60),
        ..Stop::default()
    };
    let app = router(Parts {
        stop: stop.clone(),
        ..parts()
    });
    let first = Socket::bind(&path).unwrap();
    let task = tokio::spawn(serve_socket(first, app, stop.clone()));
    let mut client = tokio::net::UnixStream::connect(&path).await.unwrap();
    let head = b"GET /v1/endless HTTP/1.1\r\nhost: localhost\r\n\r\n";
    client.write_all(head).await.unwrap();
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        assert!(client.read_buf(&mut text).await.unwrap() > 0);
    }
    stop.requested.cancel();
    let gone = async {
        while path.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PROMPT, gone)
        .await
        .expect("the file goes while an answer is still open");
    assert!(!task.is_finished());

    let second = Socket::bind(&path).unwrap();
    drop(client);
    stopped(task).await;
    tokio::net::UnixStream::connect(&path).await.unwrap();
    drop(second);
    assert!(!path.exists());
}

/// Sends a request with a body and reads what comes until the connection ends.
async fn ended_after(server: &Running, head: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!("{head}\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut text = Vec::new();
    // What was not read may break the connection off; the answer came before.
    let _ = tokio::time::timeout(PROMPT, stream.read_to_end(&mut text)).await;
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn a_connection_ends_where_a_body_was_not_read_and_says_so() {
    let server = plain();
    let head = "POST /v1/nothing HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json";
    let answer = ended_after(&server, head, &[b' '; 100]).await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(
        answer.to_ascii_lowercase().contains("connection: close"),
        "{answer}"
    );
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let greet = "POST /v1/greet HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{\"name\":\"a\"}";
    for _ in 0..2 {
        stream.write_all(greet.as_bytes()).await.unwrap();
        let answer = answered(&mut stream, "\r\n\r\na").await;
        assert!(
            !answer.to_ascii_lowercase().contains("connection: close"),
            "{answer}"
        );
    }
    server.stop.requested.cancel();
    stopped(server.task).await;
}

fn pem(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/tls")
        .join(name)
}

#[tokio::test]
async fn tls_is_spoken_and_stops_as_promptly() {
    let server = start(
        Some(tls(&pem("cert.pem"), &pem("key.pem")).unwrap()),
        Arc::default(),
        Arc::default(),
    );
    let address = server.address;
    let (text, idle) = tokio::task::spawn_blocking(move || {
        use std::io::{Read, Write};
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(pem("cert.pem")).unwrap())
            .unwrap();
        let config =
            rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = rustls::StreamOwned::new(client, std::net::TcpStream::connect(address).unwrap());
        stream
            .write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .unwrap();
        let mut text = Vec::new();
        while !text.ends_with(b"ok\n") {
            let mut buffer = [0; 1024];
            let read = stream.read(&mut buffer).unwrap();
            assert!(read > 0);
            text.extend_from_slice(&buffer[..read]);
        }
        (String::from_utf8(text).unwrap(), stream)
    })
    .await
    .unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
    server.stop.requested.cancel();
    stopped(server.task).await;
    drop(idle);
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_named() {
    let missing = tls(&pem("nothing.pem"), &pem("key.pem")).unwrap_err();
    assert!(missing.contains("nothing.pem"), "{missing}");
    let swapped = tls(&pem("key.pem"), &pem("key.pem")).unwrap_err();
    assert!(
        swapped.contains("no certificate") && swapped.contains("key.pem"),
        "{swapped}"
    );
    let swapped = tls(&pem("cert.pem"), &pem("cert.pem")).unwrap_err();
    assert!(
        swapped.contains("private key") && swapped.contains("cert.pem"),
        "{swapped}"
    );
}
