//! `yosoku usage`: what an installation was used for, and what that would have cost elsewhere.

use serde_json::{Value, json};

use super::error::CliError;
use super::serve::{block_on, failure};
use super::show;
use crate::app;
use crate::clock::{Clock, SystemClock};
use crate::config::{Flags, ServeConfig, process_environment};
use crate::domain::usage::Usage;
use crate::service::metering::{Bill, bill};

/// Show what was used, and what it would have cost at the prices of Amazon Machine Learning
///
/// By model and key: 0.42 USD for an hour of computing, 0.10 USD for 1,000 predictions in batches, 0.0001 USD for each in
/// real time. The total is rounded up to the cent, the other amounts down to a millionth of a dollar. A server that is
/// running stores predictions in real time every few seconds.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The first day, such as 2026-01-01 [default: from the beginning]
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// The last day [default: today]
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// Folder of the installation [default: ./yosoku-home]
    #[arg(long, value_name = "DIR")]
    home: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), CliError> {
    let flags = Flags {
        home: args.home.clone(),
        ..Flags::default()
    };
    let config = ServeConfig::load(&flags, &process_environment);
    let config = config.map_err(|error| CliError::Usage(error.to_string()))?;
    let bill = block_on(async {
        let Some(catalog) = app::catalog(&config.store).await.map_err(failure)? else {
            let home = config.store.home.display();
            let message = format!("there is no installation in `{home}`; name another folder with --home");
            return Err(CliError::NotFound(message));
        };
        let bill = bill(
            &catalog,
            SystemClock.now_micros(),
            args.from.clone(),
            args.to.clone(),
        )
        .await;
        catalog.close().await;
        bill.map_err(|error| CliError::Usage(error.public_message()))
    })?;
    match args.json {
        true => show::print_json(&document(&bill)),
        false => show::print(&table(&bill)),
    }
}

fn document(bill: &Bill) -> Value {
    let used = |usage: &Usage, dollars: f64| {
        json!({"model": usage.model, "owner": usage.owner, "key": usage.key, "compute_ms": usage.compute_ms,
            "batch_predictions": usage.batch, "realtime_predictions": usage.realtime, "amount_usd": dollars})
    };
    let items = bill.used.iter().map(|usage| used(usage, usage.dollars()));
    let items: Vec<Value> = items.collect();
    let total = used(&bill.total, bill.total.billed_dollars());
    json!({"from": bill.from, "to": bill.to, "items": items, "total": total, "you_paid_usd": 0})
}

fn table(bill: &Bill) -> String {
    let header = ["model", "key", "compute", "batch", "real time", "there"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for usage in &bill.used {
        let model = if usage.model.is_empty() {
            "(statistics)"
        } else {
            &usage.model
        };
        let amount = format!("{:.6} USD", usage.dollars());
        rows.push(row(model, &who(usage, &bill.used), usage, amount));
    }
    let amount = format!("{:.2} USD", bill.total.billed_dollars());
    rows.push(row("total", "", &bill.total, amount));
    format!("{}you paid: 0\n", show::table(&rows))
}

/// The name of a key, with its identifier where another key has the same name.
fn who(usage: &Usage, all: &[Usage]) -> String {
    let has_namesake = |other: &Usage| other.owner == usage.owner && other.key != usage.key;
    match (usage.owner.as_str(), usage.key.as_str()) {
        ("", _) => "-".to_owned(),
        (owner, "") => owner.to_owned(),
        // A key without a name is called by its identifier.
        (owner, key) if owner != key && all.iter().any(has_namesake) => format!("{owner} ({key})"),
        (owner, _) => owner.to_owned(),
    }
}

fn row(model: &str, owner: &str, usage: &Usage, amount: String) -> Vec<String> {
    vec![
        model.to_owned(),
        owner.to_owned(),
        format!("{:.1} s", usage.compute_ms as f64 / 1000.0),
        usage.batch.to_string(),
        usage.realtime.to_string(),
        amount,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_one_name_are_told_apart() {
        let used = |model: &str, owner: &str, key: &str| Usage {
            model: model.to_owned(),
            owner: owner.to_owned(),
            key: key.to_owned(),
            realtime: 1,
            ..Usage::default()
        };
        let bill = Bill {
            from: None,
            to: "2026-01-31".to_owned(),
            used: vec![
                used("m", "laptop", "aa"),
                used("m", "laptop", "bb"),
                used("m", "laptop", ""),
                used("m", "ci", "cc"),
                used("m", "dd", "dd"),
                used("n", "", ""),
            ],
            total: Usage {
                realtime: 6,
                ..Usage::default()
            },
        };
        let table = table(&bill);
        assert_eq!(table.matches("0.000100 USD").count(), 6, "{table}");
        assert!(table.contains("0.01 USD"), "{table}");
        let second = |line: &str| {
            let columns: Vec<&str> = line
                .split("  ")
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .collect();
            columns[1].to_owned()
        };
        let keys: Vec<String> = table.lines().skip(1).take(6).map(second).collect();
        assert_eq!(
            keys,
            ["laptop (aa)", "laptop (bb)", "laptop", "ci", "dd", "-"],
            "{table}"
        );
    }
}
