//! Lists of entities and datasets, page by page.

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::{Catalog, CatalogError, rows};
use crate::domain::dataset::Dataset;
use crate::domain::entity::Entity;
use crate::domain::ids::EntityKind;
use crate::domain::listing::{Listing, Page, SortKey};
use crate::domain::status::Status;

impl Catalog {
    /// One page of the entities of `kind`.
    pub async fn entity_list(
        &self,
        kind: EntityKind,
        listing: &Listing,
    ) -> Result<Page<Entity>, CatalogError> {
        // Equality of a cut-off name, because LIKE ignores case on one database only.
        let filter = "kind = $6
             AND (status = $7 OR ($7 = '' AND status <> 'DELETED'))
             AND substr(name, 1, length($8)) = $8
             AND ($10 = '' OR EXISTS (SELECT 1 FROM dependencies d WHERE d.kind = entities.kind
                 AND d.id = entities.id AND d.needs_kind = $9 AND d.needs_id = $10))";
        let (needs_kind, needs_id) = listing
            .depends_on
            .as_ref()
            .map_or(("", ""), |needs| (needs.kind.as_str(), needs.id.as_str()));
        let arguments = [
            kind.as_str(),
            listing.status.map_or("", Status::as_str),
            listing.name_prefix.as_deref().unwrap_or(""),
            needs_kind,
            needs_id,
        ];
        let from = Source {
            columns: rows::ENTITY,
            table: "entities",
            created_at: "created_at",
            name: "name",
            id: "id",
            filter,
        };
        let found = self.page_rows(kind.as_str(), listing, from, &arguments).await?;
        let entities: Vec<Entity> = found.iter().map(rows::entity).collect::<Result<_, _>>()?;
        Ok(listing.page(kind.as_str(), entities, |e| {
            listing.position_of(e.created_at, &e.name, e.id.as_str())
        }))
    }

    /// One page of the datasets; names are their identifiers, and they have no status.
    pub async fn dataset_list(&self, listing: &Listing) -> Result<Page<Dataset>, CatalogError> {
        let columns = format!("d.created_at AS first_at, d.updated_at, {}", rows::VERSION);
        let from = Source {
            columns: &columns,
            table: "datasets d JOIN dataset_versions v ON v.name = d.name AND v.version = d.version",
            created_at: "d.created_at",
            name: "d.name",
            id: "d.name",
            filter: "substr(d.name, 1, length($6)) = $6",
        };
        let prefix = listing.name_prefix.as_deref().unwrap_or("");
        let found = self.page_rows("datasets", listing, from, &[prefix]).await?;
        let datasets: Vec<Dataset> = found.iter().map(dataset).collect::<Result<_, _>>()?;
        Ok(listing.page("datasets", datasets, |d| {
            let name = d.current.name.as_str();
            listing.position_of(d.created_at, name, name)
        }))
    }

    /// The rows of a page and one more, which tells whether there is a next page.
    pub(super) async fn page_rows(
        &self,
        scope: &str,
        listing: &Listing,
        from: Source<'_>,
        arguments: &[&str],
    ) -> Result<Vec<AnyRow>, CatalogError> {
        let position = listing.position(scope)?;
        let (key, after) = match listing.sort.key {
            SortKey::CreatedAt => (from.created_at, "$2"),
            SortKey::Name => (from.name, "$3"),
            SortKey::Id => (from.id, "$3"),
        };
        let (beyond, order) = if listing.sort.descending {
            ("<", "DESC")
        } else {
            (">", "ASC")
        };
        let Source {
            columns,
            table,
            id,
            filter,
            name: _,
            created_at: _,
        } = from;
        let sql = format!(
            "SELECT {columns} FROM {table} WHERE {filter}
             AND ($1 = 0 OR {key} {beyond} {after} OR ({key} = {after} AND {id} > $4))
             ORDER BY {key} {order}, {id} ASC LIMIT $5"
        );
        let place = position.as_ref();
        let limit = i64::try_from(listing.limit() + 1).unwrap_or(i64::MAX);
        let mut query = sqlx::query(AssertSqlSafe(sql))
            .bind(i64::from(place.is_some()))
            .bind(place.map_or(0, |p| p.time))
            .bind(place.map_or("", |p| p.text.as_str()))
            .bind(place.map_or("", |p| p.id.as_str()))
            .bind(limit);
        for argument in arguments {
            query = query.bind(*argument);
        }
        Ok(query.fetch_all(&self.pool).await?)
    }
}

/// Where a list comes from.
pub(super) struct Source<'a> {
    pub(super) columns: &'a str,
    pub(super) table: &'a str,
    pub(super) created_at: &'a str,
    pub(super) name: &'a str,
    pub(super) id: &'a str,
    pub(super) filter: &'a str,
}

/// A dataset from a row with `first_at`, `updated_at` and the columns of its current version.
pub(super) fn dataset(row: &AnyRow) -> Result<Dataset, CatalogError> {
    Ok(Dataset {
        created_at: row.try_get("first_at")?,
        updated_at: row.try_get("updated_at")?,
        current: rows::dataset_version(row)?,
    })
}
