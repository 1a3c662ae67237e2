//! Addresses of AWS services in the place of AWS's own.

use url::Url;

use super::error::Fault;
use super::source_section::SourceSection;
use crate::model::{Platform, did_you_mean};

/// The services that a platform asks, by their names in host names.
fn services_of(kind: Platform) -> &'static [&'static str] {
    match kind {
        Platform::Emr => &["cloudwatch", "elasticmapreduce", "s3", "sts"],
        Platform::EmrServerless => &["emr-serverless", "s3", "sts"],
        Platform::EmrEks => &["elasticmapreduce", "emr-containers", "s3", "sts"],
        _ => &[],
    }
}

/// Checks the addresses of a source. Gives the key with its fault.
pub(super) fn check(section: &SourceSection) -> Result<(), (String, Fault)> {
    let services = services_of(section.kind);
    if let Some(url) = &section.aws_endpoint_url {
        let key = "aws_endpoint_url".to_owned();
        check_address(url).map_err(|fault| (key.clone(), fault))?;
        if let Some(service) = service_of(url, services) {
            let problem = format!("`{url}` is the endpoint of the service {service} only");
            let cure = format!("write aws_endpoint_urls = {{ {service} = \"{url}\" }}");
            return Err((key, Fault::new(problem, cure)));
        }
    }
    for (service, url) in &section.aws_endpoint_urls {
        let key = format!("aws_endpoint_urls.{service}");
        if !services.contains(&service.as_str()) {
            let kind = section.kind.as_str();
            let problem = format!("a source of kind {kind} does not ask a service `{service}`");
            let cure = did_you_mean(service, services.iter().copied());
            return Err((key, Fault::new(problem, cure)));
        }
        check_address(url).map_err(|fault| (key, fault))?;
    }
    Ok(())
}

fn check_address(text: &str) -> Result<(), Fault> {
    let is_address = Url::parse(text)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if is_address {
        return Ok(());
    }
    Err(Fault::new(
        format!("`{text}` is not the address of a service"),
        "write for example https://vpce-0123.elasticmapreduce.eu-west-1.vpce.amazonaws.com",
    ))
}

/// The one service behind an address of AWS, such as a VPC endpoint.
fn service_of(url: &str, services: &'static [&'static str]) -> Option<&'static str> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    let is_of_aws = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"]
        .iter()
        .any(|domain| host.ends_with(domain));
    let mut labels = host.split('.');
    let named = labels.find_map(|label| services.iter().find(|service| **service == label));
    named.filter(|_| is_of_aws).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> Option<String> {
        let section: SourceSection = toml::from_str(text).expect(text);
        check(&section).err().map(|(key, fault)| {
            let Fault { problem, cure } = fault;
            format!("{key}: {problem}; {cure}")
        })
    }

    #[test]
    fn an_endpoint_of_one_service_is_not_taken_for_all() {
        let vpc = "https://vpce-01.elasticmapreduce.eu-west-1.vpce.amazonaws.com";
        let told = problem(&format!("kind = \"emr\"\naws_endpoint_url = \"{vpc}\"")).unwrap();
        assert!(
            told.contains("aws_endpoint_urls = { elasticmapreduce ="),
            "{told}"
        );
        let single =
            format!("kind = \"emr\"\naws_endpoint_urls = {{ elasticmapreduce = \"{vpc}\" }}");
        assert_eq!(problem(&single), None);
        let all = "kind = \"emr\"\naws_endpoint_url = \"http://elasticmapreduce.test:4566\"";
        assert_eq!(problem(all), None);
    }

    #[test]
    fn a_service_that_the_platform_does_not_ask_is_refused() {
        let misspelt = "kind = \"emr\"\naws_endpoint_urls = { elasticmapreduc = \"http://a\" }";
        let told = problem(misspelt).unwrap();
        assert!(told.contains("did you mean `elasticmapreduce`?"), "{told}");
        let other = "kind = \"emr\"\naws_endpoint_urls = { emr-serverless = \"http://a\" }";
        assert!(
            problem(other)
                .unwrap()
                .starts_with("aws_endpoint_urls.emr-serverless")
        );
        let address = "kind = \"emr\"\naws_endpoint_urls = { s3 = \"vpce-01.amazonaws.com\" }";
        assert!(problem(address).unwrap().contains("not the address"));
    }
}
