//! Answers to health checks: whether a process lives, and whether it can work.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::ClusterError;

/// Why a process cannot work right now, if so.
pub(super) trait Readiness:
    Fn() -> Result<(), &'static str> + Send + Sync + 'static
{
}

impl<F: Fn() -> Result<(), &'static str> + Send + Sync + 'static> Readiness for F {}

/// `/healthz` and `/readyz`.
pub(super) fn health_routes(readiness: impl Readiness) -> Router {
    let readiness = Arc::new(readiness);
    let ready = move || {
        let readiness = readiness();
        async move {
            match readiness {
                Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
                Err(problem) => (StatusCode::SERVICE_UNAVAILABLE, format!("{problem}\n")),
            }
        }
    };
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
}

/// Answers health checks at `address`, if there is one, until the result is dropped.
pub(super) async fn serve_health(
    address: Option<SocketAddr>,
    readiness: impl Readiness,
) -> Result<Option<AbortOnDrop>, ClusterError> {
    let Some(address) = address else {
        return Ok(None);
    };
    let cannot = |problem| ClusterError::Listen { address, problem };
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let listening = listener.local_addr().map_err(cannot)?;
    tracing::info!("readiness at http://{listening}/readyz");
    let served = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, health_routes(readiness)).await {
            tracing::error!("health is not answered any more: {error}");
        }
    });
    Ok(Some(AbortOnDrop(served)))
}

/// Ends a task.
pub(super) struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
