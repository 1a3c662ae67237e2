//! The histories of a cluster's applications: event logs in S3 where it writes them there, else what
//! EMR's History Server for the cluster tells.

use std::sync::Arc;

use tokio::time::sleep;

use super::account::Emr;
use super::api::Step;
use super::persistent_ui::{PersistentUi, poll_interval};
use super::setup::Setup;
use super::source::stricter;
use super::{clusters, command_line};
use crate::discover::aws::time;
use crate::discover::history_server::{self, ServerPlace};
use crate::discover::{Cluster, DiscoverError, Exploration, ExploreRequest, History, Window};
use crate::http::{Client, ClientSettings};
use crate::model::Platform;

const APPLICATIONS: &str = "applications";
const PERSISTENT_UI: &str = "persistent_ui";
/// Looks at a History Server that knows no application yet, though there should be one: it reads the
/// logs after it has started.
const LOOKS: u32 = 4;

impl Emr {
    pub(super) async fn explore_histories(
        &self,
        exploration: &mut Exploration,
        setup: &Setup,
        steps: &[Step],
        request: &ExploreRequest,
    ) {
        if let Some(reason) = no_applications(&exploration.cluster, setup) {
            exploration.skipped(APPLICATIONS, reason);
            return;
        }
        if !setup.event_log_folders.is_empty() {
            let is_complete = self
                .explore_event_logs(exploration, setup, steps, request)
                .await;
            // EMR's copy stands in for logs that cannot be read.
            if is_complete {
                return;
            }
        }
        if let Some(reason) = self.no_persistent_ui() {
            exploration.skipped(PERSISTENT_UI, reason);
            return;
        }
        if setup.is_persistent_ui_disabled {
            let error = disabled(&exploration.cluster);
            exploration.failed(PERSISTENT_UI, error);
            return;
        }
        self.ask_history_server(exploration, steps, request).await;
    }

    fn no_persistent_ui(&self) -> Option<&'static str> {
        (!self.source.persistent_ui).then_some(
            "event logs are not in S3, and the source does not want EMR's History Server",
        )
    }

    async fn ask_history_server(
        &self,
        exploration: &mut Exploration,
        steps: &[Step],
        request: &ExploreRequest,
    ) {
        let client = match self.history_server(&exploration.cluster).await {
            Ok(client) => client,
            Err(error) => {
                exploration.failed(PERSISTENT_UI, error);
                return;
            }
        };
        exploration.found(PERSISTENT_UI, 1);
        let cluster = &exploration.cluster;
        match self.applications(&client, cluster, steps, request).await {
            Ok(histories) => {
                exploration.found(APPLICATIONS, histories.len());
                exploration.histories.extend(histories);
            }
            Err(error) => exploration.failed(APPLICATIONS, error),
        }
    }

    /// A client with a session of the cluster's History Server.
    async fn history_server(&self, cluster: &Cluster) -> Result<Arc<Client>, DiscoverError> {
        let source = &self.source;
        let (ui, base) = PersistentUi::open(
            &self.api.emr,
            cluster,
            source.execution_role_arn.clone(),
            source.persistent_ui_timeout,
        )
        .await?;
        let mut settings = ClientSettings::with(base, source.http.clone());
        settings.login = Some(Arc::new(ui));
        let client = Client::new(settings).map_err(|source| DiscoverError::Http {
            uri: cluster.uri.clone(),
            source,
        })?;
        Ok(Arc::new(client))
    }

    async fn applications(
        &self,
        client: &Arc<Client>,
        cluster: &Cluster,
        steps: &[Step],
        request: &ExploreRequest,
    ) -> Result<Vec<History>, DiscoverError> {
        let place = ServerPlace {
            platform: Platform::Emr,
            cluster_id: cluster.id.clone(),
            cluster_name: cluster.name.clone(),
            // The server's host is another one each time.
            uri_prefix: cluster.uri.clone(),
        };
        // What a cluster left running when it ended will never end.
        let include_running = request.include_running || clusters::has_ended(cluster);
        let limit = stricter(request.max_applications, self.source.max_applications);
        let expects_some = steps.iter().any(|step| ended_within(step, &request.window));
        for _ in 1..LOOKS {
            let found = history_server::applications(
                client,
                &place,
                &request.window,
                include_running,
                limit,
            )
            .await?;
            if !found.is_empty() || !expects_some {
                return Ok(found);
            }
            sleep(poll_interval(self.source.persistent_ui_timeout)).await;
        }
        history_server::applications(client, &place, &request.window, include_running, limit).await
    }
}

/// Why the cluster cannot have a history of Spark.
fn no_applications(cluster: &Cluster, setup: &Setup) -> Option<String> {
    if setup.has_spark == Some(false) {
        let installed = setup.applications.join(", ");
        return Some(format!(
            "Spark is not installed on the cluster ({installed})"
        ));
    }
    if setup.has_spark.is_some() && cluster.ready_at.is_none() {
        if clusters::has_ended(cluster) {
            return Some("the cluster ended before it was ready".to_owned());
        }
        if !clusters::is_running(cluster) {
            return Some("the cluster is not ready yet".to_owned());
        }
    }
    setup
        .is_event_log_off
        .then(|| "spark.eventLog.enabled is false: Spark keeps no history".to_owned())
}

fn disabled(cluster: &Cluster) -> DiscoverError {
    DiscoverError::Platform {
        uri: cluster.uri.clone(),
        call: "elasticmapreduce:CreatePersistentAppUI".to_owned(),
        code: "PERSISTENT_UI_DISABLED".to_owned(),
        message: "event logs are not in S3, and the cluster's monitoring configuration disables \
                  persistent-ui-logs"
            .to_owned(),
        cure:
            "set spark.eventLog.dir to a folder in S3, or persistent-ui-logs to emr-managed; the \
               history of this cluster is lost when it ends"
                .to_owned(),
        retryable: false,
    }
}

/// Whether a step ran Spark to its end within the window, so that its application should be listed.
fn ended_within(step: &Step, window: &Window) -> bool {
    let timeline = step
        .summary
        .status
        .as_ref()
        .and_then(|status| status.timeline.as_ref());
    let end = timeline
        .and_then(|timeline| timeline.end_date_time.as_ref())
        .and_then(time);
    let has_applications = !step.application_ids.is_empty();
    has_applications && command_line::is_spark(step) && end.is_some_and(|end| window.contains(end))
}
