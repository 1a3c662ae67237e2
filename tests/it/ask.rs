//! `sparklake ask`: a model's calls of tools, what its answer stands on, and what goes wrong.

use std::time::Duration;

use serde_json::{Value, json};

use super::context::TestContext;
use super::doubles::model::{Model, Says};

const APP: &str = "app-20261121120425-0000";

fn ask(context: &TestContext, model: &Model, more: &[&str]) -> super::context::Ended {
    let url = model.url.as_str();
    let arguments = [
        &[
            "ask",
            "Why is executor-loss slow?",
            "--model-url",
            url,
            "--model",
            "double",
        ][..],
        more,
    ]
    .concat();
    context.run(&arguments)
}

fn diagnose() -> (&'static str, String) {
    ("diagnose", json!({"app": APP}).to_string())
}

#[test]
fn an_answer_names_its_calls_and_marks_the_number_that_no_tool_returned() {
    let context = TestContext::with_loaded_lake();
    context.file("key", "sk-test-0123456789\n");
    let model = Model::serve(vec![
        Says::Calls(vec![
            (
                "find_applications",
                json!({"text": "executor-loss"}).to_string(),
            ),
            diagnose(),
        ]),
        Says::Calls(vec![
            (
                "failures",
                json!({"app": APP, "detail": "everything"}).to_string(),
            ),
            ("failures", "{app:".to_owned()),
            ("nothing", "{}".to_owned()),
        ]),
        Says::Text("executor-loss (app-20261121120425-0000) ran 44.4 s.\nIt could save 98.7 s."),
    ]);
    let ended = ask(
        &context,
        &model,
        &["--format", "json", "--api-key-file", "key"],
    );
    assert_eq!(ended.code, 0, "{ended:?}");
    let answer: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!(
        answer["answer"],
        "executor-loss (app-20261121120425-0000) ran 44.4 s.\nIt could save 98.7 s [unverified]."
    );
    assert_eq!(
        answer["numbers"],
        json!({"checked": 3, "unverified": ["98.7 s"]})
    );
    assert_eq!(
        (&answer["rounds"], &answer["tokens"]),
        (&json!(3), &json!(360))
    );
    let calls = answer["calls"].as_array().expect("calls");
    let told: Vec<(&str, bool)> = calls
        .iter()
        .map(|call| {
            let tool = call["tool"].as_str().expect("a name");
            (tool, call["is_error"] == true)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("find_applications", false),
            ("diagnose", false),
            ("failures", true),
            ("failures", true),
            ("nothing", true),
        ]
    );
    let verdict = |place: usize| calls[place]["verdict"].as_str().expect("text");
    assert!(verdict(1).starts_with("executor-loss (app-20261121120425-0000) ran 44.4 s"));
    assert!(verdict(2).contains("`summary` or `full`"), "{}", verdict(2));
    assert!(verdict(3).contains("no JSON object"), "{}", verdict(3));
    assert!(verdict(4).contains("no tool `nothing`"), "{}", verdict(4));

    // What was sent: the key, all tools, and each call with its answer.
    let requests = model.requests();
    assert_eq!(requests.len(), 3);
    for (body, key, path) in &requests {
        assert_eq!(path, "/v1/chat/completions");
        assert_eq!(key.as_deref(), Some("Bearer sk-test-0123456789"));
        assert_eq!(body["model"], "double");
        assert_eq!(body["tools"].as_array().expect("tools").len(), 14);
        assert_eq!(body["tool_choice"], "auto");
    }
    let messages = requests[2].0["messages"].as_array().expect("messages");
    let roles: Vec<&str> = messages
        .iter()
        .map(|message| message["role"].as_str().expect("a role"))
        .collect();
    let expected = [
        "system",
        "user",
        "assistant",
        "tool",
        "tool",
        "assistant",
        "tool",
        "tool",
        "tool",
    ];
    assert_eq!(roles, expected);
    assert_eq!(messages[2]["tool_calls"][1]["function"]["name"], "diagnose");
    assert_eq!(messages[4]["tool_call_id"], "call_1");
    let said = messages[4]["content"].as_str().expect("text");
    assert!(said.contains("ran 44.4 s"), "{said}");
}

