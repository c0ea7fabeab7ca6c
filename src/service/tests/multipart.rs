//! Files that arrive in parts: what happens when two do something to one of them at once.

use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use futures_util::{FutureExt, Stream};

use super::*;
use crate::domain::location::Location;
use crate::service::multipart::{Judge, Named, Promise, Sums};

/// A body of one piece.
struct Sent(Option<Bytes>);

impl Stream for Sent {
    type Item = Result<Bytes, Error>;
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}

impl Promise for Sent {
    fn sums(&self) -> Sums {
        Sums::new()
    }
}

/// Does something when all bytes have been copied, before there is a file.
struct Then<F>(F);

impl<F: FnMut() + Send + 'static> Judge for Then<F> {
    fn see(&mut self, _: &Bytes) {}
    fn judge(&mut self) -> Result<(), Error> {
        (self.0)();
        Ok(())
    }
}

fn at() -> Location {
    Location::new("s3://shop/x").unwrap()
}

/// A place with a bucket; returns the bucket's folder.
async fn opened() -> (Place, std::path::PathBuf) {
    let place = Place::new().await;
    let folders = place._home.path().join("datasets");
    std::fs::create_dir(&folders).unwrap();
    place.service.bucket_make("shop").await.unwrap();
    (place, folders.join("shop"))
}

/// An upload of one part, and the part as it is named.
async fn begun(place: &Place) -> (String, Vec<Named>) {
    let id = place.service.multipart_begin(&at()).await.unwrap();
    let body = Sent(Some(Bytes::from_static(b"part")));
    let at = at();
    let part = place.service.multipart_part((&id, &at), 1, body, 100);
    let named = Named {
        number: 1,
        tag: Some(part.await.unwrap().tag.clone()),
        sums: Sums::new(),
    };
    (id, vec![named])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_given_up_while_it_is_copied_becomes_no_file() {
    let (place, folder) = opened().await;
    let (id, wanted) = begun(&place).await;
    let (service, given_up) = (place.service.clone(), id.clone());
    let judge = Then(move || {
        let done = service.multipart_abort(&given_up, &at()).now_or_never();
        done.unwrap().unwrap();
    });
    let made = place.service.multipart_complete(&id, &at(), wanted, 100, judge);
    let error = made.unwrap().await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::NotFound {
                kind: "multipart upload",
                ..
            }
        ),
        "{error}"
    );
    assert!(!folder.join("x").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_finish_a_file_at_once_get_the_same() {
    let (place, folder) = opened().await;
    let (id, wanted) = begun(&place).await;
    let copies = Arc::new(Mutex::new(0));
    let complete = |wanted: Vec<Named>| {
        let copies = copies.clone();
        let judge = Then(move || *copies.lock().unwrap() += 1);
        place.service.multipart_complete(&id, &at(), wanted, 100, judge)
    };
    let (first, second) = tokio::join!(
        complete(wanted.clone()).unwrap(),
        complete(wanted.clone()).unwrap()
    );
    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(*copies.lock().unwrap(), 1);
    assert_eq!(std::fs::read(folder.join("x")).unwrap(), b"part");
    // Another list is not what was finished.
    let other = vec![Named {
        number: 1,
        ..Named::default()
    }];
    let error = complete(other).err().unwrap();
    assert_eq!(error.code(), "invalid_part");
    // What has gone since is no success.
    place.service.object_delete(&at()).await.unwrap();
    let error = complete(wanted).unwrap().await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::NotFound {
                kind: "multipart upload",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn one_copy_too_many_is_refused_and_may_be_asked_for_again() {
    let (place, folder) = opened().await;
    let (id, wanted) = begun(&place).await;
    let complete = || {
        let made = place
            .service
            .multipart_complete(&id, &at(), wanted.clone(), 100, Then(|| ()));
        made.unwrap()
    };
    let held: Vec<_> = std::iter::from_fn(|| place.service.0.unfinished.copy().ok()).collect();
    assert_eq!(complete().await.unwrap_err().code(), "overloaded");
    assert!(!folder.join("x").exists());
    drop(held);
    complete().await.unwrap();
    assert!(folder.join("x").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_goes_while_a_file_arrives_does_not_come_back() {
    let (place, folder) = opened().await;
    let (id, wanted) = begun(&place).await;
    let gone = folder.clone();
    let judge = Then(move || std::fs::remove_dir(&gone).unwrap());
    let made = place.service.multipart_complete(&id, &at(), wanted, 100, judge);
    let error = made.unwrap().await.unwrap_err();
    assert!(matches!(error, Error::NotFound { kind: "bucket", .. }), "{error}");
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_folder_that_cannot_be_removed_is_told() {
    let (place, bucket) = opened().await;
    let folder = Location::new("s3://shop/round/x/").unwrap();
    place.service.object_delete(&folder).await.unwrap();
    // The system cannot even look there, which is not to be taken for a folder that has gone.
    std::os::unix::fs::symlink("round", bucket.join("round")).unwrap();
    assert!(place.service.object_delete(&folder).await.is_err());
    assert!(
        place
            .service
            .object(&folder)
            .await
            .is_err_and(|error| !matches!(error, Error::NotFound { .. }))
    );
}
