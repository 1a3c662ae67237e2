//! The server as an OAuth 2.1 resource server: it takes access tokens that an authorization server made
//! for it, and says where to get one (RFC 9728). It makes no tokens and keeps no users.

mod jwt;

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::http::{Client, ClientSettings, HttpError};
use jwt::{Expected, KeySet, Refused};

/// Path of the metadata; what follows it names the resource.
pub(super) const METADATA: &str = "/.well-known/oauth-protected-resource";
/// How long keys are taken for what they were.
const FRESH: Duration = Duration::from_secs(600);
/// Shortest time between two requests for keys, whatever tokens come.
const ASK_AGAIN: Duration = Duration::from_secs(30);
/// Longest time of a request for keys.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer of the authorization server in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Whose tokens are taken.
#[derive(Debug, Clone)]
pub struct OAuthSettings {
    /// The authorization server, as `iss` in its tokens.
    pub issuer: String,
    /// What its tokens for this server have as `aud`: the address that clients use.
    pub audience: String,
    /// Where its keys are; `None`: where its metadata say.
    pub jwks_url: Option<String>,
    /// Scopes that a token has to have.
    pub scopes: Vec<String>,
}

/// A setting that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WrongOAuth(String);

/// Checks tokens of one authorization server.
pub struct OAuth {
    settings: OAuthSettings,
    expected: Expected,
    keys: Mutex<Option<Fetched>>,
}

impl fmt::Debug for OAuth {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OAuth")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Keys, or that there are none, as of a time.
struct Fetched {
    keys: Option<KeySet>,
    at: Instant,
}

/// Why a request is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Denied {
    /// It shows no token.
    NoToken,
    /// Its token is none of ours.
    Invalid(&'static str),
    /// Its token lacks a scope.
    Scope,
    /// The authorization server cannot be asked.
    Unavailable,
}

#[derive(Debug, Deserialize)]
struct ServerMetadata {
    jwks_uri: String,
    #[serde(default)]
    issuer: Option<String>,
}

impl OAuth {
    /// Nothing is asked before the first token comes.
    ///
    /// # Errors
    /// An address is none, or tokens and keys would go over the network in the clear.
    pub fn new(settings: OAuthSettings) -> Result<Self, WrongOAuth> {
        let addresses = [Some(&settings.issuer), settings.jwks_url.as_ref()];
        for address in addresses.into_iter().flatten() {
            is_safe(address)?;
        }
        if settings.audience.trim().is_empty() {
            return Err(WrongOAuth(
                "OAuth needs the audience of this server; give --oauth-audience with the address that clients use"
                    .to_owned(),
            ));
        }
        let expected = Expected {
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            scopes: settings.scopes.clone(),
        };
        Ok(Self {
            settings,
            expected,
            keys: Mutex::default(),
        })
    }

    /// Whether the bearer of the token may ask.
    ///
    /// # Errors
    /// Why not.
    pub(super) async fn check(&self, token: Option<&str>) -> Result<(), Denied> {
        let token = token.ok_or(Denied::NoToken)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0.0, |since| since.as_secs_f64());
        let keys = self.keys(FRESH).await?;
        let mut outcome = jwt::verify(token, &keys, &self.expected, now);
        if outcome == Err(Refused::Key) {
            // The issuer may have a new key.
            let keys = self.keys(ASK_AGAIN).await?;
            outcome = jwt::verify(token, &keys, &self.expected, now);
        }
        outcome.map_err(|refused| match refused {
            Refused::Scope => Denied::Scope,
            Refused::Malformed => Denied::Invalid("the token is no signed JSON web token"),
            Refused::Algorithm => Denied::Invalid("the token is signed with another algorithm"),
            Refused::Key => Denied::Invalid("the token is signed with an unknown key"),
            Refused::Signature => Denied::Invalid("the signature of the token is wrong"),
            Refused::Issuer => Denied::Invalid("the token is from another issuer"),
            Refused::Audience => Denied::Invalid("the token is for another audience"),
            Refused::Expired => Denied::Invalid("the token has expired"),
            Refused::NotYet => Denied::Invalid("the token is not valid yet"),
        })
    }

