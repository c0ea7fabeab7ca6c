//! Buckets as the configuration has them → buckets as the files know them.

use std::error::Error;

use anyhow::{Result, anyhow};

use crate::blob::Blobs;
use crate::blob::bucket::{Credentials, Mapping, Mappings, Place, StorePlace};
use crate::config::buckets::{Bucket, BucketPlace, BucketStore, OTHERS};
use crate::config::connections::Connections;

/// The same files with buckets where `connections` say. Every bucket that cannot be used is told.
pub fn mapped(blobs: Blobs, connections: &Connections) -> Result<Blobs> {
    let mut mappings = Mappings::default();
    for (name, bucket) in &connections.buckets {
        match name.as_str() {
            OTHERS => mappings.others = Some(mapping(bucket)),
            _ => {
                mappings.named.insert(name.clone(), mapping(bucket));
            }
        }
    }
    blobs.with_buckets(&mappings).map_err(|errors| {
        let told: Vec<String> = errors.iter().map(|error| told(error)).collect();
        anyhow!(told.join("\n"))
    })
}

fn mapping(bucket: &Bucket) -> Mapping {
    Mapping {
        place: match &bucket.place {
            BucketPlace::Home => Place::Home,
            BucketPlace::Folder(folder) => Place::Folder(folder.clone()),
            BucketPlace::Store(store) => Place::Store(place(store)),
            BucketPlace::Refused => Place::Refused,
        },
        read_only: bucket.read_only,
    }
}

fn place(store: &BucketStore) -> StorePlace {
    StorePlace {
        bucket: store.bucket.clone(),
        prefix: store.prefix.clone(),
        endpoint: store.endpoint.clone(),
        region: store.region.clone(),
        path_style: store.path_style,
        credentials: store.keys.as_ref().map(|keys| Credentials {
            access_key: keys.access_key.expose().to_owned(),
            secret_key: keys.secret_key.expose().into(),
            session_token: keys.session_token.as_ref().map(|token| token.expose().into()),
        }),
    }
}

/// An error with its causes.
fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(one) = cause {
        text = format!("{text}: {one}");
        cause = one.source();
    }
    text
}
