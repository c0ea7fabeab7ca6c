//! `yosoku train`: from a table to a model file, judged on rows it has not seen.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::error::CliError;
use super::files::{check_output, read_bundle, read_text, write_whole};
use super::inspect::read_schema;
use super::progress::Progress;
use super::split::SplitBy;
use super::tables::{FileTable, Header};
use super::trained::{Done, tell};
use crate::clock::{Clock, SystemClock, rfc3339};
use crate::config::units::{parse_duration, parse_size};
use crate::config::{process_environment, training};
use crate::ml::Task;
use crate::ml::learn::LearnParams;
use crate::ml::model::Provenance;
use crate::ml::observe::Observer;
use crate::ml::pipeline::memory::{Program, Usage};
use crate::ml::pipeline::{Memory, TrainRequest, Trained, evaluate_part, train};
use crate::ml::predict::Predictor;
use crate::ml::recipe::Recipe;
use crate::ml::split::Split;
use crate::ml::target::TargetWish;
use crate::spill::Folder;
use crate::telemetry::{peak_bytes, resident_bytes};

/// Train a model and evaluate it on held-out rows
///
/// Without --type: two distinct target values make a binary model; text, or whole numbers with at most
/// 20 distinct values on at least 5 rows each, a multiclass model; other numbers a regression.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// CSV file, plain or compressed with gzip or zstd, or Parquet; `-` is standard input
    data: PathBuf,
    /// The column to predict; that of the model with --from
    #[arg(long, value_name = "COL", required_unless_present = "from")]
    target: Option<String>,
    /// The question: binary, multiclass or regression
    #[arg(long = "type", value_name = "TYPE")]
    task: Option<Task>,
    /// Types of the columns (Amazon ML schema JSON) in place of proposed ones
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// What to learn from (recipe JSON) in place of the suggested recipe
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
    /// A model trained on earlier data to go on from
    ///
    /// Its schema and recipe are taken unless others are given, its penalty in place of a new search, and its weights to
    /// begin with: the same kind of model for new data, in a fraction of the time.
    #[arg(long, value_name = "MODEL.yosoku")]
    from: Option<PathBuf>,
    /// Percentage of rows to hold out for evaluation; 0 trains on every row and evaluates nothing
    #[arg(long, value_name = "PERCENT", default_value_t = 30.0)]
    holdout: f64,
    /// Seed of the split
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How rows are held out: random, sequential, stratified, group:COL or time:COL
    ///
    /// random          rows do not depend on each other: the usual case
    /// stratified      a class is rare: each class keeps its share
    /// stratified:COL  the same for the values of another column
    /// group:COL       several rows belong to one customer, patient or place:
    ///                 rows of one value are never on both sides
    /// time:COL        the model is to predict what comes later: the latest rows
    ///                 are held out, by numbers or dates such as 2024-05-31,
    ///                 or dates as the schema's dateFormat says
    /// sequential      the last rows of the file are held out
    #[arg(long, value_name = "HOW", default_value = "random", verbatim_doc_comment)]
    split: SplitBy,
    /// The label whose probability is the score of a binary model. If not given: the one that says yes, else the greater of
    /// two numbers, else the rarer one
    #[arg(long, value_name = "LABEL")]
    positive: Option<String>,
    /// After the evaluation, fit again on all rows
    #[arg(long)]
    refit: bool,
    /// The column that says how much each row counts: numbers of 0 or more; it is not learned from
    #[arg(long, value_name = "COL")]
    weight: Option<String>,
    /// A parameter of the learner: l1, l2, max_iterations, max_passes, max_classes,
    /// max_features, or one of Amazon ML's, such as sgd.maxPasses
    ///
    /// l1              strength of the penalty on absolute values; leaves weights at 0
    /// l2              strength of the penalty on squares; chosen if neither is given
    /// max_iterations  most iterations
    /// max_passes      most passes over the data to find the weights
    /// max_classes     most classes
    /// max_features    most features
    /// class_weights   balanced, or {"yes": 5}: how much the rows of each class count
    /// prior_correction  false: leave scores as class weights make them
    /// sgd.l1RegularizationAmount, sgd.l2RegularizationAmount, sgd.maxPasses,
    /// sgd.maxMLModelSizeInBytes, sgd.shuffleType: see docs/parameters.md
    #[arg(long = "param", value_name = "KEY=VALUE", verbatim_doc_comment)]
    params: Vec<String>,
    /// Threads to use; the model does not depend on it
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Memory that the program may take, such as 4GiB; the model does not depend on it. Training rows
    /// that do not fit go to disk and are read again for each pass; weights have to fit. Also
    /// YOSOKU_MEMORY [default: half of the machine's, or of the container's]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    memory: Option<u64>,
    /// Folder on a disk for those rows; the file in it has no name and is gone however the program
    /// ends. Also YOSOKU_SPILL [default: the system's for temporary files]
    #[arg(long, value_name = "DIR")]
    spill: Option<PathBuf>,
    /// Time for finding the weights, such as 10m; the best so far are kept then
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    time_budget: Option<Duration>,
    /// Where to write the model [default: the data's name with .yosoku]
    #[arg(long, value_name = "MODEL.yosoku")]
    out: Option<PathBuf>,
    /// Whether the first line names the columns
    #[arg(long, value_enum, default_value_t)]
    header: Header,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), CliError> {
    Split::check_holdout(args.holdout).map_err(|error| CliError::Usage(format!("--holdout: {error}")))?;
    if args.threads == Some(0) {
        return Err(CliError::Usage(
            "--threads 0 is not possible; give 1 or more".into(),
        ));
    }
    let out = args.out.clone().unwrap_or_else(|| default_out(&args.data));
    if args.json && out == Path::new("-") {
        return Err(CliError::Usage(
            "--json and --out - would mix two documents; write the model to a file".into(),
        ));
    }
    let inputs = std::iter::once(&args.data).chain(&args.from);
    let inputs: Vec<&Path> = inputs.map(PathBuf::as_path).collect();
    check_output(&out, &inputs)?;
    let table = FileTable::open(&args.data, args.header)?;
    let request = request(args)?;
    let done = on_threads(args.threads, || work(args, &table, &request))??;
    write_whole(&out, |file| {
        file.write_all(&done.bundle.encode())
            .map_err(|error| CliError::file("writing", &out, &error))
    })?;
    tell(args.json, &out, &done)
}

