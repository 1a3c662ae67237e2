use proptest::prelude::*;

use super::*;

fn masked(text: &str) -> String {
    Redactor::default().text(text).into_owned()
}

/// Every kind of secret in every kind of writing. `S3cr3tV4lue` must go, all else must stay.
#[test]
fn secrets_are_found_in_every_writing() {
    const SECRET: &str = "S3cr3tV4lue";
    let names = [
        "password",
        "PASSWORD",
        "db_password",
        "spark.my.pwd",
        "keyStorePass",
        "ssl.key.passphrase",
        "client-secret",
        "access_token",
        "apikey",
        "api-key",
        "AccountKey",
        "SharedAccessKey",
        "aws_secret_access_key",
        "private.key",
        "sig",
        "credential",
        "Signature",
    ];
    let writings = [
        "{name}={value}",
        "{name} = {value}",
        "{name}: {value}",
        "{name}:{value}",
        "{name} => {value}",
        "{name} -> {value}",
        "Map({name} -> {value}, user -> u)",
        "a=b;{name}={value};c=d",
        "?a=b&{name}={value}&c=d",
        "{name}='{value}'",
        "{name} = \"{value}\"",
        "\"{name}\":\"{value}\"",
        "\"{name}\" :\n  \"{value}\"",
        "'{name}': '{value}'",
        "\\\"{name}\\\":\\\"{value}\\\"",
        "\\\\\\\"{name}\\\\\\\":\\\\\\\"{value}\\\\\\\"",
        "line\\n{name}={value}\\n\\tnext",
        "{name}%3D{value}%26next",
        "{name}\\u003d{value}\\u0026next",
        "&quot;{name}&quot;:&quot;{value}&quot;",
        "conf[\"{name}\"] = \"{value}\"",
        "--{name} {value} --next",
        "--{name}={value}",
        "[--{name}, {value}, --next]",
        "-D{name}={value} -Xmx1g",
        "--conf spark.x.{name}={value}",
        "<name>x.{name}</name>\n<value>{value}</value>",
        "Array((spark.x.{name},{value}), (spark.y,z))",
    ];
    for name in names {
        for writing in writings {
            let text = writing.replace("{name}", name).replace("{value}", SECRET);
            let shown = masked(&text);
            assert!(!shown.contains(SECRET), "{text} became {shown}");
            let rest = writing.replace("{name}", name);
            assert_eq!(shown, rest.replace("{value}", MASK), "{text}");
        }
    }
}

#[test]
fn secrets_that_name_themselves_are_found_anywhere() {
    for (text, shown) in [
        ("s3a://AK:S3/cr+et@b/x", "s3a://{}@b/x"),
        ("jdbc:postgresql://u:p@ss@h/db", "jdbc:postgresql://{}@h/db"),
        (
            "jdbc:oracle:thin:scott/tiger9@h:1521:x",
            "jdbc:oracle:thin:scott/{}@h:1521:x",
        ),
        ("jdbc%3Apg%3A%2F%2Fu%3Ap%40h", "jdbc%3Apg%3A%2F%2F{}%40h"),
        (
            "https://ghp1234567890abcdef@github.com/x",
            "https://{}@github.com/x",
        ),
        (
            "-Dhttp.auth=Bearer abc123def456 -Dx=y",
            "-Dhttp.auth=Bearer {} -Dx=y",
        ),
        (
            "Authorization: Basic dXNlcjpwYXNz",
            "Authorization: Basic {}",
        ),
        ("got bearer abc123def456.", "got bearer {}"),
        ("Cookie: a=b; c=d", "Cookie: {}"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAB==\n-----END RSA PRIVATE KEY-----\nx",
            "-----BEGIN RSA PRIVATE KEY-----{}-----END RSA PRIVATE KEY-----\nx",
        ),
        (
            "-----BEGIN PRIVATE KEY-----MIIEow",
            "-----BEGIN PRIVATE KEY-----{}",
        ),
        (
            "id AKIAIOSFODNN7EXAMPLE with wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY now",
            "id {} with {} now",
        ),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_-9 x", "{} x"),
        ("use dapi0123456789abcdef0123456789abcdef", "use {}"),
        (
            "CREATE USER u IDENTIFIED BY PASSWORD 'it''s'",
            "CREATE USER u IDENTIFIED BY PASSWORD '{}'",
        ),
        (
            "OPTIONS (user 'u', password 'a,b', dbtable 't')",
            "OPTIONS (user 'u', password '{}', dbtable 't')",
        ),
        ("CREDENTIALS(AWS_KEY='abc123')", "CREDENTIALS(AWS_KEY='{}')"),
        (
            "Filter (password#12 = hunter2)",
            "Filter (password#12 = {})",
        ),
        ("password=a,b&c;d end", "password={} end"),
        ("?sv=2020&sig=ab%2Bcd&se=1", "?sv=2020&sig={}&se=1"),
        (
            "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=Zm9v+/YmFy==;EndpointSuffix=x",
            "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={};EndpointSuffix=x",
        ),
        (
            r#"required username="a" password="s\"x";"#,
            r#"required username="a" password="{}";"#,
        ),
    ] {
        assert_eq!(masked(text), shown.replace("{}", MASK), "{text}");
    }
}