#[test]
fn nothing_is_sent_unless_a_model_is_configured_and_what_is_sent_is_masked() {
    let context = TestContext::with_loaded_lake();
    let model = Model::serve(vec![
        Says::Calls(vec![diagnose()]),
        Says::Text("It is slow."),
    ]);
    let alone = context.run(&["ask", "why?", "--model", "double"]);
    assert_eq!(alone.code, 2, "{alone:?}");
    assert!(alone.err.contains("nothing is sent"), "{}", alone.err);
    assert_eq!(model.requests().len(), 0);
    // From the job file, with a secret in the question.
    context.file(
        "job.toml",
        &format!("[ask]\nmodel_url = \"{}\"\nmodel = \"double\"\n", model.url),
    );
    let secret = "AKIAIOSFODNN7EXAMPLE";
    let question = format!("why did it fail with password=hunter22x and {secret}?");
    let ended = context.run(&["ask", &question, "--job-file", "job.toml"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended
            .out
            .starts_with("It is slow.\n\nCalls:\n  1. diagnose"),
        "{}",
        ended.out
    );
    assert!(
        ended.out.contains("Numbers: the answer has none."),
        "{}",
        ended.out
    );
    for (body, key, _) in model.requests() {
        let sent = body.to_string();
        assert!(
            !sent.contains(secret) && !sent.contains("hunter22x"),
            "{sent}"
        );
        assert!(sent.contains("why did it fail"));
        assert_eq!(key, None);
    }
    // A key that is written down is refused.
    context.file("inline.toml", "[ask]\napi_key = \"sk-1\"\n");
    let inline = context.run(&["ask", "why?", "--job-file", "inline.toml"]);
    assert_eq!(inline.code, 2, "{inline:?}");
    assert!(inline.err.contains("api_key_env"), "{}", inline.err);
}

#[test]
fn what_goes_wrong_is_a_sentence_that_says_what_to_do() {
    let context = TestContext::with_loaded_lake();
    let unknown = json!({"app": "app-that-is-not-there"}).to_string();
    let cases = [
        (
            vec![Says::Refuses(
                401,
                r#"{"error":{"message":"Incorrect API key provided"}}"#,
            )],
            &[][..],
            1,
            "refused the key (401",
        ),
        (
            vec![Says::Refuses(
                429,
                r#"{"error":{"message":"Rate limit reached"}}"#,
            )],
            &["--answer-timeout-seconds", "30"],
            75,
            "too many requests or tokens (429",
        ),
        (
            vec![Says::Refuses(
                404,
                r#"{"error":{"message":"model not found"}}"#,
            )],
            &[],
            1,
            "has no model `double`",
        ),
        (
            vec![Says::Refuses(
                400,
                r#"{"error":{"message":"double does not support tools"}}"#,
            )],
            &[],
            1,
            "does not call tools",
        ),
        (
            vec![Says::Text("I think it is skew.")],
            &[],
            1,
            "answered twice without a call",
        ),
        (
            vec![Says::Waits(Duration::from_secs(20))],
            &["--answer-timeout-seconds", "1"],
            75,
            "no answer after 1 s",
        ),
        (
            vec![Says::Calls(vec![diagnose()])],
            &["--max-rounds", "3"],
            1,
            "still called tools after 3 rounds",
        ),
        (
            vec![Says::Calls(vec![("diagnose", unknown)])],
            &["--max-tokens", "100"],
            1,
            "raise --max-tokens",
        ),
        (vec![Says::Text("")], &[], 1, "gave an empty answer"),
    ];
    for (replies, more, code, said) in cases {
        let model = Model::serve(replies);
        let ended = ask(&context, &model, more);
        assert_eq!(ended.code, code, "{said}: {ended:?}");
        assert!(ended.err.contains(said), "{said}: {}", ended.err);
        assert!(ended.out.is_empty(), "{said}: {}", ended.out);
    }
    let none = context.run(&["ask", "why?", "--model-url", "localhost", "--model", "m"]);
    assert_eq!(none.code, 2, "{none:?}");
    assert!(
        none.err.contains("is no address of a model"),
        "{}",
        none.err
    );
}

#[test]
fn a_model_that_repeats_itself_has_to_answer() {
    let context = TestContext::with_loaded_lake();
    let again = Says::Calls(vec![diagnose()]);
    let model = Model::serve(vec![
        again.clone(),
        again.clone(),
        again,
        Says::Text("It ran 44.4 s."),
    ]);
    let ended = ask(&context, &model, &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended.out.contains("Note: It repeated its calls"),
        "{}",
        ended.out
    );
    assert!(
        ended
            .out
            .contains("Numbers: 1 checked, each is in what the tools returned."),
        "{}",
        ended.out
    );
    let last = model.requests().pop().expect("a request");
    assert_eq!(last.0["tool_choice"], "none");
    // The call was made once.
    assert_eq!(
        ended.out.matches(". diagnose {").count(),
        1,
        "{}",
        ended.out
    );
}
