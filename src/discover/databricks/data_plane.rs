//! The Spark UI of the data plane, where the job file asks for it.

use std::sync::Arc;

use super::{DataPlane, DatabricksSource, origin};
use crate::discover::history_server::{self, ServerPlace};
use crate::discover::{Cluster, DiscoverError, ExploreRequest, History};
use crate::http::{Auth, Client, ClientSettings, HttpSettings, Secret};
use crate::model::Platform;
use url::Url;

/// The cookie that the data plane asks for.
const COOKIE: &str = "DATAPLANE_DOMAIN_DBAUTH";

/// The applications of one SparkContext of a cluster.
pub(super) async fn applications(
    plane: &DataPlane,
    source: &DatabricksSource,
    cluster: &Cluster,
    context: &str,
    request: &ExploreRequest,
) -> Result<Vec<History>, DiscoverError> {
    let base = base(plane, &cluster.id, context);
    let client = client(plane, source, base.clone())?;
    let place = ServerPlace {
        platform: Platform::Databricks,
        cluster_id: cluster.id.clone(),
        cluster_name: cluster.name.clone(),
        uri_prefix: format!("{base}api/v1"),
    };
    history_server::applications(
        &client,
        &place,
        &request.window,
        request.include_running,
        request.max_applications,
    )
    .await
}

/// A client for the UI of one SparkContext.
pub(super) fn client(
    plane: &DataPlane,
    source: &DatabricksSource,
    base: Url,
) -> Result<Arc<Client>, DiscoverError> {
    let http = HttpSettings {
        auth: Auth::None,
        cookies: Some(cookie(&plane.cookie)),
        ..source.http.clone()
    };
    let client = Client::new(ClientSettings::with(base.clone(), http)).map_err(|source| {
        DiscoverError::Http {
            uri: base.to_string(),
            source,
        }
    })?;
    Ok(Arc::new(client))
}

/// The folder that holds `api/v1`.
pub(super) fn base(plane: &DataPlane, cluster_id: &str, context: &str) -> Url {
    let mut base = origin(&plane.url);
    if let Ok(mut segments) = base.path_segments_mut() {
        let driver = format!("driver-{context}");
        segments
            .clear()
            .extend(["sparkui", cluster_id, driver.as_str(), ""]);
    }
    base
}

/// People copy the value, or the whole pair.
fn cookie(given: &Secret) -> Secret {
    let given = given.expose().trim();
    if given.contains(&format!("{COOKIE}=")) {
        Secret::new(given)
    } else {
        Secret::new(format!("{COOKIE}={given}"))
    }
}
