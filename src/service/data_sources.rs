//! Data sources: which rows of which dataset, files or query, with which types.

use super::answers::Created;
use super::creation::{Wanted, random};
use super::error::{Error, FieldProblem};
use super::requests::{NewDataSource, NewQuery};
use super::{Service, check};
use crate::blob::key;
use crate::domain::ids::{EntityKind, random_text};
use crate::domain::location::Location;
use crate::domain::query::{QuerySpec, check_name, check_sql};
use crate::domain::secret::Secret;
use crate::domain::spec::DataSourceSpec;

impl Service {
    /// Stores a data source together with the job that profiles it. The dataset's current version is
    /// pinned; schema, split and target are checked as far as that needs no data.
    pub async fn data_source_create(&self, request: NewDataSource) -> Result<Created, Error> {
        let wanted = Wanted::new(
            EntityKind::DataSource,
            request.id.as_deref(),
            &request,
            &request.asked,
        )?;
        if let Some(entity) = self.repeated_on(&wanted, &request.asked).await? {
            return Ok(Created { entity, fresh: false });
        }
        let name = check::name(request.name.as_ref())?;
        let known = check::schema(request.schema.as_ref())?;
        check::target(request.target.as_ref(), known.as_ref())?;
        check::split(request.split.as_ref(), known.as_ref(), request.target.as_ref())?;
        check::header(request.header.as_ref())?;
        one_origin(&request)?;
        let is_ours = request.asked.words.is_none();
        let (query, password) = match request.query {
            Some(query) => {
                let (query, password) = self.asked_of_database(query, is_ours)?;
                (Some(query), password)
            }
            None => (None, None),
        };
        // Uploads are pinned now, other files when they are first read: they may be large, or still on their way.
        let uploaded = match (&request.location, &query) {
            (Some(location), _) => location.upload(),
            (None, Some(_)) => None,
            (None, None) => Some(request.dataset.as_str()),
        };
        let dataset = match uploaded {
            Some(name) => Some(self.pinned("/dataset", name).await?),
            None => None,
        };
        let location = request.location.as_ref().filter(|_| dataset.is_none());
        self.allowed(location, query.as_ref())?;
        let place = match (&request.location, &query) {
            (Some(location), _) => location.to_string(),
            (None, Some(query)) => query
                .staging
                .as_ref()
                .map_or_else(String::new, Location::to_string),
            (None, None) => dataset
                .as_ref()
                .map_or_else(String::new, |pin| Location::of_upload(pin.name.as_str())),
        };
        let header = match dataset {
            Some(_) => request.header,
            None => Some(said_header(request.header, known.is_some())?),
        };
        let token = query
            .as_ref()
            .map(|query| query.token.clone())
            .unwrap_or_default();
        let spec = DataSourceSpec {
            location: request.location.filter(|_| dataset.is_none()),
            query,
            dataset,
            schema: request.schema,
            split: request.split,
            header,
            target: request.target,
            without_statistics: request.without_statistics,
        };
        let entity = wanted.entity(name, spec, self.now());
        // Before the job can begin.
        if let Some(password) = password
            && !self.0.databases.keep_password(&token, password)
        {
            return Err(Error::LimitExceeded {
                code: "limit_exceeded",
                message: "too many queries are waiting for their turn; repeat it in a while".to_owned(),
            });
        }
        let stored = self.stored(entity.made_by(request.asked.maker(), place)).await;
        if !stored.as_ref().is_ok_and(|created| created.fresh) {
            self.0.databases.forget_password(&token);
        }
        stored
    }

    /// Fails if nobody may read at the location, or write where the rows of the query are to be kept.
    fn allowed(&self, location: Option<&Location>, query: Option<&QuerySpec>) -> Result<(), Error> {
        if let Some(location) = location {
            self.0.blobs.allows(&key::located(location), false)?;
        }
        if let Some(folder) = query.and_then(|query| query.staging.as_ref()) {
            self.0.blobs.allows(&key::located(folder), true)?;
        }
        Ok(())
    }

