//! JSON web tokens of an authorization server: RS256 and ES256, nothing else. What is checked, in this
//! order: form, algorithm, key, signature, issuer, audience, time, scope.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde::Deserialize;
use serde_json::Value;

/// Longest token in bytes.
const MAX_TOKEN_BYTES: usize = 16 << 10;
/// How far the clocks of two machines may be apart, in seconds.
const LEEWAY_SECONDS: f64 = 60.0;

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("it is no signed JSON web token")]
    Malformed,
    #[error("its algorithm is neither RS256 nor ES256")]
    Algorithm,
    #[error("the issuer has no key of its kid for its algorithm")]
    Key,
    #[error("its signature is not the issuer's")]
    Signature,
    #[error("another issuer made it")]
    Issuer,
    #[error("it is for another audience")]
    Audience,
    #[error("it has expired, or no expiry")]
    Expired,
    #[error("it is not valid yet")]
    NotYet,
    #[error("it lacks the scope")]
    Scope,
}

/// What a token has to say.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    pub(super) issuer: String,
    pub(super) audience: String,
    /// All of these are needed.
    pub(super) scopes: Vec<String>,
}

/// The keys of an issuer.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct KeySet {
    /// Each by itself: one that is of another kind does not spoil the others.
    #[serde(default)]
    keys: Vec<Value>,
}

#[derive(Debug, Clone, Deserialize)]
struct Key {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "use")]
    used_for: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    /// Extensions that the reader has to understand. There are none that this one does.
    #[serde(default)]
    crit: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Rs256,
    Es256,
}

impl Algorithm {
    fn named(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            _ => None,
        }
    }

    fn takes(self, key: &Key) -> bool {
        let is_kind = match self {
            Self::Rs256 => key.kty == "RSA" && key.alg.as_deref().is_none_or(|alg| alg == "RS256"),
            Self::Es256 => {
                key.kty == "EC"
                    && key.crv.as_deref() == Some("P-256")
                    && key.alg.as_deref().is_none_or(|alg| alg == "ES256")
            }
        };
        is_kind && key.used_for.as_deref().is_none_or(|used| used == "sig")
    }

    fn verifies(self, key: &Key, signed: &[u8], signature: &[u8]) -> bool {
        let part = |text: &Option<String>| BASE64.decode(text.as_deref()?).ok();
        match self {
            Self::Rs256 => {
                let (Some(n), Some(e)) = (part(&key.n), part(&key.e)) else {
                    return false;
                };
                let key = RsaPublicKeyComponents {
                    n: without_zeros(&n),
                    e: without_zeros(&e),
                };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature)
                    .is_ok()
            }
            Self::Es256 => {
                let (Some(x), Some(y)) = (part(&key.x), part(&key.y)) else {
                    return false;
                };
                // A point as it is, not compressed.
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                    .verify(signed, signature)
                    .is_ok()
            }
        }
    }
}

fn without_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

/// Whether the token is one of the issuer for this server, at `now` in seconds since 1970.
///
/// # Errors
/// Why it is not.
pub(super) fn verify(
    token: &str,
    keys: &KeySet,
    expected: &Expected,
    now: f64,
) -> Result<(), Refused> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(Refused::Malformed);
    }
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Refused::Malformed);
    };
    let signed = token
        .get(..header.len() + 1 + payload.len())
        .ok_or(Refused::Malformed)?;
    let decode = |part: &str| BASE64.decode(part).map_err(|_| Refused::Malformed);
    let header: Header =
        serde_json::from_slice(&decode(header)?).map_err(|_| Refused::Malformed)?;
    if header.crit.is_some() {
        return Err(Refused::Malformed);
    }
    let algorithm = Algorithm::named(&header.alg).ok_or(Refused::Algorithm)?;
    let key = keys.key(&header, algorithm).ok_or(Refused::Key)?;
    if !algorithm.verifies(&key, signed.as_bytes(), &decode(signature)?) {
        return Err(Refused::Signature);
    }
    let claims: Value =
        serde_json::from_slice(&decode(payload)?).map_err(|_| Refused::Malformed)?;
    expected.check(&claims, now)
}