/// Runs `work` on so many threads, or on all.
pub fn on_threads<T: Send>(threads: Option<usize>, work: impl FnOnce() -> T + Send) -> Result<T, CliError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.unwrap_or(0))
        .build();
    Ok(pool
        .map_err(|error| CliError::Failure(format!("starting threads: {error}")))?
        .install(work))
}

fn request(args: &Args) -> Result<TrainRequest, CliError> {
    let mut params = BTreeMap::new();
    for param in &args.params {
        let Some((key, value)) = param.split_once('=') else {
            return Err(CliError::Usage(format!("--param `{param}` is not KEY=VALUE")));
        };
        let before = params.insert(key.trim().to_string(), value.trim().to_string());
        if before.is_some() {
            return Err(CliError::Usage(format!("--param {} is given twice", key.trim())));
        }
    }
    if let Some(column) = &args.weight
        && params.insert("row_weight".to_string(), column.clone()).is_some()
    {
        return Err(CliError::Usage(
            "--weight and --param row_weight name the column of weights both; give one of them".into(),
        ));
    }
    let invalid = |code: &str, message: String| CliError::Invalid {
        code: code.into(),
        message,
    };
    let recipe = match &args.recipe {
        Some(path) => {
            Some(Recipe::from_json(&read_text(path)?).map_err(|e| invalid(e.code(), e.to_string()))?)
        }
        None => None,
    };
    let earlier = args.from.as_deref().map(read_bundle).transpose()?.map(Arc::new);
    let of_earlier = earlier
        .as_ref()
        .and_then(|bundle| bundle.document.schema.target.clone());
    Ok(TrainRequest {
        schema: args.schema.as_deref().map(read_schema).transpose()?,
        schema_settles_task: args.schema.is_some(),
        target: TargetWish {
            name: args.target.clone().or(of_earlier).unwrap_or_default(),
            task: args.task,
            positive: args.positive.clone(),
            max_classes: None,
        },
        recipe,
        split: training_part(args),
        params: LearnParams::from_map(&params).map_err(|e| invalid(e.code(), e.to_string()))?,
        memory: limits(args.memory, args.spill.clone())?,
        // It is worked out while the rows are learned from.
        data_sha256: String::new(),
        earlier,
    })
}

