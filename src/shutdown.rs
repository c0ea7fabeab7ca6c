//! How the process ends: the first SIGTERM or SIGINT asks it to stop, the second makes it.
//!
//! The order, driven by `app`: readiness goes false and waits and event streams end (both watch
//! the token), a configured grace passes, the server stops accepting and drains, the runner's own
//! token is cancelled so that jobs give their leases back, and the pools are closed last.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Listens for signals from now on; the token is cancelled by the first one. A second one ends the
/// process at once with 128 plus its number. Must be called inside the async runtime.
pub fn on_signals() -> io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let asked = token.clone();
    tokio::spawn(async move {
        let name = next(&mut terminate, &mut interrupt).await.0;
        tracing::info!(signal = name, "stopping; a second signal stops at once");
        asked.cancel();
        let (name, code) = next(&mut terminate, &mut interrupt).await;
        tracing::warn!(signal = name, "stopped at once");
        std::process::exit(code);
    });
    Ok(token)
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) -> (&'static str, i32) {
    tokio::select! {
        _ = terminate.recv() => ("SIGTERM", 143),
        _ = interrupt.recv() => ("SIGINT", 130),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn the_first_signal_cancels_the_token() {
        let token = on_signals().unwrap();
        assert!(!token.is_cancelled());
        let sent = Command::new("kill")
            .args(["-TERM", &std::process::id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
        tokio::time::timeout(Duration::from_secs(5), token.cancelled())
            .await
            .unwrap();
    }
}
