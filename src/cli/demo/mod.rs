//! `yosoku demo`: the whole way from a CSV to predictions over HTTP, on sample data that the program
//! carries, in a fresh temporary home on a free port.

mod client;
mod samples;
mod story;

use tokio_util::sync::CancellationToken;

use self::client::Client;
use self::samples::SAMPLES;
use self::story::{Outcome, tell};
use super::error::CliError;
use super::serve::{block_on, failure};
use super::show;
use crate::app::{App, Front};
use crate::config::{Flags, ServeConfig};
use crate::shutdown;

/// Show the whole way from a CSV to predictions over HTTP, on sample data
///
/// Starts the service on a free local port with an empty store in a temporary folder, does for one
/// binary, one multiclass and one regression problem what you would do with curl, and prints each step.
/// Then it keeps serving until Ctrl-C.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// End when everything is shown
    #[arg(long)]
    exit: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), CliError> {
    let home = tempfile::Builder::new().prefix("yosoku-demo-").tempdir();
    let home = home.map_err(|error| CliError::Failure(format!("making a temporary folder: {error}")))?;
    let flags = Flags {
        home: Some(home.path().display().to_string()),
        listen: Some("127.0.0.1:0".into()),
        ..Flags::default()
    };
    // The demo does not depend on the environment it is run in.
    let config =
        ServeConfig::load(&flags, &|_| None).map_err(|error| CliError::Failure(error.to_string()))?;
    block_on(show_and_serve(config, args.exit))
}

async fn show_and_serve(config: ServeConfig, exit: bool) -> Result<(), CliError> {
    let stop = shutdown::on_signals().map_err(|error| CliError::Failure(error.to_string()))?;
    let front = Front::open(&config).map_err(failure)?;
    let address = front.address().map_err(failure)?;
    let app = App::open(config).await.map_err(failure)?;
    let ending = stop.child_token();
    let server = tokio::spawn(app.serve(front, ending.clone()));
    let stories = tokio::task::spawn_blocking(move || tell_all(&address.to_string()));
    let told = wait(stories, &stop).await;
    if let Ok(Some(())) = told
        && !exit
    {
        show::print(&format!(
            "\nserving http://{address} until Ctrl-C; look at http://{address}/docs\n"
        ))?;
        stop.cancelled().await;
    }
    ending.cancel();
    server
        .await
        .map_err(|error| CliError::Failure(error.to_string()))?
        .map_err(failure)?;
    match told? {
        Some(()) => Ok(()),
        None => Err(CliError::Interrupted),
    }
}

/// The end of the stories, or `None` when the process was asked to stop before.
async fn wait(
    stories: tokio::task::JoinHandle<Result<(), CliError>>,
    stop: &CancellationToken,
) -> Result<Option<()>, CliError> {
    match stop.run_until_cancelled(stories).await {
        Some(ended) => ended
            .map_err(|error| CliError::Failure(error.to_string()))?
            .map(Some),
        None => Ok(None),
    }
}

fn tell_all(address: &str) -> Result<(), CliError> {
    let client = Client::new(address);
    let outcomes = SAMPLES
        .iter()
        .map(|sample| tell(&client, sample))
        .collect::<Result<Vec<_>, _>>()?;
    show::print(&format!("\n{}", summary(&outcomes)))
}

fn summary(outcomes: &[Outcome]) -> String {
    let mut rows = vec![
        [
            "problem", "question", "rows", "features", "seconds", "metric", "held out", "baseline",
        ]
        .map(str::to_string)
        .to_vec(),
    ];
    rows.extend(outcomes.iter().map(|outcome| {
        vec![
            outcome.name.to_string(),
            outcome.question.clone(),
            outcome.rows.to_string(),
            outcome.features.to_string(),
            format!("{:.2}", outcome.seconds),
            outcome.metric.clone(),
            outcome.value.clone(),
            outcome.baseline.clone(),
        ]
    }));
    show::table(&rows)
}