impl KeySet {
    /// The one key that the token may be signed with.
    fn key(&self, header: &Header, algorithm: Algorithm) -> Option<Key> {
        let keys = self.keys.iter();
        let keys = keys.filter_map(|key| Key::deserialize(key).ok());
        let mut fitting = keys.filter(|key| {
            let is_named = header.kid.is_none() || header.kid == key.kid;
            is_named && algorithm.takes(key)
        });
        let key = fitting.next()?;
        // Without a kid the choice must not be a guess.
        fitting.next().is_none().then_some(key)
    }
}

impl Expected {
    fn check(&self, claims: &Value, now: f64) -> Result<(), Refused> {
        if claims["iss"].as_str() != Some(self.issuer.as_str()) {
            return Err(Refused::Issuer);
        }
        if !texts(&claims["aud"]).any(|audience| audience == self.audience) {
            return Err(Refused::Audience);
        }
        let expires = claims["exp"].as_f64();
        if !expires.is_some_and(|expires| now < expires + LEEWAY_SECONDS) {
            return Err(Refused::Expired);
        }
        let begins = &claims["nbf"];
        let has_begun = begins
            .as_f64()
            .is_some_and(|begins| begins <= now + LEEWAY_SECONDS);
        if !begins.is_null() && !has_begun {
            return Err(Refused::NotYet);
        }
        let granted: Vec<&str> = ["scope", "scp"]
            .iter()
            .flat_map(|name| texts(&claims[*name]))
            .flat_map(str::split_whitespace)
            .collect();
        match self
            .scopes
            .iter()
            .all(|scope| granted.contains(&scope.as_str()))
        {
            true => Ok(()),
            false => Err(Refused::Scope),
        }
    }
}

/// A text, or those of a list.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().into_iter().flatten();
    value
        .as_str()
        .into_iter()
        .chain(list.filter_map(Value::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens of an independent library, see `tests/interop/jwt_vectors.py`.
    const VECTORS: &str = include_str!("../../../../tests/fixtures/jwt/vectors.json");

    #[test]
    fn tokens_of_another_library_are_taken_or_refused_for_the_reason_that_they_were_made_for() {
        let vectors: Value = serde_json::from_str(VECTORS).expect("JSON");
        let text = |name: &str| vectors[name].as_str().expect("text").to_owned();
        let keys = KeySet::deserialize(&vectors["jwks"]).expect("keys");
        let expected = Expected {
            issuer: text("issuer"),
            audience: text("audience"),
            scopes: vec![text("scope")],
        };
        let now = vectors["now"].as_f64().expect("a time");
        let cases = vectors["cases"].as_array().expect("cases");
        assert!(cases.len() >= 30);
        for case in cases {
            let token = case["token"].as_str().expect("text");
            let outcome = match verify(token, &keys, &expected, now) {
                Ok(()) => "valid",
                Err(Refused::Malformed) => "malformed",
                Err(Refused::Algorithm) => "algorithm",
                Err(Refused::Key) => "key",
                Err(Refused::Signature) => "signature",
                Err(Refused::Issuer) => "issuer",
                Err(Refused::Audience) => "audience",
                Err(Refused::Expired) => "expired",
                Err(Refused::NotYet) => "not_yet",
                Err(Refused::Scope) => "scope",
            };
            assert_eq!(case["expected"], outcome, "{}", case["name"]);
        }
        // No bit of a valid token can be changed.
        let valid = cases[1]["token"].as_str().expect("text");
        let last = valid.rfind('.').expect("a signature") + 1;
        for place in [0, 40, last - 5, last, last + 20] {
            let mut changed = valid.as_bytes().to_vec();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("text");
            assert!(verify(&changed, &keys, &expected, now).is_err(), "{place}");
        }
        let long = "a".repeat(MAX_TOKEN_BYTES + 1);
        assert_eq!(
            verify(&long, &keys, &expected, now),
            Err(Refused::Malformed)
        );
    }

    #[test]
    fn two_keys_that_fit_are_no_key() {
        let vectors: Value = serde_json::from_str(VECTORS).expect("JSON");
        let mut keys = KeySet::deserialize(&vectors["jwks"]).expect("keys");
        let twice = keys.keys[0].clone();
        keys.keys.push(twice);
        let header = Header {
            alg: "RS256".to_owned(),
            kid: None,
            crit: None,
        };
        assert!(keys.key(&header, Algorithm::Rs256).is_none());
    }
}
