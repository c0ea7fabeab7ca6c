//! Where and how the server listens, checked before anything is opened or made.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};

use crate::config::{HttpConfig, ServeConfig};
use crate::http;
use crate::http::auth::{Access, KeyRing};
use crate::http::bind::Binding;
use crate::http::serve::tls;
use crate::http::socket::Socket;

/// Where and how to listen, checked before anything is opened or made.
pub struct Front {
    pub(super) listener: TcpListener,
    pub(super) s3: Option<TcpListener>,
    pub(super) socket: Option<Socket>,
    pub(super) access: Access,
    pub(super) encryption: Option<Arc<rustls::ServerConfig>>,
}

impl Front {
    /// Listens as `config` says. Refuses an address that is not allowed, and keys or certificates that
    /// cannot be used.
    pub fn open(config: &ServeConfig) -> Result<Self> {
        let http = &config.http;
        let access = access(http, &config.store.home)?;
        let addresses = [Some(http.listen), http.s3_listen];
        for address in addresses.into_iter().flatten() {
            check_binding(http, address, &access)?;
        }
        let encryption = match &http.tls {
            Some(files) => Some(tls(&files.cert, &files.key).map_err(|error| anyhow!(error))?),
            None => None,
        };
        let bound = |at: SocketAddr| {
            TcpListener::bind(at).map_err(|error| match error.kind() {
                ErrorKind::AddrInUse => anyhow!(
                    "another program listens on {at}: stop it, or choose another address (`--listen`, `--s3-listen`), \
                     such as 127.0.0.1:0 for any free port"
                ),
                _ => anyhow!(error).context(format!("listening on {at}")),
            })
        };
        let listener = bound(http.listen)?;
        let s3 = http.s3_listen.map(bound).transpose()?;
        let socket = http.socket.as_deref().map(Socket::bind).transpose();
        Ok(Self {
            listener,
            s3,
            socket: socket.map_err(|error| anyhow!(error))?,
            access,
            encryption,
        })
    }

    /// The socket in the file system, if one is listened on.
    pub fn socket(&self) -> Option<&Path> {
        self.socket.as_ref().map(Socket::path)
    }

    /// The address that is listened on, with its real port.
    pub fn address(&self) -> Result<SocketAddr> {
        self.listener.local_addr().context("reading the address")
    }

    /// The address of the S3 door, with its real port; none if there is no door.
    pub fn s3_address(&self) -> Result<Option<SocketAddr>> {
        let address = self.s3.as_ref().map(TcpListener::local_addr).transpose();
        address.context("reading the address of the S3 door")
    }
}

/// Opens the key file if there is one.
fn access(http: &HttpConfig, home: &Path) -> Result<Access> {
    match http::keys::locate(http.keys.as_deref(), home) {
        Some(path) => {
            let ring =
                KeyRing::open(&path).with_context(|| format!("reading keys from `{}`", path.display()))?;
            Ok(Access::Keys(Arc::new(ring)))
        }
        None => Ok(Access::Open),
    }
}

fn check_binding(http: &HttpConfig, listen: SocketAddr, access: &Access) -> Result<()> {
    let keys = match access {
        Access::Open => None,
        Access::Keys(ring) => Some(ring.len().context("reading keys")?),
    };
    let binding = Binding {
        listen,
        keys,
        tls: http.tls.is_some(),
        behind_proxy: http.behind_proxy,
    };
    binding.check().map_err(|missing| anyhow!(missing.join("\n")))
}
