//! `yosoku verify`: train again from the same table and compare.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::CliError;
use super::files::read_bundle;
use super::progress::Progress;
use super::show;
use super::tables::{FileTable, Header};
use super::train::limits;
use crate::ml::model::Bundle;
use crate::ml::pipeline::{TrainRequest, train};
use crate::ml::target::TargetWish;

/// Check that training again gives the same model
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Model file
    model: PathBuf,
    /// The table it was trained on
    data: PathBuf,
    /// The model that training went on from, if it went on from one
    #[arg(long, value_name = "MODEL.yosoku")]
    from: Option<PathBuf>,
    /// Whether the first line names the columns
    #[arg(long, value_enum, default_value_t)]
    header: Header,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), CliError> {
    let bundle = read_bundle(&args.model)?;
    // A split may go by the name that the file had in training.
    let table = FileTable::open(&args.data, args.header)?.called(&bundle.provenance.source);
    let document = &bundle.document;
    let data_sha256 = table.sha256()?;
    if data_sha256 != document.training.data_sha256 {
        return Err(CliError::Conflict(format!(
            "`{}` is not the table the model was trained on: its SHA-256 is {data_sha256}, the model's is {}",
            args.data.display(),
            document.training.data_sha256
        )));
    }
    if !document.training.reproducible {
        return Err(CliError::Conflict(
            "the fit was cut short by a time budget, so that training again gives another model; train without one"
                .into(),
        ));
    }
    let earlier = earlier(args.from.as_deref(), document.training.earlier.as_deref())?;
    let request = TrainRequest {
        schema: Some(document.schema.clone()),
        schema_settles_task: true,
        target: TargetWish {
            name: document.schema.target.clone().unwrap_or_default(),
            task: Some(document.target.task()),
            positive: document.target.positive().map(str::to_string),
            max_classes: None,
        },
        recipe: Some(document.recipe.clone()),
        split: document.training.split.clone(),
        params: document.training.params.clone(),
        memory: limits(None, None)?,
        data_sha256,
        earlier,
    };
    let mut progress = Progress::new(false, None);
    let mut again = train(&table, &request, &mut progress)?.bundle;
    again.document.training.refit = document.training.refit;
    progress.finish();
    if again.hash() != bundle.hash() {
        let pairs = bundle.beta.iter().zip(&again.beta);
        let differing = pairs.filter(|(old, new)| old.to_bits() != new.to_bits()).count();
        return Err(CliError::Conflict(format!(
            "training again gives another model: {differing} of {} weights differ",
            bundle.beta.len()
        )));
    }
    show::print(&format!(
        "the same model, bit for bit: {} weights\n",
        bundle.beta.len()
    ))
}

/// The model that training went on from, which has to be the one it names.
fn earlier(given: Option<&Path>, named: Option<&str>) -> Result<Option<Arc<Bundle>>, CliError> {
    let Some(named) = named else {
        return match given {
            Some(_) => Err(CliError::Usage(
                "--from: the model did not go on from another one".into(),
            )),
            None => Ok(None),
        };
    };
    let Some(path) = given else {
        return Err(CliError::Usage(format!(
            "training went on from the model {}; give its file with --from",
            named.chars().take(12).collect::<String>()
        )));
    };
    let bundle = read_bundle(path)?;
    if bundle.hash() != named {
        return Err(CliError::Conflict(format!(
            "`{}` is not the model that training went on from: its hash is {}, not {named}",
            path.display(),
            bundle.hash()
        )));
    }
    Ok(Some(Arc::new(bundle)))
}
