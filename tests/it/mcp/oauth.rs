//! The server takes access tokens of an authorization server, and says where to get one.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::Router;
use axum::routing::get;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};
use sparklake::publish::mcp::{HttpSettings, OAuth, OAuthSettings, router};

use super::server;
use crate::context::TestContext;

const AUDIENCE: &str = "https://lake.example.com/mcp";

/// An authorization server with one key.
struct Issuer {
    url: String,
    key: EcdsaKeyPair,
}

impl Issuer {
    async fn serve() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!(
            "http://{}/tenant",
            listener.local_addr().expect("an address")
        );
        let point = key.public_key().as_ref();
        let keys = json!({"keys": [{
            "kty": "EC", "crv": "P-256", "kid": "1", "use": "sig",
            "x": BASE64.encode(&point[1..33]), "y": BASE64.encode(&point[33..65]),
        }]});
        let metadata = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
        // Only where RFC 8414 puts it.
        let router = Router::new()
            .route(
                "/.well-known/oauth-authorization-server/tenant",
                get(|| async { axum::Json(metadata) }),
            )
            .route("/tenant/keys", get(|| async { axum::Json(keys) }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, key }
    }

    fn token(&self, changed: &Value) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.expect("a time after 1970").as_secs();
        let mut claims = json!({
            "iss": self.url, "aud": AUDIENCE, "sub": "ann", "exp": now + 300, "scope": "lake.read",
        });
        for (name, value) in changed.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        let header = json!({"alg": "ES256", "kid": "1"});
        let parts = [header, claims].map(|part| BASE64.encode(part.to_string()));
        let signed = parts.join(".");
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = BASE64.encode(signature.expect("a signature").as_ref());
        format!("{signed}.{signature}")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_tokens_of_the_issuer_for_this_server_are_taken() {
    let issuer = Issuer::serve().await;
    let oauth = OAuth::new(OAuthSettings {
        issuer: issuer.url.clone(),
        audience: AUDIENCE.to_owned(),
        jwks_url: None,
        scopes: vec!["lake.read".to_owned()],
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let listen = listener.local_addr().expect("an address");
    let settings = HttpSettings {
        listen,
        token: None,
        oauth: Some(Arc::new(oauth.expect("settings"))),
        hosts: Vec::new(),
        origins: Vec::new(),
    };
    let router = router(server().await, None, settings).expect("allowed");
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let ask = async |path: &str, token: Option<String>| {
        let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
        let mut request = client
            .post(format!("http://{listen}{path}"))
            .header("accept", "application/json, text/event-stream")
            .json(&list);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.expect("an answer");
        let challenge = answer.headers().get("www-authenticate");
        let challenge = challenge.map(|text| text.to_str().expect("text").to_owned());
        (answer.status().as_u16(), challenge.unwrap_or_default())
    };
    let metadata_url = "https://lake.example.com/.well-known/oauth-protected-resource";
    let (status, challenge) = ask("/mcp", None).await;
    assert_eq!(status, 401);
    assert!(
        challenge.contains(&format!("resource_metadata=\"{metadata_url}\"")),
        "{challenge}"
    );
    assert!(!challenge.contains("error="), "{challenge}");
    for path in ["", "/mcp"] {
        let url = format!("http://{listen}/.well-known/oauth-protected-resource{path}");
        let document = client.get(url).send().await.expect("an answer");
        let document: Value = document.json().await.expect("JSON");
        assert_eq!(document["resource"], AUDIENCE);
        assert_eq!(document["authorization_servers"], json!([issuer.url]));
        assert_eq!(document["scopes_supported"], json!(["lake.read"]));
    }
    let good = issuer.token(&json!({}));
    assert_eq!(ask("/mcp", Some(good.clone())).await.0, 200);
    for (changed, expected, said) in [
        (
            json!({"aud": "https://other.example.com"}),
            401,
            "another audience",
        ),
        (
            json!({"iss": "https://other.example.com"}),
            401,
            "another issuer",
        ),
        (json!({"exp": 1_000_000}), 401, "has expired"),
        (json!({"scope": "openid"}), 403, "insufficient_scope"),
    ] {
        let (status, challenge) = ask("/mcp", Some(issuer.token(&changed))).await;
        assert_eq!(status, expected, "{changed}");
        assert!(challenge.contains(said), "{challenge}");
    }
    let other = Issuer::serve().await;
    let forged = other.token(&json!({"iss": issuer.url}));
    let (status, challenge) = ask("/mcp", Some(forged)).await;
    assert_eq!(status, 401);
    assert!(challenge.contains("signature"), "{challenge}");
    // All of the server is behind it.
    assert_eq!(ask("/", None).await.0, 401);
    assert_eq!(
        ask("/.well-known/oauth-protected-resource/other", None)
            .await
            .0,
        401
    );
}

#[test]
fn a_server_with_oauth_may_listen_beyond_this_machine_only_with_tls_to_its_issuer() {
    let context = TestContext::with_empty_lake();
    let serve = |more: &[&str]| {
        let listen = ["serve", "--lake", "lake", "--listen", "0.0.0.0:0"];
        context.run(&[&listen[..], more].concat())
    };
    let open = serve(&[
        "--oauth-issuer",
        "http://login.example.com",
        "--oauth-audience",
        AUDIENCE,
    ]);
    assert_eq!(open.code, 2, "{open:?}");
    assert!(open.err.contains("is not protected by TLS"), "{}", open.err);
    let alone = serve(&["--oauth-issuer", "https://login.example.com"]);
    assert_eq!(alone.code, 2, "{alone:?}");
    assert!(alone.err.contains("--oauth-audience"), "{}", alone.err);
}
