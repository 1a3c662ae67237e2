//! The History Server that EMR keeps for a cluster, also after its end: its persistent application
//! UI.
//!
//! It is created, becomes ready after a while, and is entered by a presigned address that sets the
//! cookies of a session. Sessions expire, and each new one takes a new address.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_emr::types::{EmrContainersConfig, PersistentAppUiType};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use url::Url;

use super::api::no_content;
use crate::discover::aws::call_error;
use crate::discover::{Cluster, DiscoverError};
use crate::http::{Login, LoginError, Secret, Session};

const CREATE: &str = "elasticmapreduce:CreatePersistentAppUI";
const DESCRIBE: &str = "elasticmapreduce:DescribePersistentAppUI";
const PRESIGN: &str = "elasticmapreduce:GetPersistentAppUIPresignedURL";
/// The calls that the server takes, by the names of their permissions.
pub(in crate::discover) const CALLS: [&str; 3] = [CREATE, DESCRIBE, PRESIGN];
/// What the server's state is called while it starts.
const STARTING: &str = "STARTING";
/// What it is called when it is ready.
const ATTACHED: &str = "ATTACHED";
/// The History Server's folder on its host.
const FOLDER: &str = "/shs/";
/// Longest wait between two looks.
const MAX_POLL: Duration = Duration::from_secs(10);
/// Looks within the time that the server has to become ready.
const POLLS: u32 = 18;

/// A cluster's History Server, or that of a job run of EMR on EKS.
pub(in crate::discover) struct PersistentUi {
    emr: aws_sdk_emr::Client,
    /// ARN of the cluster.
    cluster_uri: String,
    /// The job run, for EMR on EKS.
    job_run_id: Option<String>,
    execution_role_arn: Option<String>,
    timeout: Duration,
    state: Mutex<State>,
}

struct State {
    /// The server's id; it stays while the server does.
    id: String,
    /// A presigned address that was not used yet.
    unused: Option<Entrance>,
}

impl State {
    /// There is no server yet.
    fn new() -> Self {
        Self {
            id: String::new(),
            unused: None,
        }
    }
}

/// A way in, good for once.
struct Entrance {
    address: Secret,
    base: Url,
}

/// Without addresses: they let in whoever has them.
impl std::fmt::Debug for PersistentUi {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PersistentUi")
            .field("cluster", &self.cluster_uri)
            .finish_non_exhaustive()
    }
}

impl PersistentUi {
    /// Creates the server of a cluster and waits, for `timeout` at most, until it can be entered.
    /// Also gives its base.
    pub(super) async fn open(
        emr: &aws_sdk_emr::Client,
        cluster: &Cluster,
        execution_role_arn: Option<String>,
        timeout: Duration,
    ) -> Result<(Self, Url), DiscoverError> {
        Self {
            emr: emr.clone(),
            cluster_uri: cluster.uri.clone(),
            job_run_id: None,
            execution_role_arn,
            timeout,
            state: Mutex::new(State::new()),
        }
        .opened()
        .await
    }

    /// The same for a job run of EMR on EKS.
    pub(in crate::discover) async fn open_for_job_run(
        emr: &aws_sdk_emr::Client,
        virtual_cluster: &Cluster,
        job_run_id: &str,
        timeout: Duration,
    ) -> Result<(Self, Url), DiscoverError> {
        Self {
            emr: emr.clone(),
            cluster_uri: virtual_cluster.uri.clone(),
            job_run_id: Some(job_run_id.to_owned()),
            execution_role_arn: None,
            timeout,
            state: Mutex::new(State::new()),
        }
        .opened()
        .await
    }

    async fn opened(self) -> Result<(Self, Url), DiscoverError> {
        let mut ui = self;
        let deadline = Deadline::after(ui.timeout);
        let id = ui.create(&deadline).await?;
        let entrance = ui.entrance(&id, &deadline).await?;
        let base = entrance.base.clone();
        ui.state = Mutex::new(State {
            id,
            unused: Some(entrance),
        });
        Ok((ui, base))
    }

    /// Creates the server, or gets the one there is, and waits until it is attached.
    async fn create(&self, deadline: &Deadline) -> Result<String, DiscoverError> {
        let created = self
            .emr
            .create_persistent_app_ui()
            .target_resource_arn(&self.cluster_uri)
            .set_emr_containers_config(self.job_run_id.as_ref().map(|id| {
                let config = EmrContainersConfig::builder();
                config.job_run_id(id).build()
            }))
            .send()
            .await
            .map_err(|error| call_error(&self.cluster_uri, CREATE, &error))?;
        let id = created.persistent_app_ui_id.ok_or_else(|| {
            self.error(
                CREATE,
                "PERSISTENT_UI_NO_ID",
                "EMR created a History Server without telling its id".to_owned(),
                "run again later; if it stays, write event logs to S3 (spark.eventLog.dir)",
                true,
            )
        })?;
        self.wait_until_attached(&id, deadline).await?;
        Ok(id)
    }

