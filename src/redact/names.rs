//! Names that say that their value is a secret.
//!
//! A name is judged by its words: `fs.azure.account.key.x`, `keyStorePass`, `DB_PASS` and
//! `--secret-key` are split at punctuation and at capitals, so that `sasl` is no `sas` and
//! `bypass` is no `pass`.

/// How surely a name announces a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// Tokens, keys, signatures: the name has other uses, so a plain number or flag is kept.
    Weak,
    /// Passwords and secrets: every value but a flag is masked.
    Strong,
}

/// Parts of words that are never used for anything else.
const STRONG_PARTS: [&str; 6] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "passkey",
    "secret",
];

/// Whole words that are as strong, anywhere in a name.
const STRONG_WORDS: [&str; 4] = ["pwd", "pswd", "psw", "passwort"];

/// Whole words that are as strong at the end of a name.
const STRONG_LAST_WORDS: [&str; 3] = ["pass", "pw", "pword"];

/// Words in front of `key` that make it a secret one.
const KEY_KINDS: [&str; 27] = [
    "access",
    "account",
    "api",
    "app",
    "auth",
    "aws",
    "azure",
    "cdn",
    "consumer",
    "crypt",
    "decryption",
    "encryption",
    "function",
    "gcp",
    "hmac",
    "host",
    "license",
    "master",
    "priv",
    "private",
    "sas",
    "shared",
    "signing",
    "ssh",
    "storage",
    "subscription",
    "webhook",
];

/// Last words of names whose value describes a secret and is none: `passwordFile`,
/// `token.endpoint`.
const DESCRIPTIONS: [&str; 38] = [
    "age",
    "algorithm",
    "alias",
    "class",
    "count",
    "dir",
    "directory",
    "enabled",
    "encoder",
    "endpoint",
    "expiration",
    "expires",
    "expiry",
    "file",
    "format",
    "interval",
    "issuer",
    "length",
    "limit",
    "location",
    "manager",
    "max",
    "min",
    "mount",
    "name",
    "names",
    "path",
    "policy",
    "provider",
    "providers",
    "renewal",
    "required",
    "scope",
    "size",
    "timeout",
    "ttl",
    "type",
    "version",
];

/// Beginnings of names of properties, where a last word `key` has a value of its own.
const PROPERTY_STARTS: [&str; 10] = [
    "spark", "fs", "hadoop", "hive", "javax", "dfs", "ssl", "kafka", "dspark", "djavax",
];

/// How surely `name` announces a secret; `None` where it does not.
pub(super) fn strength(name: &str) -> Option<Strength> {
    // -Dname=value sets a property of a JVM.
    let words = words(name.strip_prefix("-D").unwrap_or(name));
    let last = words.last()?.as_str();
    if DESCRIPTIONS.contains(&last) {
        return None;
    }
    let is_strong = |word: &String| {
        STRONG_PARTS.iter().any(|part| word.contains(part)) || STRONG_WORDS.contains(&bare(word))
    };
    // passPhrase, pass-word: split at a capital or a sign, but one word.
    let is_strong_pair = |pair: &[String]| {
        let joined = pair.concat();
        STRONG_PARTS.iter().any(|part| joined == *part)
    };
    if words.iter().any(is_strong)
        || words.windows(2).any(is_strong_pair)
        || STRONG_LAST_WORDS.contains(&bare(last))
    {
        return Some(Strength::Strong);
    }
    is_weak(&words, last).then_some(Strength::Weak)
}

/// Whether the last word of a property's name is `key`: its value may be one.
pub(super) fn is_property_key(name: &str) -> bool {
    let words = words(name);
    words.len() > 2
        && words.last().is_some_and(|last| last == "key")
        && words
            .first()
            .is_some_and(|first| PROPERTY_STARTS.contains(&first.as_str()))
}

/// Whether a parameter of a request, or a header, with this name carries access.
///
/// Wider than [`strength`]: ids of sessions are no secret in a lake, but they are in the text of a
/// server's answer.
pub(crate) fn is_sensitive_parameter(name: &str) -> bool {
    const PARTS: [&str; 14] = [
        "access_key",
        "accesskey",
        "accesstoken",
        "api_key",
        "apikey",
        "authorization",
        "cookie",
        "credential",
        "passwd",
        "password",
        "secret",
        "signature",
        "token",
        "x-amz-",
    ];
    const NAMES: [&str; 8] = [
        "auth",
        "code",
        "jsessionid",
        "key",
        "session_id",
        "sessionid",
        "sid",
        "sig",
    ];
    let name = name.to_ascii_lowercase();
    NAMES.contains(&name.as_str())
        || PARTS.iter().any(|part| name.contains(part))
        || strength(&name).is_some()
}

