//! A model behind chat completions with tools: it says what a test wrote down, one reply after the
//! other, and remembers what it was sent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// One reply.
#[derive(Debug, Clone)]
pub(crate) enum Says {
    /// Calls of tools, by name and arguments as the model writes them.
    Calls(Vec<(&'static str, String)>),
    Text(&'static str),
    /// A refusal: status and body.
    Refuses(u16, &'static str),
    /// Nothing for so long.
    Waits(Duration),
}

#[derive(Debug, Default)]
struct Seen {
    replies: Vec<Says>,
    requests: Vec<(Value, Option<String>, String)>,
}

/// A model that is served until the test ends. The last reply is repeated.
pub(crate) struct Model {
    pub(crate) url: String,
    seen: Arc<Mutex<Seen>>,
    _runtime: tokio::runtime::Runtime,
}

impl Model {
    pub(crate) fn serve(replies: Vec<Says>) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let seen = Arc::new(Mutex::new(Seen {
            replies,
            requests: Vec::new(),
        }));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&seen));
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            url: format!("http://{address}/v1"),
            seen,
            _runtime: runtime,
        }
    }

    /// Bodies of all requests, the header that says who asks, and the path.
    pub(crate) fn requests(&self) -> Vec<(Value, Option<String>, String)> {
        self.seen
            .lock()
            .expect("no handler panics")
            .requests
            .clone()
    }
}

async fn answer(
    State(seen): State<Arc<Mutex<Seen>>>,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    let says = {
        let mut seen = seen.lock().expect("no handler panics");
        let key = headers
            .get("authorization")
            .map(|value| value.to_str().expect("text").to_owned());
        let body = serde_json::from_str(&body).expect("JSON");
        seen.requests.push((body, key, uri.path().to_owned()));
        let place = seen.requests.len() - 1;
        let says = seen.replies.get(place).or(seen.replies.last());
        says.expect("a reply").clone()
    };
    let message = match says {
        Says::Refuses(status, body) => {
            let status = StatusCode::from_u16(status).expect("a status");
            return (status, [("content-type", "application/json")], body).into_response();
        }
        Says::Waits(time) => {
            tokio::time::sleep(time).await;
            json!({"role": "assistant", "content": "late"})
        }
        Says::Text(text) => json!({"role": "assistant", "content": text}),
        Says::Calls(calls) => {
            let calls = calls
                .into_iter()
                .enumerate()
                .map(|(place, (name, arguments))| {
                    let function = json!({"name": name, "arguments": arguments});
                    json!({"id": format!("call_{place}"), "type": "function", "function": function})
                });
            json!({"role": "assistant", "content": null, "tool_calls": calls.collect::<Value>()})
        }
    };
    let is_call = message.get("tool_calls").is_some();
    let reason = if is_call { "tool_calls" } else { "stop" };
    axum::Json(json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": reason, "logprobs": null}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }))
    .into_response()
}
