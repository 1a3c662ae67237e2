//! Chat completions with tools, as OpenAI defined them and many servers speak them: the parts that are
//! needed here. What servers add is left out, and what they write differently is understood.

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A message of the conversation.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Message {
    System(String),
    User(String),
    /// What the model said, and the calls that it asks for.
    Assistant {
        text: String,
        calls: Vec<ToolCall>,
    },
    /// What a call returned.
    Tool {
        id: String,
        text: String,
    },
}

/// A call that the model asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ToolCall {
    pub(super) id: String,
    pub(super) name: String,
    /// The arguments; the text that was no JSON object instead.
    pub(super) arguments: Result<Map<String, Value>, String>,
}

/// Whether the model may call tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ToolChoice {
    Auto,
    /// It has to answer.
    None,
}

impl ToolChoice {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::None => "none",
        }
    }
}

impl Message {
    /// As it is sent; every text goes through `masked`.
    pub(super) fn to_json(&self, masked: &dyn Fn(&str) -> String) -> Value {
        match self {
            Self::System(text) => json!({"role": "system", "content": masked(text)}),
            Self::User(text) => json!({"role": "user", "content": masked(text)}),
            Self::Tool { id, text } => {
                json!({"role": "tool", "tool_call_id": id, "content": masked(text)})
            }
            Self::Assistant { text, calls } if calls.is_empty() => {
                json!({"role": "assistant", "content": masked(text)})
            }
            Self::Assistant { text, calls } => {
                let calls: Vec<Value> = calls
                    .iter()
                    .map(|call| {
                        // Servers refuse a history whose arguments are no JSON.
                        let arguments = call.arguments.clone().unwrap_or_default();
                        let arguments = with_texts(Value::Object(arguments), masked).to_string();
                        let function = json!({"name": call.name, "arguments": arguments});
                        json!({"id": call.id, "type": "function", "function": function})
                    })
                    .collect();
                let text = match text.is_empty() {
                    true => Value::Null,
                    false => json!(masked(text)),
                };
                json!({"role": "assistant", "content": text, "tool_calls": calls})
            }
        }
    }
}

fn with_texts(value: Value, masked: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::from(masked(&text)),
        Value::Array(list) => list
            .into_iter()
            .map(|value| with_texts(value, masked))
            .collect(),
        Value::Object(object) => object
            .into_iter()
            .map(|(name, value)| (name, with_texts(value, masked)))
            .collect(),
        other => other,
    }
}

/// What the server answers with.
#[derive(Debug, Deserialize)]
pub(super) struct Completion {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    message: Said,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Said {
    /// A text, or a list of parts.
    #[serde(default)]
    content: Value,
    #[serde(default)]
    tool_calls: Option<Vec<AskedCall>>,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Debug, Deserialize)]
struct AskedCall {
    #[serde(default)]
    id: Option<String>,
    function: AskedFunction,
}

#[derive(Debug, Deserialize)]
struct AskedFunction {
    #[serde(default)]
    name: String,
    /// A JSON object as text; some servers send the object itself.
    #[serde(default)]
    arguments: Value,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

/// What the model said.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reply {
    pub(super) text: String,
    pub(super) calls: Vec<ToolCall>,
    /// Whether the answer was cut at the server's limit of tokens.
    pub(super) is_cut: bool,
    /// Tokens of the request and the reply, where the server counts them.
    pub(super) tokens: Option<u64>,
}

impl Completion {
    /// What the model said; `None` where it said nothing at all. Calls without an id get one that begins
    /// with `round`.
    pub(super) fn reply(self, round: usize) -> Option<Reply> {
        let tokens = self
            .usage
            .map(|usage| usage.prompt_tokens.saturating_add(usage.completion_tokens));
        let choice = self.choices.into_iter().next()?;
        let said = choice.message;
        let text = match (text_of(&said.content), said.refusal) {
            (text, Some(refusal)) if text.is_empty() => refusal,
            (text, _) => text,
        };
        let calls = said.tool_calls.unwrap_or_default().into_iter();
        let calls = calls.enumerate().map(|(place, call)| ToolCall {
            id: call
                .id
                .filter(|id| !id.is_empty())
                .unwrap_or_else(|| format!("call_{round}_{place}")),
            name: call.function.name,
            arguments: arguments_of(call.function.arguments),
        });
        Some(Reply {
            text: without_thoughts(&text),
            calls: calls.collect(),
            is_cut: choice.finish_reason.as_deref() == Some("length"),
            tokens: tokens.filter(|tokens| *tokens > 0),
        })
    }
}

fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| match part {
                Value::String(text) => Some(text.as_str()),
                part => part["text"].as_str(),
            });
            texts.collect()
        }
        _ => String::new(),
    }
}

/// What some models think aloud is not their answer.
fn without_thoughts(text: &str) -> String {
    let answer = match text.rsplit_once("</think>") {
        Some((_, answer)) => answer,
        None => text,
    };
    answer.trim().to_owned()
}

fn arguments_of(given: Value) -> Result<Map<String, Value>, String> {
    match given {
        Value::Object(object) => Ok(object),
        Value::Null => Ok(Map::new()),
        Value::String(text) if text.trim().is_empty() => Ok(Map::new()),
        Value::String(text) => match serde_json::from_str(&text) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(Value::Null) => Ok(Map::new()),
            _ => Err(text),
        },
        other => Err(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(message: Value) -> Reply {
        let completion = json!({"choices": [{"message": message, "finish_reason": "stop"}]});
        let completion: Completion = serde_json::from_value(completion).expect("a completion");
        completion.reply(3).expect("a reply")
    }

    #[test]
    fn what_servers_write_differently_is_understood() {
        let plain = reply(json!({"content": "<think>hm</think>\nIt is slow."}));
        assert_eq!((plain.text.as_str(), plain.calls.len()), ("It is slow.", 0));
        let parts =
            json!([{"type": "reasoning", "summary": []}, {"type": "text", "text": "a"}, "b"]);
        assert_eq!(reply(json!({"content": parts})).text, "ab");
        let refused = reply(json!({"content": null, "refusal": "No."}));
        assert_eq!(refused.text, "No.");
        let call = |arguments: Value| {
            let function = json!({"name": "diagnose", "arguments": arguments});
            reply(json!({"tool_calls": [{"function": function}]})).calls
        };
        let object = json!({"app": "a"});
        for arguments in [object.clone(), json!(object.to_string())] {
            let asked = call(arguments).remove(0);
            assert_eq!(asked.id, "call_3_0");
            assert_eq!(asked.arguments.map(Value::Object), Ok(object.clone()));
        }
        for none in [json!(""), Value::Null, json!("null")] {
            assert_eq!(call(none)[0].arguments, Ok(Map::new()));
        }
        for wrong in [json!("{app"), json!("[1]"), json!(7)] {
            assert!(call(wrong)[0].arguments.is_err());
        }
        let nothing: Completion = serde_json::from_value(json!({})).expect("a completion");
        assert_eq!(nothing.reply(0), None);
    }

    #[test]
    fn every_text_that_is_sent_is_masked() {
        let masked = |text: &str| text.replace("secret", "***");
        let arguments = json!({"text": "my secret", "list": ["secret"]});
        let Value::Object(arguments) = arguments else {
            panic!("an object")
        };
        let call = |arguments| ToolCall {
            id: "1".to_owned(),
            name: "query".to_owned(),
            arguments,
        };
        let messages = [
            Message::System("secret".to_owned()),
            Message::User("secret".to_owned()),
            Message::Assistant {
                text: "secret".to_owned(),
                calls: vec![call(Ok(arguments)), call(Err("{secret".to_owned()))],
            },
            Message::Tool {
                id: "1".to_owned(),
                text: "secret".to_owned(),
            },
        ];
        for message in messages {
            let sent = message.to_json(&masked).to_string();
            assert!(sent.contains("***") && !sent.contains("secret"), "{sent}");
        }
    }
}