    /// The keys, not older than `fresh`. A failure is remembered, too, so that tokens of strangers
    /// cannot make this server ask without end.
    async fn keys(&self, fresh: Duration) -> Result<KeySet, Denied> {
        let mut known = self.keys.lock().await;
        let is_fresh = known.as_ref().is_some_and(|fetched| {
            let fresh = match fetched.keys {
                Some(_) => fresh,
                None => ASK_AGAIN,
            };
            fetched.at.elapsed() < fresh
        });
        if !is_fresh {
            let keys = self.fetch().await.inspect_err(|error| {
                let issuer = &self.settings.issuer;
                tracing::warn!(issuer, %error, "the keys of the issuer cannot be read");
            });
            // Keys that were valid a moment ago are better than none.
            let old = known.take().and_then(|fetched| fetched.keys);
            *known = Some(Fetched {
                keys: keys.ok().or(old),
                at: Instant::now(),
            });
        }
        let keys = known.as_ref().and_then(|fetched| fetched.keys.clone());
        keys.ok_or(Denied::Unavailable)
    }

    async fn fetch(&self) -> Result<KeySet, HttpError> {
        if let Some(url) = &self.settings.jwks_url {
            return get(url).await;
        }
        let mut last = None;
        for url in metadata_urls(&self.settings.issuer) {
            match get::<ServerMetadata>(&url).await {
                Ok(found)
                    if found
                        .issuer
                        .as_deref()
                        .is_some_and(|issuer| issuer != self.settings.issuer) =>
                {
                    last = Some(wrong(format!("{url} names another issuer")));
                }
                Ok(found) if is_safe(&found.jwks_uri).is_err() => {
                    last = Some(wrong(format!(
                        "{url} names keys that would come without TLS"
                    )));
                }
                Ok(found) => return get(&found.jwks_uri).await,
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| wrong("the issuer is no address".to_owned())))
    }

    /// The document that says where to get a token.
    pub(super) fn metadata(&self, own: &str) -> Value {
        let mut document = json!({
            "resource": self.resource(own),
            "authorization_servers": [self.settings.issuer],
            "bearer_methods_supported": ["header"],
            "resource_name": "sparklake",
        });
        if !self.settings.scopes.is_empty()
            && let Some(document) = document.as_object_mut()
        {
            document.insert("scopes_supported".to_owned(), json!(self.settings.scopes));
        }
        document
    }

    /// The address that clients know this server by: its audience, where that is one.
    fn resource(&self, own: &str) -> String {
        match Url::parse(&self.settings.audience) {
            Ok(url) if url.has_host() => self.settings.audience.clone(),
            _ => format!("{own}{}", super::server::PATH),
        }
    }

    /// What a client is told that may not ask: the value of `WWW-Authenticate`.
    pub(super) fn challenge(&self, denied: &Denied, own: &str) -> String {
        let resource = self.resource(own);
        let origin = Url::parse(&resource).map(|url| url.origin().ascii_serialization());
        let origin = origin.unwrap_or_else(|_| own.to_owned());
        let mut challenge =
            format!("Bearer realm=\"sparklake\", resource_metadata=\"{origin}{METADATA}\"");
        if !self.settings.scopes.is_empty() {
            challenge.push_str(&format!(", scope=\"{}\"", self.settings.scopes.join(" ")));
        }
        match denied {
            Denied::Invalid(reason) => challenge.push_str(&format!(
                ", error=\"invalid_token\", error_description=\"{reason}\""
            )),
            Denied::Scope => challenge.push_str(", error=\"insufficient_scope\""),
            Denied::NoToken | Denied::Unavailable => {}
        }
        challenge
    }
}

fn wrong(message: String) -> HttpError {
    HttpError::Settings { message }
}

