//! Names of object store settings: a misspelled one would be passed over without a word.

use super::error::Fault;
use crate::model::nearest;

/// Settings that the Delta library reads beside those of the object store.
const OF_DELTA: [&str; 18] = [
    "allow_unsafe_rename",
    "aws_ec2_metadata_disabled",
    "aws_ec2_metadata_timeout",
    "aws_force_credential_load",
    "aws_iam_role_arn",
    "aws_iam_role_session_name",
    "aws_profile",
    "aws_s3_addressing_style",
    "aws_s3_allow_unsafe_rename",
    "aws_s3_assume_role_arn",
    "aws_s3_get_internal_server_error_retries",
    "aws_s3_pool_idle_timeout_seconds",
    "aws_s3_role_session_name",
    "aws_sts_pool_idle_timeout_seconds",
    "concurrency_limit",
    "max_retries",
    "object_store_concurrency_limit",
    "retry_timeout",
];

/// Names to offer in place of a misspelled one: those of the settings that people use.
const OFFERED: [&str; 52] = [
    "allow_http",
    "allow_invalid_certificates",
    "aws_access_key_id",
    "aws_allow_http",
    "aws_bucket",
    "aws_checksum_algorithm",
    "aws_conditional_put",
    "aws_container_credentials_full_uri",
    "aws_container_credentials_relative_uri",
    "aws_default_region",
    "aws_disable_tagging",
    "aws_endpoint",
    "aws_endpoint_url",
    "aws_endpoint_url_s3",
    "aws_endpoint_url_sts",
    "aws_imdsv1_fallback",
    "aws_metadata_endpoint",
    "aws_region",
    "aws_request_payer",
    "aws_role_arn",
    "aws_role_session_name",
    "aws_s3_express",
    "aws_secret_access_key",
    "aws_server_side_encryption",
    "aws_session_token",
    "aws_skip_signature",
    "aws_sse_kms_key_id",
    "aws_unsigned_payload",
    "aws_virtual_hosted_style_request",
    "aws_web_identity_token_file",
    "azure_client_id",
    "azure_client_secret",
    "azure_container_name",
    "azure_endpoint",
    "azure_federated_token_file",
    "azure_msi_endpoint",
    "azure_storage_account_key",
    "azure_storage_account_name",
    "azure_storage_sas_key",
    "azure_storage_token",
    "azure_tenant_id",
    "azure_use_azure_cli",
    "connect_timeout",
    "google_application_credentials",
    "google_bucket",
    "google_service_account",
    "google_service_account_key",
    "google_skip_signature",
    "proxy_ca_certificate",
    "proxy_url",
    "timeout",
    "user_agent",
];

/// Refuses the name of a setting that no store knows. The settings of a command line go to all
/// stores, so a name of any of them is fine.
pub(super) fn check(name: &str) -> Result<(), Fault> {
    if is_known(name) {
        return Ok(());
    }
    let lower = name.to_lowercase();
    let setting = without_reference(&lower);
    let cure = match nearest(setting, OFFERED.into_iter().chain(OF_DELTA)) {
        Some(near) => {
            let ending = lower.strip_prefix(setting).unwrap_or_default();
            format!("did you mean `{near}{ending}`?")
        }
        None => "the names are those of the `object_store` library, such as aws_region, \
                 azure_storage_account_name or google_service_account"
            .to_owned(),
    };
    Err(Fault::new(
        format!("no object store has a setting `{name}`"),
        cure,
    ))
}

fn is_known(name: &str) -> bool {
    let name = name.to_lowercase();
    is_setting(&name) || is_setting(without_reference(&name))
}

/// The setting whose value a variable or file holds.
fn without_reference(name: &str) -> &str {
    name.strip_suffix("_env")
        .or_else(|| name.strip_suffix("_file"))
        .unwrap_or(name)
}

fn is_setting(name: &str) -> bool {
    is_of_cloud(name) || OF_DELTA.contains(&name) || name.starts_with("backoff")
}

/// Whether a store of a cloud that this build knows has the setting.
fn is_of_cloud(name: &str) -> bool {
    #[cfg(feature = "aws")]
    if name.parse::<object_store::aws::AmazonS3ConfigKey>().is_ok() {
        return true;
    }
    #[cfg(feature = "azure")]
    if name.parse::<object_store::azure::AzureConfigKey>().is_ok() {
        return true;
    }
    #[cfg(feature = "gcp")]
    if name.parse::<object_store::gcp::GoogleConfigKey>().is_ok() {
        return true;
    }
    let _ = name;
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cure(name: &str) -> String {
        check(name).map_or_else(|fault| fault.cure, |()| "known".to_owned())
    }

    #[test]
    fn every_name_that_is_offered_exists() {
        for name in OFFERED {
            assert!(is_setting(name), "{name}");
        }
    }

    #[test]
    fn names_of_every_store_and_references_to_secrets_pass() {
        for name in [
            "aws_region",
            "AWS_REGION",
            "region",
            "aws_secret_access_key_env",
            "azure_storage_account_key_file",
            "google_application_credentials",
            "aws_web_identity_token_file",
            "allow_http",
            "aws_profile",
            "max_retries",
        ] {
            assert_eq!(cure(name), "known", "{name}");
        }
    }

    #[test]
    fn a_misspelled_name_is_refused_with_the_right_one() {
        for (name, meant) in [
            ("aws_acces_key_id", "`aws_access_key_id`"),
            ("aws_secret_acces_key_env", "`aws_secret_access_key_env`"),
            ("aws_regoin", "`aws_region`"),
            ("azure_storage_acount_name", "`azure_storage_account_name`"),
            ("gogle_service_account", "`google_service_account`"),
            ("aws_endpont", "`aws_endpoint`"),
        ] {
            let told = cure(name);
            assert!(told.contains(meant), "{name}: {told}");
        }
        assert!(cure("colour").contains("aws_region"));
    }
}
