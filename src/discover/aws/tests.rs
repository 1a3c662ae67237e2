use super::*;

fn meaning(code: &str, status: u16) -> Meaning {
    service_error(
        "elasticmapreduce:ListSteps",
        code,
        Some("it says no"),
        status,
    )
}

#[test]
fn a_missing_permission_is_cured_by_the_name_of_its_action() {
    let (code, message, cure, retryable) = meaning("AccessDeniedException", 400);
    assert_eq!(code, "AWS_AccessDeniedException");
    assert_eq!(message, "AccessDeniedException: it says no");
    assert!(cure.contains("elasticmapreduce:ListSteps"), "{cure}");
    assert!(!retryable);
}

#[test]
fn only_what_may_pass_by_itself_is_worth_trying_again() {
    let cases = [
        ("ThrottlingException", 400, true),
        ("TooManyRequestsException", 429, true),
        ("InternalServerException", 500, true),
        ("ServiceUnavailable", 503, true),
        ("ExpiredTokenException", 400, false),
        ("UnrecognizedClientException", 400, false),
        ("InvalidRequestException", 400, false),
        ("ValidationException", 400, false),
    ];
    for (code, status, expected) in cases {
        let (_, _, _, retryable) = meaning(code, status);
        assert_eq!(retryable, expected, "{code}");
    }
}

#[test]
fn a_refused_signature_does_not_repeat_the_request() {
    let text = "The Canonical String should have been 'x-amz-security-token:TOPSECRET'";
    let (_, message, ..) = service_error("s", "SignatureDoesNotMatch", Some(text), 403);
    assert!(!message.contains("TOPSECRET"), "{message}");
    let (_, message, ..) = service_error("s", "InvalidSignatureException", Some(text), 400);
    assert!(!message.contains("TOPSECRET"), "{message}");
}

#[test]
fn addresses_lose_their_queries_and_long_texts_their_end() {
    let text = "GET https://host/shs?X-Amz-Signature=abc\nfailed";
    assert_eq!(presentable(text), "GET https://host/shs?… failed");
    assert_eq!(presentable("why? nobody knows"), "why? nobody knows");
    assert_eq!(presentable(&"x".repeat(2_000)).chars().count(), 501);
}

#[test]
fn codes_of_the_older_protocols_are_cut_to_the_code() {
    let (code, ..) = meaning(
        "com.amazon.coral.service#AccessDeniedException:http://x",
        400,
    );
    assert_eq!(code, "AWS_AccessDeniedException");
}

#[tokio::test]
async fn an_object_store_is_reached_at_the_address_of_the_platform_unless_it_has_its_own() {
    let mut settings = AwsSettings {
        region: Some("eu-west-1".to_owned()),
        endpoint_url: Some("http://localhost:4566/".to_owned()),
        ..AwsSettings::default()
    };
    let endpoint = async |settings: &AwsSettings, own: HashMap<String, String>| {
        let config = sdk_config(settings).await;
        let options = storage_options(settings, &config, &own).await.unwrap();
        (
            options.get("aws_endpoint").cloned(),
            options.get("allow_http").cloned(),
        )
    };
    let of_all = endpoint(&settings, HashMap::new()).await;
    let yes = Some("true".to_owned());
    assert_eq!(of_all, (Some("http://localhost:4566".to_owned()), yes));
    let vpc = "https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com";
    settings.endpoint_urls = BTreeMap::from([("s3".to_owned(), vpc.to_owned())]);
    let of_s3 = endpoint(&settings, HashMap::new()).await;
    assert_eq!(of_s3, (Some(vpc.to_owned()), None));
    for own in ["aws_endpoint", "endpoint_url", "AWS_ENDPOINT_URL_S3"] {
        let own = HashMap::from([(own.to_owned(), "https://minio".to_owned())]);
        let (endpoint, _) = endpoint(&settings, own).await;
        assert_ne!(endpoint.as_deref(), Some(vpc));
    }
}

#[tokio::test]
async fn an_object_store_gets_credentials_only_where_it_cannot_find_them_itself() {
    let keys = AwsKeys {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: Secret::new("hidden"),
        session_token: None,
    };
    let mut settings = AwsSettings {
        region: Some("eu-west-1".to_owned()),
        keys: Some(keys),
        ..AwsSettings::default()
    };
    let config = sdk_config(&settings).await;
    let none = HashMap::new();
    let options = storage_options(&settings, &config, &none).await.unwrap();
    assert_eq!(
        options.get("aws_region").map(String::as_str),
        Some("eu-west-1")
    );
    assert_eq!(
        options.get("aws_secret_access_key").map(String::as_str),
        Some("hidden")
    );
    let own = HashMap::from([("region".to_owned(), "us-east-1".to_owned())]);
    settings.keys = None;
    let options = storage_options(&settings, &config, &own).await.unwrap();
    assert_eq!(options, own);
    assert!(!format!("{settings:?}").contains("hidden"));
}
