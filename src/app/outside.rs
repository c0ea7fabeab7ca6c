//! What an installation reaches outside its home, as its file of connections says.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use tokio::runtime::Handle;

use crate::config::connections::Connections;
use crate::source::{Address, Databases};

/// The databases that queries may be sent to. Nothing is connected to before there is a query; all addresses that
/// cannot be read are told together.
pub(super) fn databases(connections: &Connections, does_jobs: bool) -> Result<Databases> {
    let (mut listed, mut problems) = (BTreeMap::new(), Vec::new());
    for (name, database) in &connections.databases {
        match Address::new(
            &database.url,
            database.password.as_ref(),
            database.timeout_seconds,
        ) {
            Ok(address) => drop(listed.insert(name.clone(), address)),
            Err(reason) => problems.push(format!("[databases.{name}]: {reason}")),
        }
    }
    match problems.is_empty() {
        true => Ok(Databases::new(listed, does_jobs, Handle::current())),
        false => Err(anyhow!(problems.join("\n"))),
    }
}