    /// A query, checked as far as that needs no database, and the password that it needs. What is wrong with the
    /// connection is told now where the request `is_ours`; other protocols tell it when the query should run.
    fn asked_of_database(&self, new: NewQuery, is_ours: bool) -> Result<(QuerySpec, Option<Secret>), Error> {
        check_sql(&new.sql).map_err(|reason| Error::field("/query/sql", "invalid_query", reason))?;
        for (field, text) in [("database", &new.database), ("user", &new.user)] {
            if let Some(text) = text {
                let wrong = |reason| Error::field(format!("/query/{field}"), "invalid_value", reason);
                check_name(&format!("`{field}`"), text).map_err(wrong)?;
            }
        }
        if new
            .password
            .as_ref()
            .is_some_and(|password| password.expose().contains('\0'))
        {
            let message = "the password has a zero byte; no database takes it";
            return Err(Error::field("/query/password", "invalid_value", message));
        }
        let databases = &self.0.databases;
        if is_ours && !databases.has(&new.connection) {
            let names: Vec<&str> = databases.names().collect();
            let known = match names.is_empty() {
                true => "it knows none; its operator lists them in `connections.toml`".to_owned(),
                false => format!("it knows {}", names.join(", ")),
            };
            let named: String = new.connection.chars().take(80).collect();
            let message = format!("this server knows no connection `{named}`; {known}");
            return Err(Error::field("/query/connection", "database_unknown", message));
        }
        let needed = databases.asks_for_user(&new.connection);
        if is_ours && needed {
            let fields = [("user", new.user.is_none()), ("password", new.password.is_none())];
            let missing = fields.into_iter().filter(|(_, is_missing)| *is_missing);
            let problem = |(field, _)| {
                let message = format!(
                    "`{}` has no user of its own: give user and password",
                    new.connection
                );
                FieldProblem::new(format!("/query/{field}"), "missing_field", message)
            };
            check::all(missing.map(problem).collect())?;
        }
        if needed && !databases.asks_here() {
            let message = format!(
                "`{}` has no user of its own, and this server does no jobs: it cannot hand passwords on to those that do; \
                 have the operator put user and password into `connections.toml`",
                new.connection
            );
            return Err(Error::field("/query/password", "database_refused", message));
        }
        let password = new.password.filter(|_| needed);
        let query = QuerySpec {
            connection: new.connection,
            database: new.database,
            user: new.user,
            sql: new.sql,
            token: random_text(&random::<12>()?),
            staging: new.staging,
            types_decide: new.types_decide,
        };
        Ok((query, password))
    }
}

/// The rows come from one place.
fn one_origin(request: &NewDataSource) -> Result<(), Error> {
    let given = [
        !request.dataset.is_empty(),
        request.location.is_some(),
        request.query.is_some(),
    ];
    match given.iter().filter(|given| **given).count() {
        1 => Ok(()),
        0 => Err(Error::field(
            "/dataset",
            "missing_field",
            "no data are named; give one of dataset, location and query",
        )),
        _ => Err(Error::field(
            "/dataset",
            "invalid_value",
            "data are named more than once; give one of dataset, location and query",
        )),
    }
}

/// Whether the lines of files and queries begin with names, which is not guessed: yes unless it is said. Without names
/// a schema has to say what the columns are.
fn said_header(header: Option<String>, has_schema: bool) -> Result<String, Error> {
    match header.as_deref() {
        None => Ok("yes".to_owned()),
        Some("auto") => Err(Error::field(
            "/header",
            "invalid_value",
            "say whether the files begin with the names of the columns: yes or no; with no, give a schema",
        )),
        Some("no") if !has_schema => Err(Error::field(
            "/schema",
            "missing_field",
            "without a line of names a schema has to say what the columns are",
        )),
        Some(said) => Ok(said.to_owned()),
    }
}