    async fn wait_until_attached(
        &self,
        id: &str,
        deadline: &Deadline,
    ) -> Result<(), DiscoverError> {
        loop {
            let described = self
                .emr
                .describe_persistent_app_ui()
                .persistent_app_ui_id(id)
                .send()
                .await
                .map_err(|error| call_error(&self.cluster_uri, DESCRIBE, &error))?;
            let ui = described.persistent_app_ui.ok_or_else(|| {
                no_content(&self.cluster_uri, DESCRIBE, "the answer tells no state")
            })?;
            match ui.persistent_app_ui_status.as_deref() {
                Some(ATTACHED) => return Ok(()),
                Some(STARTING) | None => {}
                Some(state) => {
                    return Err(self.failed(state, ui.last_state_change_reason.as_deref()));
                }
            }
            if !deadline.wait().await {
                return Err(self.not_ready(DESCRIBE, "it still starts"));
            }
        }
    }

    /// A presigned address, as soon as there is one.
    async fn entrance(&self, id: &str, deadline: &Deadline) -> Result<Entrance, DiscoverError> {
        loop {
            let answer = self
                .emr
                .get_persistent_app_ui_presigned_url()
                .persistent_app_ui_id(id)
                .persistent_app_ui_type(PersistentAppUiType::Shs)
                .set_execution_role_arn(self.execution_role_arn.clone())
                .send()
                .await
                .map_err(|error| call_error(&self.cluster_uri, PRESIGN, &error))?;
            let is_ready = answer.presigned_url_ready != Some(false);
            let address = answer.presigned_url.filter(|address| !address.is_empty());
            if let Some(address) = address.filter(|_| is_ready) {
                return self.entrance_by(address);
            }
            if !deadline.wait().await {
                return Err(self.not_ready(PRESIGN, "its address is not ready"));
            }
        }
    }

    fn entrance_by(&self, address: String) -> Result<Entrance, DiscoverError> {
        let mut base = Url::parse(&address)
            .ok()
            .filter(Url::has_host)
            .ok_or_else(|| no_content(&self.cluster_uri, PRESIGN, "the address is none"))?;
        base.set_path(FOLDER);
        base.set_query(None);
        base.set_fragment(None);
        Ok(Entrance {
            address: Secret::new(address),
            base,
        })
    }

    fn failed(&self, state: &str, reason: Option<&str>) -> DiscoverError {
        let reason = reason.unwrap_or("no reason was given");
        self.error(
            DESCRIBE,
            "PERSISTENT_UI_FAILED",
            format!("the History Server of the cluster is {state}: {reason}"),
            "run again later; if it stays, write event logs to S3 (spark.eventLog.dir)",
            true,
        )
    }

    fn not_ready(&self, call: &str, what: &str) -> DiscoverError {
        let seconds = self.timeout.as_secs_f64();
        self.error(
            call,
            "PERSISTENT_UI_NOT_READY",
            format!("the History Server of the cluster was not ready within {seconds} s: {what}"),
            "run again, or raise persistent_ui_timeout_seconds",
            true,
        )
    }

    fn error(
        &self,
        call: &str,
        code: &str,
        message: String,
        cure: &str,
        retryable: bool,
    ) -> DiscoverError {
        DiscoverError::Platform {
            uri: self.cluster_uri.clone(),
            call: call.to_owned(),
            code: code.to_owned(),
            message,
            cure: cure.to_owned(),
            retryable,
        }
    }

    /// A new address; of a new server, where the old one is no more.
    async fn enter_again(&self, state: &mut State) -> Result<Entrance, DiscoverError> {
        let deadline = Deadline::after(self.timeout);
        match self.entrance(&state.id, &deadline).await {
            Err(error) if is_gone(&error) => {
                state.id = self.create(&deadline).await?;
                self.entrance(&state.id, &deadline).await
            }
            other => other,
        }
    }
}

#[async_trait]
impl Login for PersistentUi {
    async fn log_in(&self) -> Result<Session, LoginError> {
        let mut state = self.state.lock().await;
        let entrance = match state.unused.take() {
            Some(entrance) => entrance,
            None => self.enter_again(&mut state).await.map_err(login_error)?,
        };
        Ok(Session {
            visit: Some(entrance.address),
            base: Some(entrance.base),
            auth: None,
        })
    }
}

/// Whether EMR does not know the server any more.
fn is_gone(error: &DiscoverError) -> bool {
    matches!(error, DiscoverError::Platform { code, .. }
        if code.contains("InvalidRequest") || code.contains("NotFound"))
}

fn login_error(error: DiscoverError) -> LoginError {
    LoginError {
        code: error.code(),
        message: error.to_string(),
        retryable: error.is_retryable(),
    }
}

/// A time until which something is looked at again and again.
struct Deadline {
    end: Instant,
    poll: Duration,
}

impl Deadline {
    fn after(timeout: Duration) -> Self {
        Self {
            end: Instant::now() + timeout,
            poll: poll_interval(timeout),
        }
    }

    /// Waits until the next look; `false` when there is no time for one.
    async fn wait(&self) -> bool {
        if Instant::now() + self.poll > self.end {
            return false;
        }
        sleep(self.poll).await;
        true
    }
}

/// The wait between two looks.
pub(in crate::discover) fn poll_interval(timeout: Duration) -> Duration {
    (timeout / POLLS).clamp(Duration::from_millis(20), MAX_POLL)
}