#[test]
fn what_is_no_secret_stays() {
    for text in [
        "spark://CoarseGrainedScheduler@10.0.0.1:7078 disassociated",
        "abfss://container@account.dfs.core.windows.net/table",
        "hdfs://namenode:8020/user/x@y/part-00000",
        "http://host:8042/node/containerlogs/container_1_2_03_04/u/stderr?start=-4096",
        "HashAggregate(keys=[key#12], functions=[count(1)])",
        "SELECT key FROM t WHERE primary_key = 5 AND tokens = 7",
        "Tokenizer(inputCol=text, outputCol=words)",
        "Unexpected token: FROM at line 1",
        "The security token included in the request is expired",
        "Bearer authentication failed; basic statistics were used",
        "password=${env:DB_PASSWORD} token={{secrets/scope/key}}",
        "password=*********(redacted), secret=****, token=<redacted>",
        "spark.authenticate=true; token.enabled=false; passwordFile=/etc/x",
        "maxTokens=100, tokenCount: 12, token=17",
        "-----BEGIN CERTIFICATE-----MIIE-----END CERTIFICATE-----",
        "RequestId: 0d1e7f2c-4a5b-4c6d-8e9f-0a1b2c3d4e5f",
        "bypass=1 compass: x sasl=on",
        "/etc/passwd:/etc/passwd:ro",
        "org.apache.spark.sql.catalyst.expressions.AccessKey.scala:12",
    ] {
        assert_eq!(masked(text), text);
    }
}

