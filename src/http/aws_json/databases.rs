//! Data sources made from queries: to Redshift, which speaks the protocol of PostgreSQL, and to RDS, which is MySQL.

use serde_json::{Value, json};

use super::call::Call;
use super::data_sources::{given_schema, header, rearranged};
use super::error::Refusal;
use super::input::Input;
use super::output::Output;
use super::words::Words;
use crate::domain::entity::Entity;
use crate::domain::ids::EntityKind;
use crate::domain::query::check_sql;
use crate::domain::secret::Secret;
use crate::service::requests::{NewDataSource, NewQuery};

const ID: &str = "DataSourceId";

/// What one kind of database has of its own.
struct Kind {
    /// The member with the data.
    data: &'static str,
    /// The member of the database that names its server.
    server: &'static str,
    /// Characters of a password.
    password: (usize, usize),
    /// What the name of a database may be written with beside letters and digits.
    name: fn(char) -> bool,
    /// Texts that must be there and are of no use here, with their longest length.
    unused: &'static [(&'static str, usize)],
}

const REDSHIFT: Kind = Kind {
    data: "DataSpec",
    server: "ClusterIdentifier",
    password: (8, 64),
    name: |c| c.is_ascii_lowercase() || c.is_ascii_digit(),
    unused: &[],
};

const RDS: Kind = Kind {
    data: "RDSData",
    server: "InstanceIdentifier",
    password: (8, 128),
    name: |_| true,
    unused: &[("ResourceRole", 64), ("ServiceRole", 64), ("SubnetId", 255)],
};

pub(super) async fn create_from_redshift(call: &Call<'_>) -> Result<Value, Refusal> {
    create(call, &REDSHIFT).await
}

pub(super) async fn create_from_rds(call: &Call<'_>) -> Result<Value, Refusal> {
    let id = call.input.id(ID)?;
    if call.is_repeat(EntityKind::DataSource, &id).await? {
        return Ok(json!({ID: id}));
    }
    if let Ok(data) = call.input.object(RDS.data) {
        let groups = data.list("SecurityGroupIds", 100)?;
        if !groups
            .iter()
            .all(|group| group.as_str().is_some_and(|text| fits(text, 1, 255)))
        {
            return Err(Refusal::invalid(
                "`SecurityGroupIds` must have texts of 1 to 255 characters",
            ));
        }
    }
    create(call, &RDS).await
}

async fn create(call: &Call<'_>, kind: &Kind) -> Result<Value, Refusal> {
    let id = call.input.id(ID)?;
    if call.is_repeat(EntityKind::DataSource, &id).await? {
        return Ok(json!({ID: id}));
    }
    let name = call.input.name("DataSourceName")?;
    let data = call.input.object(kind.data)?;
    between(call.input, "RoleARN", 1, 110)?;
    let query = query(&data, kind)?;
    let schema = given_schema(call, &data, "DataSchemaUri").await?;
    let new = NewDataSource {
        id: Some(id.clone()),
        name,
        query: Some(query),
        // Without a schema there is nothing to know columns by but their names.
        header: Some(schema.as_ref().map_or("yes", |schema| header(schema)).to_owned()),
        schema,
        split: rearranged(&data)?,
        without_statistics: !call.input.flag("ComputeStatistics")?,
        asked: call.asked(),
        ..NewDataSource::default()
    };
    call.service.data_source_create(new).await?;
    Ok(json!({ID: id}))
}

/// The query in `data`, with everything checked that clients leave to the server.
fn query(data: &Input, kind: &Kind) -> Result<NewQuery, Refusal> {
    for (member, longest) in kind.unused {
        between(data, member, 1, *longest)?;
    }
    let database = data.object("DatabaseInformation")?;
    let credentials = data.object("DatabaseCredentials")?;
    let server = between(&database, kind.server, 1, 63)?;
    if !server
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    {
        return Err(Refusal::invalid(format!(
            "`{}` may have small letters, digits and `-`",
            kind.server
        )));
    }
    let name = between(&database, "DatabaseName", 1, 64)?;
    if !name.chars().all(kind.name) {
        return Err(Refusal::invalid(
            "`DatabaseName` may have small letters and digits",
        ));
    }
    let user = between(&credentials, "Username", 1, 128)?;
    let (shortest, longest) = kind.password;
    let password = between(&credentials, "Password", shortest, longest)?;
    let sql = data.required("SelectSqlQuery")?;
    check_sql(&sql).map_err(|reason| Refusal::invalid(format!("`SelectSqlQuery`: {reason}")))?;
    let Some(staging) = data.location("S3StagingLocation")? else {
        return Err(Refusal::missing("S3StagingLocation"));
    };
    if staging.upload().is_some() {
        return Err(Refusal::invalid(
            "`S3StagingLocation`: the bucket of uploads cannot be written to",
        ));
    }
    Ok(NewQuery {
        connection: server,
        database: Some(name),
        user: Some(user),
        password: Some(Secret::new(password)),
        sql,
        staging: Some(staging.folder()),
        types_decide: true,
    })
}

/// A text of so many characters that must be there.
fn between(input: &Input, member: &str, least: usize, most: usize) -> Result<String, Refusal> {
    let text = input.required(member)?;
    match fits(&text, least, most) {
        true => Ok(text),
        // The text itself may be a password.
        false => Err(Refusal::invalid(format!(
            "`{member}` has {} characters; it must have {least} to {most}",
            text.chars().count()
        ))),
    }
}

fn fits(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.chars().count())
}

/// Adds what is told of the query that a data source was made from; its text only where the answer is `verbose`.
pub(super) fn put_query(output: &mut Output, entity: &Entity, verbose: bool) {
    let words = Words::from(entity);
    let query = entity.data_source().and_then(|work| work.spec.query.as_ref());
    let sql = query.map(|query| &query.sql);
    for (kind, member, database) in [
        (&REDSHIFT, "RedshiftMetadata", "RedshiftDatabase"),
        (&RDS, "RDSMetadata", "Database"),
    ] {
        let at = |rest: &[&str]| words.value(&[&[kind.data], rest].concat()).cloned();
        let Some(information) = at(&["DatabaseInformation"]) else {
            continue;
        };
        let mut metadata = Output::default();
        metadata
            .put(database, information)
            .put("DatabaseUserName", at(&["DatabaseCredentials", "Username"]))
            .put("SelectSqlQuery", sql.filter(|_| verbose))
            .put("ResourceRole", at(&["ResourceRole"]))
            .put("ServiceRole", at(&["ServiceRole"]));
        output
            .put(member, metadata.whole())
            .put("RoleARN", words.value(&["RoleARN"]).cloned());
    }
}