fn is_weak(words: &[String], last: &str) -> bool {
    let ends_with_token = |word: &str| word.ends_with("token");
    let before_last = words.iter().rev().nth(1).map_or("", String::as_str);
    if ends_with_token(bare(last))
        || (ends_with_token(before_last) && matches!(last, "value" | "string" | "id"))
    {
        return true;
    }
    let is_secret_word = |word: &str| {
        matches!(
            word,
            "credential"
                | "credentials"
                | "signature"
                | "sig"
                | "authorization"
                | "cookie"
                | "sas"
                | "auth"
                | "jsessionid"
                | "phpsessid"
        )
    };
    if is_secret_word(bare(last)) {
        return true;
    }
    let mut before = "";
    for word in words {
        let word = bare(word);
        let joined = word.strip_suffix("keyid").or(word.strip_suffix("key"));
        if joined.is_some_and(|kind| KEY_KINDS.contains(&kind)) {
            return true;
        }
        let is_kind = KEY_KINDS.contains(&before);
        if is_kind && (word == "key" || word == "keyid") {
            return true;
        }
        // fs.azure.sas.<container>.<account>…, AWS_SESSION, oauth2 client ids.
        if before == "azure" && word == "sas" || before == "aws" && word == "session" {
            return true;
        }
        before = word;
    }
    let is_oauth = words.iter().any(|word| word.starts_with("oauth"));
    is_oauth && before_last == "client" && last == "id"
}

/// The word without a number at its end: `password2`, `key1`.
fn bare(word: &str) -> &str {
    word.trim_end_matches(|letter: char| letter.is_ascii_digit())
}

/// The words of a name in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut letters = name.chars().peekable();
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        if letter.is_alphanumeric() {
            let below = letters.peek().is_some_and(char::is_ascii_lowercase);
            let begins = letter.is_ascii_uppercase()
                && (before.is_ascii_lowercase() || (before.is_ascii_uppercase() && below));
            if begins {
                take(&mut word, &mut words);
            }
            word.push(letter.to_ascii_lowercase());
        } else {
            take(&mut word, &mut words);
        }
        before = letter;
    }
    take(&mut word, &mut words);
    words
}

fn take(word: &mut String, words: &mut Vec<String>) {
    if !word.is_empty() {
        words.push(std::mem::take(word));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_in_every_spelling() {
        for name in [
            "password",
            "spring.datasource.PASSWORD",
            "javax.jdo.option.ConnectionPassword",
            "-Djavax.net.ssl.keyStorePass",
            "DB_PASS",
            "spark.my.pwd",
            "ssl.key.passphrase",
            "spark.my.passPhrase",
            "PASS_WORD",
            "client_secret",
            "secret2",
            "PW",
        ] {
            assert_eq!(strength(name), Some(Strength::Strong), "{name}");
        }
        for name in [
            "token",
            "sasToken",
            "spark.databricks.token",
            "fs.azure.account.key.x.dfs.core.windows.net",
            "fs.azure.sas.c.a.blob.core.windows.net",
            "AccountKey",
            "SharedAccessKey",
            "SharedAccessSignature",
            "AWSAccessKeyId",
            "aws_access_key_id",
            "apikey",
            "api-key",
            "private.key",
            "sig",
            "Authorization",
            "AWS_KEY",
            "spark.executorEnv.AWS_SESSION",
            "fs.azure.account.oauth2.client.id",
        ] {
            assert_eq!(strength(name), Some(Strength::Weak), "{name}");
        }
    }

    #[test]
    fn names_that_only_look_alike_are_left() {
        for name in [
            "",
            "bypass",
            "sasl",
            "tokens",
            "tokenizer",
            "maxTokens",
            "design",
            "primary_key",
            "key",
            "keys",
            "group.key",
            "passwordFile",
            "spark.kubernetes.authenticate.oauthTokenFile",
            "token.endpoint",
            "compass",
            "auth.enabled",
            "spark.authenticate",
            "hive.server2.authentication",
        ] {
            assert_eq!(strength(name), None, "{name}");
        }
        assert!(is_property_key("spark.x.key"));
        assert!(!is_property_key("t.key"));
    }
}