#[test]
fn json_stays_json() {
    let text = r#"{"user":"u","pw":"a\"b","n":1.50,"password":12345,"opts":{"sasToken":"x9y8z7"},
        "secrets":["one","two"],"pairs":[["spark.x.password","p"],["spark.y","z"]],
        "args":["--token","t0k3n9","--x"],"rows":[{"key":"a.secret","value":"v"},{"key":"b","value":"w"}],
        "inner":"{\"api_key\":\"q\\\"1abc\"}","url":"s3a://a:b@c","flag":{"auth":true}}"#;
    let shown = masked(text);
    let value: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let at = |path: &str| value.pointer(path).cloned().unwrap();
    assert_eq!(at("/user"), "u");
    assert_eq!(at("/pw"), MASK);
    assert_eq!(at("/password"), MASK);
    assert_eq!(at("/opts/sasToken"), MASK);
    assert_eq!(at("/secrets"), serde_json::json!([MASK, MASK]));
    assert_eq!(
        at("/pairs"),
        serde_json::json!([["spark.x.password", MASK], ["spark.y", "z"]])
    );
    assert_eq!(at("/args"), serde_json::json!(["--token", MASK, "--x"]));
    assert_eq!(at("/rows/0/value"), MASK);
    assert_eq!(at("/rows/1/value"), "w");
    assert_eq!(at("/inner"), format!("{{\"api_key\":\"{MASK}\"}}"));
    assert_eq!(at("/url"), format!("s3a://{MASK}@c"));
    assert_eq!(at("/flag/auth"), true);
    assert!(shown.contains(r#""n":1.50"#), "{shown}");
}

#[test]
fn settings_are_masked_as_in_spark_and_beyond() {
    let redactor = Redactor::default();
    for (key, value) in [
        ("spark.hadoop.fs.s3a.access.key", "x"),
        ("spark.x", "my-Password"),
        ("spark.y.token.enabled", "true"),
        ("spark.my.pwd", "a"),
        ("spark.kafka.ssl.key", "abc123xyz"),
        (
            "spark.hadoop.fs.azure.sas.c.a.blob.core.windows.net",
            "?sv=1",
        ),
        ("spark.yarn.appMasterEnv.DB_PASS", "x"),
    ] {
        assert_eq!(redactor.property(key, value), MASK, "{key}");
    }
    for (key, value) in [
        ("spark.x", "plain"),
        ("spark.authenticate", "true"),
        ("spark.sql.group.key", "id"),
        ("spark.hadoop.credential.enabled", "false"),
        ("spark.my.pwd", ""),
    ] {
        assert_eq!(redactor.property(key, value), value, "{key}");
    }
    assert_eq!(
        redactor.property("spark.jdbc.url", "jdbc:pg://u:p@h/db"),
        format!("jdbc:pg://{MASK}@h/db")
    );
}

#[test]
fn an_application_adds_its_own_patterns_and_secrets() {
    let settings = [
        ("spark.redaction.regex", "(?i)fancy"),
        ("spark.redaction.string.regex", "card-[0-9]+"),
        ("spark.my.fancy", "f"),
        ("spark.db.password", "Tr0ub4dor"),
    ];
    let own = ApplicationRedaction::of_settings(settings.into_iter()).unwrap();
    assert_eq!(own.property("spark.my.fancy", "f"), MASK);
    assert_eq!(
        own.property("spark.redaction.regex", "(?i)fancy"),
        "(?i)fancy"
    );
    assert_eq!(
        own.text("login Tr0ub4dor with card-123, fancyThing=x1"),
        format!("login {MASK} with {MASK}, fancyThing={MASK}")
    );
    assert_eq!(
        own.text(r#"{"fancy":"x"}"#),
        format!(r#"{{"fancy":"{MASK}"}}"#)
    );
    let plain = [(
        "spark.redaction.regex",
        "(?i)secret|password|token|access[.]?key",
    )];
    assert!(ApplicationRedaction::of_settings(plain.into_iter()).is_none());
    let broken = [("spark.redaction.regex", "(?=x)")];
    assert!(ApplicationRedaction::of_settings(broken.into_iter()).is_none());
}

#[test]
fn patterns_can_be_switched_off_one_by_one_and_added() {
    let cases = [
        ("named_values", "password=x"),
        ("url_credentials", "s3a://a:b@c"),
        ("authorization", "with Bearer abc123def456"),
        ("private_keys", "-----BEGIN PRIVATE KEY-----MIIEow"),
        ("aws_keys", "AKIAIOSFODNN7EXAMPLE"),
        ("known_tokens", "ghp_0123456789abcdef0123"),
    ];
    for (pattern, text) in cases {
        let settings = RedactionSettings {
            disable: vec![pattern.to_owned()],
            extra: vec!["card-([0-9]+)".to_owned()],
        };
        let redactor = Redactor::new(&settings).unwrap();
        assert_eq!(redactor.settings(), settings);
        assert_eq!(redactor.text(text), text);
        assert_eq!(redactor.text("card-42"), format!("card-{MASK}"));
        assert_ne!(Redactor::default().text(text), text);
    }
    let unknown = RedactionSettings {
        disable: vec!["named".to_owned()],
        ..RedactionSettings::default()
    };
    assert!(matches!(
        Redactor::new(&unknown),
        Err(RedactionError::UnknownPattern { .. })
    ));
}

#[test]
fn texts_of_servers_lose_queries_and_long_words_too() {
    assert_eq!(
        strict("GET https://h/p?a=1 failed"),
        format!("GET https://h/p?{MASK} failed")
    );
    let word = "wJalrXUtnFEMI0K7MDENG1bPxRfiCYEXAMPLEKEY";
    assert_eq!(
        strict(&format!("key {word} end")),
        format!("key {MASK} end")
    );
    assert_eq!(
        masked(&format!("word {word} end")),
        format!("word {word} end")
    );
}

#[test]
fn free_text_in_call_sites_loses_odd_words() {
    let redactor = Redactor::default();
    let frames = "org.apache.spark.sql.Dataset.count(Dataset.scala:3625)\n$line14.$read$$iw2.<init>(<console>:23)";
    assert_eq!(redactor.call_site(frames), frames);
    assert_eq!(
        redactor.call_site("reduce at /x/script1.py:12"),
        "reduce at /x/script1.py:12"
    );
    assert_eq!(
        redactor.call_site("load s3cr3tW0rd now"),
        format!("load {MASK} now")
    );
}

#[test]
fn addresses_lose_credentials_only() {
    assert_eq!(
        without_credentials("https://u:p@h/token=x/app?sig=a&x=1"),
        format!("https://{MASK}@h/token=x/app?sig={MASK}&x=1")
    );
    assert_eq!(
        without_credentials("s3://b/password=x/app"),
        "s3://b/password=x/app"
    );
}

#[test]
fn hostile_text_takes_linear_time() {
    for text in [
        "token\"".repeat(200_000),
        "password='".repeat(100_000),
        "://a:".repeat(200_000),
        "[".repeat(500_000),
        "key\\".repeat(200_000),
        "-----BEGIN PRIVATE KEY-----".repeat(30_000),
        "AKIAIOSFODNN7EXAMPLE ".repeat(30_000),
    ] {
        assert!(!masked(&text).is_empty());
    }
}

#[test]
fn what_a_mask_uncovers_is_masked_at_once() {
    // The mask of the first secret ends the name, or the value, that went on before it.
    assert_eq!(
        masked("-----BEGIN PRIVATE KEY-----://.passwordjdbc:oracle:thin:"),
        format!("-----BEGIN PRIVATE KEY-----{MASK}.passwordjdbc:{MASK}")
    );
    assert_eq!(
        masked(&format!("password%3Dpassword,AKIAIOSFODNN7EXAMPLE@{MASK}")),
        format!("password%3D{MASK},{MASK}@{MASK}")
    );
}

proptest! {
    #[test]
    fn masking_twice_changes_nothing_more(text in hostile()) {
        let once = masked(&text);
        prop_assert_eq!(masked(&once), once.clone());
        let once = strict(&text);
        prop_assert_eq!(strict(&once), once.clone());
    }

    #[test]
    fn json_of_any_strings_stays_json(key in hostile(), value in hostile()) {
        let text = serde_json::json!({ key: [value] }).to_string();
        let shown = masked(&text);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&shown).is_ok());
    }
}

/// Texts made of what the scanner looks at.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "password",
        "token",
        "sig",
        "key",
        "pass",
        "=",
        ":",
        "\"",
        "'",
        "\\",
        "\\\"",
        " ",
        "\n",
        ",",
        ";",
        "&",
        "%3D",
        "%26",
        "%40",
        "://",
        "@",
        "/",
        "?",
        "#1",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "Bearer ",
        "-----BEGIN PRIVATE KEY-----",
        "-----END",
        "AKIAIOSFODNN7EXAMPLE",
        "abc123",
        "é",
        "\\u0022",
        "&quot;",
        "--",
        ".",
        "*********(redacted)",
        "</name><value>",
        ">",
        "jdbc:oracle:thin:",
        "eyJabc.",
    ]);
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}
