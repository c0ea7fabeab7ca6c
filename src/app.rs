//! The composition root: opens the stores, puts service, jobs and server together, and ends them in
//! order.

mod buckets;
mod chores;
mod front;
mod outside;

pub use front::Front;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use axum::Router;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::blob::Blobs;
use crate::catalog::Catalog;
use crate::clock::{Clock, SystemClock};
use crate::config::{ServeConfig, StoreConfig, WorkConfig};
use crate::domain::ids::EntityKind;
use crate::domain::job::ClaimedJob;
use crate::domain::spec::Produced;
use crate::http;
use crate::http::auth::Access;
use crate::http::health::{Check, Readiness};
use crate::http::layers::Limits;
use crate::http::serve::{Stop, serve, serve_socket};
use crate::jobs::Handler;
use crate::jobs::context::JobContext;
use crate::jobs::runner::{JobError, JobHandler, Runner, RunnerOptions};
use crate::ml::pipeline::Memory;
use crate::ml::pipeline::memory::{ORDINARY_PROGRAM, Program};
use crate::service::{self, Service};
use crate::spill::Folder;
use crate::telemetry::Metrics;

/// The database of an embedded installation, below its home.
const DATABASE: &str = "yosoku.db";
/// Folders below the home that users may look into.
const FOLDERS: [&str; 3] = ["datasets", "models", "predictions"];

/// An opened installation.
pub struct App {
    catalog: Catalog,
    service: Service,
    runner: Option<Runner>,
    metrics: Arc<Metrics>,
    config: ServeConfig,
}

impl App {
    /// Opens the stores of `config`, and makes what is not there yet. Files already below the home are
    /// kept.
    pub async fn open(config: ServeConfig) -> Result<Self> {
        let home = &config.store.home;
        make_home(home)?;
        let catalog = opened(&config.store).await?;
        let blobs = Blobs::open_local(home)
            .await
            .with_context(|| format!("opening the files in `{}`", home.display()))?;
        let blobs = buckets::mapped(blobs, &config.store.connections).context("opening the buckets")?;
        let databases = outside::databases(&config.store.connections, config.work.workers > 0)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let abandoned = catalog.job_abandon(blobs.dead_processes(), clock.now_micros());
        let abandoned = abandoned
            .await
            .context("taking jobs over from processes that died")?;
        if abandoned > 0 {
            tracing::info!(jobs = abandoned, "taking jobs over from processes that died");
        }
        let metrics = Arc::new(Metrics::new());
        let runner = match config.work.workers {
            0 => None,
            _ => {
                let handler = Handler {
                    blobs: blobs.clone(),
                    databases: databases.clone(),
                    clock: clock.clone(),
                    memory: memory(&config.work),
                    memory_in_use: crate::telemetry::metrics::resident_bytes,
                };
                Some(runner(&catalog, handler, &metrics, &config.work))
            }
        };
        let parts = service::Parts {
            catalog: catalog.clone(),
            blobs,
            databases,
            clock,
            limits: service::limits::Limits::default(),
        };
        Ok(Self {
            catalog,
            service: Service::new(parts),
            runner,
            metrics,
            config,
        })
    }

    /// Serves HTTP on `front` and does jobs until `stop` is cancelled.
    pub async fn serve(self, front: Front, stop: CancellationToken) -> Result<()> {
        let address = front.address()?;
        let Front {
            listener,
            s3,
            socket,
            access,
            encryption,
        } = front;
        let http = &self.config.http;
        let ending = Stop {
            requested: stop,
            grace: http.stop_grace,
            drain: http.stop_drain,
            ..Stop::default()
        };
        let (router, door) = self.routers(access, address, &ending)?;
        // Jobs go on until the last answer is given, and are then given back.
        let jobs_stop = CancellationToken::new();
        let jobs = tokio::spawn(run_jobs(self.runner.clone(), jobs_stop.clone()));
        let chores = tokio::spawn(chores::run(self.service.clone(), jobs_stop.clone()));
        let by_socket = async {
            match socket {
                Some(socket) => serve_socket(socket, router.clone(), ending.clone()).await,
                None => Ok(()),
            }
        };
        let by_s3 = async {
            match s3 {
                Some(listener) => serve(listener, door, encryption.clone(), ending.clone()).await,
                None => Ok(()),
            }
        };
        let by_port = serve(listener, router.clone(), encryption.clone(), ending.clone());
        let served = tokio::try_join!(by_port, by_socket, by_s3);
        jobs_stop.cancel();
        jobs.await.context("ending the jobs")?;
        chores.await.context("ending the chores")?;
        self.catalog.close().await;
        served.map(|_| ()).context("serving")
    }

