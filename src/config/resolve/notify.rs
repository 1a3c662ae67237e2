//! The section `notify`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use super::super::error::{ConfigError, Fault};
use super::super::job_file::{NotifySection, Severity};
use super::super::settings::{NotifySettings, SecretReference, SettingOverrides};
use super::{Resolver, positive};

/// Most findings that a notification lists, unless set.
const MAX_FINDINGS: NonZeroUsize = positive(20);
/// Longest time for one delivery, unless set.
const NOTIFY_TIMEOUT_SECONDS: NonZeroUsize = positive(30);

impl Resolver {
    pub(super) fn notify(
        &mut self,
        given: &SettingOverrides,
        file: NotifySection,
    ) -> Result<NotifySettings, ConfigError> {
        let metrics = self.optional(
            "notify",
            "metrics_file",
            &given.metrics_file,
            file.metrics_file,
        );
        let findings = self.optional(
            "notify",
            "findings_file",
            &given.findings_file,
            file.findings_file,
        );
        let webhook_url =
            self.secret("webhook_url", file.webhook_url_env, file.webhook_url_file)?;
        let severity = file.min_severity;
        let min_severity = self.value(
            "notify",
            "min_severity",
            &None,
            severity,
            Severity::default(),
        );
        let max_findings = self
            .value(
                "notify",
                "max_findings",
                &None,
                file.max_findings,
                MAX_FINDINGS,
            )
            .get();
        let lineage_file =
            self.optional("notify", "openlineage_file", &None, file.openlineage_file);
        let lineage_url = self.optional("notify", "openlineage_url", &None, file.openlineage_url);
        let openlineage_token = self.secret(
            "openlineage_token",
            file.openlineage_token_env,
            file.openlineage_token_file,
        )?;
        let openlineage_namespace = self.value(
            "notify",
            "openlineage_namespace",
            &None,
            file.openlineage_namespace,
            "sparklake".to_owned(),
        );
        let parent = file.openlineage_parent.filter(|parent| !parent.is_empty());
        let parent = self.optional("notify", "openlineage_parent", &None, parent);
        let timeout = file.timeout_seconds;
        let timeout = self
            .value(
                "notify",
                "timeout_seconds",
                &None,
                timeout,
                NOTIFY_TIMEOUT_SECONDS,
            )
            .get();
        Ok(NotifySettings {
            metrics_file: metrics.map(|file| file.value),
            findings_file: findings.map(|file| file.value),
            webhook_url,
            min_severity,
            max_findings,
            openlineage_file: lineage_file.map(|file| file.value),
            openlineage_url: lineage_url.map(|url| url.value),
            openlineage_token,
            openlineage_namespace,
            openlineage_parent: parent.map(|parent| parent.value),
            timeout: Duration::from_secs(u64::try_from(timeout).unwrap_or(u64::MAX)),
        })
    }

    /// A secret of section `notify`, by `<name>_env` or `<name>_file`.
    fn secret(
        &mut self,
        name: &'static str,
        variable: Option<String>,
        file: Option<PathBuf>,
    ) -> Result<Option<SecretReference>, ConfigError> {
        let variable = self.optional("notify", &format!("{name}_env"), &None, variable);
        let file = self.optional("notify", &format!("{name}_file"), &None, file);
        if let (Some(_), Some(file)) = (&variable, &file) {
            let problem = format!("`{name}_env` and `{name}_file` are both set");
            return Err(Fault::new(problem, "keep one of them").at(file.origin.clone()));
        }
        let origin = match (&variable, &file) {
            (Some(variable), _) => variable.origin.clone(),
            (None, Some(file)) => file.origin.clone(),
            (None, None) => return Ok(None),
        };
        Ok(Some(SecretReference {
            name,
            variable: variable.map(|variable| variable.value),
            file: file.map(|file| file.value),
            origin,
        }))
    }
}
