//! The tables, as numbered steps that only go forward.
//!
//! `{text}` becomes a text column that sorts byte by byte on both databases. A step that has been
//! released is never edited; a change is a new step.

use sqlx::{AssertSqlSafe, Executor, Row};

use super::{Backend, Catalog, CatalogError};

const STEPS: [&[&str]; 5] = [
    &[
        "CREATE TABLE entities (
        kind {text} NOT NULL,
        id {text} NOT NULL,
        owner {text} NOT NULL,
        status {text} NOT NULL,
        name {text} NOT NULL,
        created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL,
        revision BIGINT NOT NULL,
        cancel_requested BIGINT NOT NULL,
        progress TEXT NOT NULL,
        dataset_name {text} NOT NULL,
        dataset_version {text} NOT NULL,
        document TEXT NOT NULL,
        PRIMARY KEY (kind, id))",
        "CREATE INDEX entities_by_time ON entities (kind, created_at, id)",
        "CREATE INDEX entities_by_name ON entities (kind, name, id)",
        "CREATE INDEX entities_by_dataset ON entities (dataset_name)",
        "CREATE TABLE dependencies (
        kind {text} NOT NULL,
        id {text} NOT NULL,
        needs_kind {text} NOT NULL,
        needs_id {text} NOT NULL,
        PRIMARY KEY (kind, id, needs_kind, needs_id),
        FOREIGN KEY (kind, id) REFERENCES entities (kind, id))",
        "CREATE INDEX dependencies_by_need ON dependencies (needs_kind, needs_id)",
        "CREATE TABLE jobs (
        id {text} PRIMARY KEY,
        kind {text} NOT NULL,
        entity_kind {text} NOT NULL,
        entity_id {text} NOT NULL,
        state {text} NOT NULL,
        attempts BIGINT NOT NULL,
        claims BIGINT NOT NULL,
        run_after BIGINT NOT NULL,
        worker {text} NOT NULL,
        lease_until BIGINT NOT NULL,
        last_error TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL,
        FOREIGN KEY (entity_kind, entity_id) REFERENCES entities (kind, id))",
        "CREATE INDEX jobs_by_state ON jobs (state, run_after, id)",
        "CREATE INDEX jobs_by_entity ON jobs (entity_kind, entity_id)",
        "CREATE TABLE dataset_versions (
        name {text} NOT NULL,
        version {text} NOT NULL,
        size_bytes BIGINT NOT NULL,
        blob {text} NOT NULL,
        media TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        PRIMARY KEY (name, version))",
        "CREATE TABLE datasets (
        name {text} PRIMARY KEY,
        owner {text} NOT NULL,
        version {text} NOT NULL,
        created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL,
        FOREIGN KEY (name, version) REFERENCES dataset_versions (name, version))",
    ],
    &["CREATE TABLE families (
        name {text} PRIMARY KEY,
        created_at BIGINT NOT NULL,
        updated_at BIGINT NOT NULL,
        revision BIGINT NOT NULL,
        document TEXT NOT NULL)"],
    &[
        "ALTER TABLE entities ADD COLUMN location {text} NOT NULL DEFAULT ''",
        "ALTER TABLE entities ADD COLUMN task {text} NOT NULL DEFAULT ''",
        "ALTER TABLE entities ADD COLUMN endpoint {text} NOT NULL DEFAULT ''",
        "UPDATE entities SET location = 's3://uploads/' || dataset_name WHERE dataset_name <> ''",
        "UPDATE entities SET location = (SELECT s.location FROM dependencies d
            JOIN entities s ON s.kind = d.needs_kind AND s.id = d.needs_id
            WHERE d.kind = entities.kind AND d.id = entities.id AND d.needs_kind = 'datasource')
        WHERE location = '' AND EXISTS (SELECT 1 FROM dependencies d
            WHERE d.kind = entities.kind AND d.id = entities.id AND d.needs_kind = 'datasource')",
        // What a text holds is escaped there, so that it cannot look like a member.
        "UPDATE entities SET task = 'binary' WHERE kind = 'model' AND document LIKE '%\"task\":\"binary\"%'",
        "UPDATE entities SET task = 'multiclass' WHERE kind = 'model' AND document LIKE '%\"task\":\"multiclass\"%'",
        "UPDATE entities SET task = 'regression' WHERE kind = 'model' AND document LIKE '%\"task\":\"regression\"%'",
        "CREATE TABLE tags (
        kind {text} NOT NULL,
        id {text} NOT NULL,
        name {text} NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (kind, id, name),
        FOREIGN KEY (kind, id) REFERENCES entities (kind, id))",
    ],
    &["CREATE TABLE used (
        day {text} NOT NULL,
        model {text} NOT NULL,
        owner {text} NOT NULL,
        compute_ms BIGINT NOT NULL,
        batch BIGINT NOT NULL,
        realtime BIGINT NOT NULL,
        PRIMARY KEY (day, model, owner))"],
    &[
        "ALTER TABLE jobs ADD COLUMN begun_at BIGINT NOT NULL DEFAULT 0",
        "ALTER TABLE jobs ADD COLUMN worked BIGINT NOT NULL DEFAULT 0",
        // A primary key is not changed in the same words on both databases.
        "CREATE TABLE used_by_key (
        day {text} NOT NULL,
        model {text} NOT NULL,
        owner {text} NOT NULL,
        key_id {text} NOT NULL,
        compute_ms BIGINT NOT NULL,
        batch BIGINT NOT NULL,
        realtime BIGINT NOT NULL,
        PRIMARY KEY (day, model, owner, key_id))",
        "INSERT INTO used_by_key (day, model, owner, key_id, compute_ms, batch, realtime)
        SELECT day, model, owner, '', compute_ms, batch, realtime FROM used",
        "DROP TABLE used",
    ],
];

impl Catalog {
    /// Applies the steps that the database has not seen, all or none.
    pub(super) async fn migrate(&self) -> Result<(), CatalogError> {
        let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
        let mut tx = self.begin().await?;
        let text = match self.backend {
            Backend::Sqlite => "TEXT",
            Backend::Postgres => {
                // Two servers may start at once; the second waits here and then finds the tables made.
                tx.execute("SELECT pg_advisory_xact_lock(7961886317)").await?;
                "TEXT COLLATE \"C\""
            }
        };
        tx.execute("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")
            .await?;
        let row = sqlx::query("SELECT version FROM schema_version")
            .fetch_optional(&mut *tx)
            .await?;
        let found: i64 = row.map_or(Ok(0), |r| r.try_get("version"))?;
        if found > known {
            return Err(CatalogError::SchemaTooNew { found, known });
        }
        if found == known {
            return Ok(tx.rollback().await?);
        }
        for step in &STEPS[usize::try_from(found).unwrap_or(0)..] {
            for statement in *step {
                tx.execute(AssertSqlSafe(statement.replace("{text}", text)))
                    .await?;
            }
        }
        tx.execute("DELETE FROM schema_version").await?;
        sqlx::query("INSERT INTO schema_version (version) VALUES ($1)")
            .bind(known)
            .execute(&mut *tx)
            .await?;
        self.commit(tx).await
    }
}
