//! Credentials by name: what another process needs to open the same store, without a secret.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::error::UnitError;
use crate::config::{ConfigError, Environment, StorageOptions};
#[cfg(feature = "emr")]
use crate::discover::aws::{self, AwsSettings};

/// What errors about options of an order name as their place.
const GIVEN_BY: &str = "--order";

/// How a store is opened: settings as they stand in a job file, secrets by the name of the variable
/// or file that holds them. What is not said here comes from the environment of whoever opens it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// Settings by the names of `object_store`; `<name>_env` and `<name>_file` refer to secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    /// Where the AWS SDK finds the credentials, where object stores cannot find them by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws: Option<AwsAccess>,
}

/// How the AWS SDK is told whose credentials to use. Names, no keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AwsAccess {
    /// Region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Profile of `~/.aws/config`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Address of every service instead of AWS's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_url: Option<String>,
    /// Addresses of single services.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub endpoint_urls: BTreeMap<String, String>,
    /// Role to assume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assume_role_arn: Option<String>,
    /// External id that the role asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

impl Credentials {
    /// Credentials with these options.
    #[must_use]
    pub fn of(options: &StorageOptions) -> Self {
        Self {
            options: options.references(),
            aws: None,
        }
    }

    /// Refuses a secret that is written down.
    ///
    /// # Errors
    /// One of the options is a secret itself.
    pub fn check(&self) -> Result<(), ConfigError> {
        StorageOptions::of_references(&self.options, GIVEN_BY).map(|_| ())
    }

    /// The options of an object store, with the secrets in them.
    ///
    /// # Errors
    /// A variable or file that is named is not there, or AWS gives no credentials.
    pub async fn resolve(
        &self,
        environment: &Environment,
    ) -> Result<HashMap<String, String>, UnitError> {
        let options = StorageOptions::of_references(&self.options, GIVEN_BY)?;
        let options = options.resolve(environment)?;
        let Some(access) = &self.aws else {
            return Ok(options);
        };
        access.add_to(options).await
    }
}

impl AwsAccess {
    #[cfg(not(feature = "emr"))]
    async fn add_to(
        &self,
        _options: HashMap<String, String>,
    ) -> Result<HashMap<String, String>, UnitError> {
        Err(UnitError::Different {
            what: "platforms (cargo feature emr)",
        })
    }

    /// Adds the credentials that only the AWS SDK finds.
    #[cfg(feature = "emr")]
    async fn add_to(
        &self,
        options: HashMap<String, String>,
    ) -> Result<HashMap<String, String>, UnitError> {
        let settings = self.settings();
        let config = aws::sdk_config(&settings).await;
        Ok(aws::storage_options(&settings, &config, &options).await?)
    }

    #[cfg(feature = "emr")]
    fn settings(&self) -> AwsSettings {
        AwsSettings {
            region: self.region.clone(),
            profile: self.profile.clone(),
            endpoint_url: self.endpoint_url.clone(),
            endpoint_urls: self.endpoint_urls.clone(),
            assume_role_arn: self.assume_role_arn.clone(),
            external_id: self.external_id.clone(),
            ..AwsSettings::default()
        }
    }
}
