//! Data sources: which rows of which dataset, with which types.

use super::answers::Created;
use super::creation::Wanted;
use super::error::Error;
use super::requests::NewDataSource;
use super::{Service, check};
use crate::domain::ids::EntityKind;
use crate::domain::location::Location;
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
        if let Some(entity) = self.repeated(&wanted).await? {
            return Ok(Created { entity, fresh: false });
        }
        let NewDataSource {
            id: _,
            name,
            dataset,
            location,
            target,
            schema,
            split,
            header,
            without_statistics,
            asked,
        } = request;
        let name = check::name(name.as_ref())?;
        let known = check::schema(schema.as_ref())?;
        check::target(target.as_ref(), known.as_ref())?;
        check::split(split.as_ref(), known.as_ref(), target.as_ref())?;
        check::header(header.as_ref())?;
        // Uploads are pinned now, other files when they are first read: they may be large, or still on their way.
        let uploaded = location.as_ref().map_or(Some(dataset.as_str()), Location::upload);
        let dataset = match uploaded {
            Some(name) => Some(self.pinned("/dataset", name).await?),
            None => None,
        };
        let place = match &location {
            Some(location) => location.to_string(),
            None => dataset
                .as_ref()
                .map_or_else(String::new, |pin| Location::of_upload(pin.name.as_str())),
        };
        let spec = DataSourceSpec {
            location: location.filter(|_| dataset.is_none()),
            dataset,
            schema,
            split,
            header,
            target,
            without_statistics,
        };
        let entity = wanted.entity(name, spec, self.now());
        self.stored(entity.made_by(asked.maker(), place)).await
    }
}