/// Where an issuer's metadata are: RFC 8414, then OpenID Connect.
fn metadata_urls(issuer: &str) -> Vec<String> {
    let Ok(url) = Url::parse(issuer) else {
        return Vec::new();
    };
    let origin = url.origin().ascii_serialization();
    let path = url.path().trim_end_matches('/');
    vec![
        format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        ),
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
    ]
}

async fn get<T: serde::de::DeserializeOwned>(address: &str) -> Result<T, HttpError> {
    let url = Url::parse(address).map_err(|error| wrong(format!("{address}: {error}")))?;
    let (base, path) = match address.rsplit_once('/') {
        Some((base, file)) if base.len() > url.scheme().len() + 3 => (format!("{base}/"), file),
        _ => (address.to_owned(), ""),
    };
    let base = Url::parse(&base).map_err(|error| wrong(format!("{address}: {error}")))?;
    let mut settings = ClientSettings::new(base);
    settings.http.connect_timeout = TIMEOUT;
    settings.http.read_timeout = TIMEOUT;
    settings.http.request_deadline = TIMEOUT;
    settings.http.attempts = 2;
    settings.http.max_answer_bytes = MAX_BYTES;
    Client::new(settings)?
        .get_json("oauth_keys", path, &[])
        .await
}

/// Whether nobody between can change what comes from there.
fn is_safe(address: &str) -> Result<(), WrongOAuth> {
    let url = Url::parse(address).ok().filter(Url::has_host);
    let Some(url) = url else {
        return Err(WrongOAuth(format!(
            "`{address}` is no address of an authorization server; write one such as https://login.example.com"
        )));
    };
    let is_here = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_here => Ok(()),
        _ => Err(WrongOAuth(format!(
            "`{address}` is not protected by TLS; use its https address"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oauth(issuer: &str, audience: &str, scopes: &[&str]) -> Result<OAuth, WrongOAuth> {
        OAuth::new(OAuthSettings {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            jwks_url: None,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        })
    }

    #[test]
    fn keys_never_come_over_an_open_line() {
        assert!(oauth("https://login.example.com", "a", &[]).is_ok());
        assert!(oauth("http://127.0.0.1:9", "a", &[]).is_ok());
        for wrong in [
            "http://login.example.com",
            "login.example.com",
            "file:///keys",
            "",
        ] {
            assert!(oauth(wrong, "a", &[]).is_err(), "{wrong}");
        }
        assert!(oauth("https://login.example.com", " ", &[]).is_err());
    }

    #[test]
    fn a_client_is_told_where_to_get_a_token() {
        let own = "http://127.0.0.1:8080";
        let known = oauth(
            "https://login.example.com/tenant",
            "https://lake.example.com/mcp",
            &["lake.read"],
        )
        .expect("settings");
        assert_eq!(
            known.challenge(&Denied::NoToken, own),
            "Bearer realm=\"sparklake\", \
             resource_metadata=\"https://lake.example.com/.well-known/oauth-protected-resource\", scope=\"lake.read\""
        );
        assert!(
            known
                .challenge(&Denied::Invalid("the token has expired"), own)
                .ends_with("error=\"invalid_token\", error_description=\"the token has expired\"")
        );
        assert_eq!(
            known.metadata(own)["resource"],
            "https://lake.example.com/mcp"
        );
        let named = oauth("https://login.example.com", "api://lake", &[]).expect("settings");
        let plain = oauth("https://login.example.com", "lake", &[]).expect("settings");
        assert_eq!(plain.metadata(own)["resource"], "http://127.0.0.1:8080/mcp");
        assert!(named.metadata(own).get("scopes_supported").is_none());
        assert_eq!(
            metadata_urls("https://login.example.com/tenant"),
            [
                "https://login.example.com/tenant/.well-known/openid-configuration",
                "https://login.example.com/.well-known/oauth-authorization-server/tenant"
            ]
        );
    }
}
