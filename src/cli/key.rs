//! `yosoku key`: make, list and revoke API keys.

use std::path::PathBuf;

use super::error::CliError;
use super::show;
use crate::clock::{Clock, SystemClock};
use crate::config::{home, process_environment};
use crate::http::keys;

/// Make, list and revoke API keys
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make a key; its token is shown once and stored only as a hash
    New {
        /// What the key is for
        #[arg(long, default_value = "")]
        name: String,
        /// Make a secret for Amazon's clients, too: they sign their requests. It is stored as it is, because
        /// signatures cannot be checked otherwise
        #[arg(long)]
        amazon: bool,
        #[command(flatten)]
        place: Place,
    },
    /// List the keys
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Revoke a key; running servers notice at once
    Revoke {
        /// The key's id, as listed
        id: String,
        #[command(flatten)]
        place: Place,
    },
}

/// Which file of keys.
#[derive(Debug, clap::Args)]
pub struct Place {
    /// File of hashed keys [default: keys.json in the home]
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Folder of the installation [default: ./yosoku-home]
    #[arg(long, value_name = "DIR")]
    home: Option<String>,
}

impl Place {
    fn path(&self) -> PathBuf {
        let home = home(self.home.as_deref(), &process_environment);
        self.keys.clone().unwrap_or_else(|| home.join(keys::KEYS_FILE))
    }
}

/// Runs the command.
pub fn run(command: &Command) -> Result<(), CliError> {
    let failed = |error: keys::KeyError| match error {
        keys::KeyError::Unknown(_) => CliError::NotFound(error.to_string()),
        error => CliError::Failure(error.to_string()),
    };
    match command {
        Command::New { name, amazon, place } => {
            let path = place.path();
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).map_err(|error| CliError::file("making", folder, &error))?;
            }
            let is_first = keys::list(&path).map_err(failed)?.is_empty();
            let make = if *amazon { keys::new_signing } else { keys::new };
            let (key, token) = make(&path, name, SystemClock.now_micros()).map_err(failed)?;
            show::message(&format!(
                "key {} in {}; this is the only time its token is shown:",
                key.id,
                path.display()
            ));
            if is_first {
                show::message(
                    "note: a server that was started without keys asks for none until it is started again",
                );
            }
            show::print(&format!("{token}\n{}", credentials(&key)))
        }
        Command::List { place } => {
            let mut rows = vec![["id", "name", "created", "revoked"].map(str::to_string).to_vec()];
            for key in keys::list(&place.path()).map_err(failed)? {
                rows.push(vec![
                    key.id,
                    key.name,
                    key.created_at,
                    key.revoked_at.unwrap_or_default(),
                ]);
            }
            show::print(&show::table(&rows))
        }
        Command::Revoke { id, place } => {
            let key = keys::revoke(&place.path(), id, SystemClock.now_micros()).map_err(failed)?;
            show::print(&format!("revoked {}\n", key.id))
        }
    }
}

/// What Amazon's clients take from the environment, where the key is for them.
fn credentials(key: &keys::Key) -> String {
    key.signing_secret.as_ref().map_or_else(String::new, |secret| {
        format!("AWS_ACCESS_KEY_ID={}\nAWS_SECRET_ACCESS_KEY={secret}\n", key.id)
    })
}
