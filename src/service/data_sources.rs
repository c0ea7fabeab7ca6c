//! Data sources: which rows of which dataset, with which types.

use super::answers::Created;
use super::creation::Wanted;
use super::error::Error;
use super::requests::NewDataSource;
use super::{Service, check};
use crate::domain::ids::EntityKind;
use crate::domain::spec::DataSourceSpec;

impl Service {
    /// Stores a data source together with the job that profiles it. The dataset's current version is
    /// pinned; schema, split and target are checked as far as that needs no data.
    pub async fn data_source_create(&self, request: NewDataSource) -> Result<Created, Error> {
        let wanted = Wanted::new(EntityKind::DataSource, request.id.as_deref(), &request)?;
        if let Some(entity) = self.repeated(&wanted).await? {
            return Ok(Created { entity, fresh: false });
        }
        let NewDataSource {
            id: _,
            name,
            dataset,
            target,
            schema,
            split,
            header,
        } = request;
        let name = check::name(name.as_ref())?;
        let known = check::schema(schema.as_ref())?;
        check::target(target.as_ref(), known.as_ref())?;
        check::split(split.as_ref(), known.as_ref(), target.as_ref())?;
        check::header(header.as_ref())?;
        let spec = DataSourceSpec {
            dataset: self.pinned("/dataset", &dataset).await?,
            schema,
            split,
            header,
            target,
        };
        self.stored(wanted.entity(name, spec, self.now())).await
    }
}