/// What training may take of memory, by flags, environment and machine.
pub fn limits(memory: Option<u64>, spill: Option<PathBuf>) -> Result<Option<Memory>, CliError> {
    let is_told = memory.is_some();
    let (budget, spill) =
        training(memory, spill, &process_environment).map_err(|error| CliError::Usage(error.to_string()))?;
    let usage = || {
        Some(Usage {
            now: resident_bytes()?,
            peak: peak_bytes()?,
        })
    };
    Ok(budget.map(|budget| Memory {
        budget,
        program: Program::Measured(usage),
        disk: Some(Arc::new(Folder::new(spill))),
        is_told,
    }))
}

/// The rows to learn from.
fn training_part(args: &Args) -> Split {
    args.split.part(Split::training(args.holdout, args.seed))
}

fn work(args: &Args, table: &FileTable, request: &TrainRequest) -> Result<Done, CliError> {
    let mut progress = Progress::new(args.json, args.time_budget);
    let failed = AtomicBool::new(false);
    let learn = || {
        let trained = train(table, request, &mut progress);
        failed.store(trained.is_err(), Ordering::Relaxed);
        trained
    };
    let (trained, data_sha256) = rayon::join(learn, || table.sha256_until(&failed));
    let (mut trained, data_sha256) = (trained?, data_sha256?);
    trained
        .bundle
        .document
        .training
        .data_sha256
        .clone_from(&data_sha256);
    let evaluation = if args.holdout > 0.0 {
        let predictor = Predictor::new(&trained.bundle)?;
        let held_out = training_part(args).others();
        Some(evaluate_part(
            &predictor,
            &trained.bundle.document.training,
            table,
            (&held_out, &trained.part.others()),
            &mut progress,
        )?)
    } else {
        None
    };
    if args.refit {
        trained = refit(table, request, &trained, &mut progress)?;
        trained.bundle.document.training.data_sha256 = data_sha256;
    }
    let mut bundle = trained.bundle.clone();
    progress.leave();
    let memory = progress.memory();
    let seconds = progress.finish();
    bundle.provenance = Provenance {
        source: args.data.display().to_string(),
        created_at: rfc3339(SystemClock.now_micros()),
        seconds: seconds.clone(),
        evaluation: evaluation.as_ref().map(|evaluation| evaluation.report.clone()),
        recipes: trained.recipes.clone(),
        reason: trained.reason.clone(),
        warnings: trained.warnings.clone(),
        memory,
        weights: bundle.provenance.weights.take(),
    };
    Ok(Done {
        bundle,
        evaluation,
        trained,
        seconds,
    })
}

/// Fits on all rows, with the schema, recipe and question of the model that was evaluated.
fn refit(
    table: &FileTable,
    request: &TrainRequest,
    evaluated: &Trained,
    observer: &mut dyn Observer,
) -> Result<Trained, CliError> {
    let document = &evaluated.bundle.document;
    let memory = request.memory.as_ref();
    let unpenalised = (document.solver.l2 == 0.0 && document.solver.l1.is_none()).then_some(0.0);
    let request = TrainRequest {
        schema: Some(document.schema.clone()),
        schema_settles_task: true,
        recipe: Some(document.recipe.clone()),
        split: Split::all(),
        params: LearnParams {
            l2: request.params.l2.or(unpenalised),
            ..request.params.clone()
        },
        // What the first training left in the program is used again.
        memory: memory.map(|memory| memory.with_program(evaluated.memory.as_ref())),
        ..request.clone()
    };
    let mut again = train(table, &request, observer)?;
    again.bundle.document.training.refit = true;
    again.recipes.clone_from(&evaluated.recipes);
    again.reason.clone_from(&evaluated.reason);
    Ok(again)
}

fn default_out(data: &Path) -> PathBuf {
    let name = data.file_name().and_then(|name| name.to_str()).unwrap_or("model");
    let stem = name
        .split('.')
        .next()
        .filter(|stem| !stem.is_empty() && *stem != "-")
        .unwrap_or("model");
    PathBuf::from(format!("{stem}.yosoku"))
}
