//! What a server does now and then beside answering: stores what was used, and settles endpoints that nobody else will.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::service::Service;

/// How often what was used is stored.
const METERED: Duration = Duration::from_secs(5);

/// How often endpoints are looked for that are still being made ready.
const SETTLED: Duration = Duration::from_secs(30);

/// Does what is due until `stop` is cancelled, and then stores what is left.
pub(super) async fn run(service: Service, stop: CancellationToken) {
    tokio::join!(meter(&service, &stop), settle(&service, &stop));
}

async fn meter(service: &Service, stop: &CancellationToken) {
    while stop
        .run_until_cancelled(tokio::time::sleep(METERED))
        .await
        .is_some()
    {
        service.usage_store().await;
    }
    service.usage_store().await;
}

/// Begins at once: whoever was making them ready when this program was last stopped is no more.
async fn settle(service: &Service, stop: &CancellationToken) {
    let work = async {
        loop {
            service.endpoints_settle().await;
            tokio::time::sleep(SETTLED).await;
        }
    };
    stop.run_until_cancelled(work).await;
}
