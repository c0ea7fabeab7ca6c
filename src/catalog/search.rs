//! Searches among entities: one variable to filter and order by.

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::{Catalog, CatalogError, rows};
use crate::domain::entity::Entity;
use crate::domain::ids::EntityKind;
use crate::domain::listing::{Page, Position};
use crate::domain::search::{Comparison, Operand, Search, Variable};

/// Parameters before those of the comparisons.
const FIXED: usize = 5;

impl Catalog {
    /// One page of the entities of `kind` that `search` finds.
    pub async fn entity_search(
        &self,
        kind: EntityKind,
        search: &Search,
    ) -> Result<Page<Entity>, CatalogError> {
        let scope = format!("search {}", kind.as_str());
        let position = search.position(&scope)?;
        let sql = statement(search);
        let place = position.as_ref();
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .bind(kind.as_str())
            .bind(i64::from(place.is_some()));
        query = match search.by.is_time() {
            true => query.bind(place.map_or(0, |place| place.time)),
            false => query.bind(place.map_or("", |place| place.text.as_str())),
        };
        query = query
            .bind(place.map_or("", |place| place.id.as_str()))
            .bind(i64::try_from(search.limit.saturating_add(1)).unwrap_or(i64::MAX));
        for (_, operand) in &search.tests {
            query = match operand {
                Operand::Time(millis) => query.bind(*millis),
                Operand::Text(text) => query.bind(text.as_str()),
            };
        }
        let found = query.fetch_all(&self.pool).await?;
        let found = found.iter().map(|row| placed(row, search.by));
        Ok(search.page(&scope, found.collect::<Result<Vec<_>, CatalogError>>()?))
    }
}

fn statement(search: &Search) -> String {
    let key = expression(search.by);
    let (beyond, order) = match search.descending {
        true => ("<", "DESC"),
        false => (">", "ASC"),
    };
    let deleted = match search.sees_deleted() {
        true => "",
        false => " AND status <> 'DELETED'",
    };
    let tests: String = (FIXED + 1..)
        .zip(&search.tests)
        .map(|(number, (comparison, _))| format!(" AND {}", test(key, *comparison, number)))
        .collect();
    format!(
        "SELECT {}, {key} AS place FROM entities WHERE kind = $1{deleted}{tests}
         AND ($2 = 0 OR {key} {beyond} $3 OR ({key} = $3 AND id > $4))
         ORDER BY {key} {order}, id ASC LIMIT $5",
        rows::ENTITY
    )
}

/// What entities are compared by. Times count in milliseconds, as they are told.
fn expression(by: Variable) -> &'static str {
    match by {
        Variable::CreatedAt => "(created_at / 1000)",
        Variable::UpdatedAt => "(updated_at / 1000)",
        Variable::Status => "status",
        Variable::Name => "name",
        Variable::Owner => "owner",
        Variable::Location => "location",
        Variable::Task => "UPPER(task)",
        Variable::Endpoint => "(CASE WHEN endpoint = '' THEN 'NONE' ELSE endpoint END)",
        Variable::DataSource => {
            "COALESCE((SELECT d.needs_id FROM dependencies d WHERE d.kind = entities.kind
                AND d.id = entities.id AND d.needs_kind = 'datasource'), '')"
        }
        Variable::Model => {
            "COALESCE((SELECT d.needs_id FROM dependencies d WHERE d.kind = entities.kind
                AND d.id = entities.id AND d.needs_kind = 'model'), '')"
        }
    }
}

fn test(key: &str, comparison: Comparison, number: usize) -> String {
    let sign = match comparison {
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::Greater => ">",
        Comparison::NotLess => ">=",
        Comparison::Less => "<",
        Comparison::NotGreater => "<=",
        // Equality of a cut-off text, because LIKE ignores case on one database only.
        Comparison::Prefix => return format!("substr({key}, 1, length(${number})) = ${number}"),
    };
    format!("{key} {sign} ${number}")
}

fn placed(row: &AnyRow, by: Variable) -> Result<(Entity, Position), CatalogError> {
    let entity = rows::entity(row)?;
    let (time, text) = match by.is_time() {
        true => (row.try_get("place")?, String::new()),
        false => (0, row.try_get("place")?),
    };
    let id = entity.id.to_string();
    Ok((entity, Position { time, text, id }))
}