    /// What is answered at the listeners, and at the S3 door.
    fn routers(&self, access: Access, listening: SocketAddr, ending: &Stop) -> Result<(Router, Router)> {
        let http = &self.config.http;
        let home = &self.config.store.home;
        let links = http::links::Links::open(home)
            .with_context(|| format!("reading the secret of links in `{}`", home.display()))?;
        let links = Arc::new(links);
        let parts = http::Parts {
            rest: http::rest::routes(
                self.service.clone(),
                ending.requested.clone(),
                self.metrics.clone(),
            ),
            protocols: http::protocols::routes(
                self.service.clone(),
                self.metrics.clone(),
                http.model.as_deref(),
            ),
            linked: http::links::routes(self.service.clone(), links.clone()),
            amazon: http::aws_json::routes(
                self.service.clone(),
                self.metrics.clone(),
                links,
                http::aws_json::address::Reached {
                    scheme: match http.tls.is_some() || http.behind_proxy {
                        true => "https",
                        false => "http",
                    },
                    listening,
                },
            ),
            access,
            limits: Limits {
                upload: http.upload_limit,
                timeout: http.request_timeout,
                requests: http.max_requests,
                ..Limits::default()
            },
            metrics: self.metrics.clone(),
            readiness: Arc::new(Ready(self.service.clone())),
            stop: ending.clone(),
        };
        if let Access::Open = &parts.access {
            tracing::info!(
                "there are no keys: whoever is on this machine may ask, whatever requests are signed with"
            );
        }
        let door = http::s3::router(http::s3::Parts {
            service: self.service.clone(),
            access: parts.access.clone(),
            limits: parts.limits,
            metrics: self.metrics.clone(),
            open: ending.open.clone(),
            patience: http::s3::PATIENCE,
        });
        Ok((http::router(parts), door))
    }

    /// Does jobs, without HTTP, until `stop` is cancelled.
    pub async fn work(self, stop: CancellationToken) -> Result<()> {
        run_jobs(self.runner, stop).await;
        self.catalog.close().await;
        Ok(())
    }
}

async fn opened(store: &StoreConfig) -> Result<Catalog> {
    let home = &store.home;
    match &store.database_url {
        Some(url) => Catalog::open(url.expose()).await.context("opening the catalogue"),
        None => Catalog::open_sqlite(&home.join(DATABASE))
            .await
            .with_context(|| format!("opening the catalogue in `{}`", home.display())),
    }
}

/// The catalogue of an installation, for those who only want to know something; none if there is no installation.
pub async fn catalog(store: &StoreConfig) -> Result<Option<Catalog>> {
    match store.database_url.is_none() && !store.home.join(DATABASE).is_file() {
        true => Ok(None),
        false => opened(store).await.map(Some),
    }
}

fn make_home(home: &Path) -> Result<()> {
    // A path through a file would only be told as "Not a directory", of a folder that nobody has named.
    if let Some(file) = home.ancestors().find(|path| path.is_file()) {
        bail!(
            "the home `{}` cannot be a folder: `{}` is a file; name another folder with `--home`",
            home.display(),
            file.display()
        );
    }
    for folder in FOLDERS {
        let path = home.join(folder);
        std::fs::create_dir_all(&path).with_context(|| format!("making the folder `{}`", path.display()))?;
    }
    Ok(())
}

/// What each job may take of memory.
fn memory(work: &WorkConfig) -> Option<Memory> {
    let budget = work.memory?;
    Some(Memory {
        // Jobs know nothing of each other, so each has its share of what the program itself leaves.
        budget: budget.saturating_sub(ORDINARY_PROGRAM) / work.workers.max(1) as u64
            + ORDINARY_PROGRAM.min(budget),
        program: Program::Known(ORDINARY_PROGRAM),
        disk: Some(Arc::new(
            Folder::new(work.spill.clone()).called("the server's folder for them"),
        )),
        is_told: true,
    })
}

fn runner(catalog: &Catalog, handler: Handler, metrics: &Arc<Metrics>, work: &WorkConfig) -> Runner {
    let clock = handler.clock.clone();
    // The name that says, once its lock is free, that whoever held these jobs is dead.
    let worker = handler.blobs.process().clone();
    let measured = Measured {
        handler,
        metrics: metrics.clone(),
    };
    let options = RunnerOptions {
        concurrency: work.workers,
        ..RunnerOptions::default()
    };
    Runner::new(catalog.clone(), clock, Arc::new(measured), worker, options)
}

async fn run_jobs(runner: Option<Runner>, stop: CancellationToken) {
    match runner {
        Some(runner) => runner.run(stop).await,
        None => stop.cancelled().await,
    }
}

struct Ready(Service);

impl Readiness for Ready {
    fn checks(&self) -> BoxFuture<'_, Vec<Check>> {
        let checks = async {
            self.0
                .ready()
                .await
                .into_iter()
                .map(|(name, ok)| Check { name, ok })
                .collect()
        };
        checks.boxed()
    }
}

/// Does jobs and counts how they end.
struct Measured {
    handler: Handler,
    metrics: Arc<Metrics>,
}

impl JobHandler for Measured {
    fn run(&self, job: &ClaimedJob, context: &JobContext) -> Result<Produced, JobError> {
        let begun = Instant::now();
        let ended = self.handler.run(job, context);
        let outcome = match &ended {
            Ok(_) => "completed",
            Err(JobError::Failed(_)) => "failed",
            Err(JobError::Retry(_)) => "retried",
            Err(JobError::Stopped) => "stopped",
        };
        if let Ok(Produced::BatchPrediction(batch)) = &ended
            && let Some(model) = job.input(EntityKind::Model)
        {
            let scored = batch.rows.saturating_sub(batch.invalid_rows);
            self.metrics.model(model.id.as_str()).batch(scored);
        }
        self.metrics.job(job.kind.as_str(), outcome, begun.elapsed());
        ended
    }

    fn discard(&self, job: &ClaimedJob) {
        self.handler.discard(job);
    }

    fn ended(&self, job: &ClaimedJob) {
        self.handler.ended(job);
    }
}
