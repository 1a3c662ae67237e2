//! Pages inside of a client (the extension MCP Apps): the dashboard's own pages, one after the other, in
//! one document that clients show in a sandbox.
//!
//! The document at [`APP`] is always the same. It learns from an answer's `_meta` which page shows the same
//! facts, reads it through its client as a resource below [`PAGES`], and follows the links in it in the
//! same way. It loads nothing else: its policy names the one style and the one script that are in it.

use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::http::Request;
use rmcp::model::{ExtensionCapabilities, JsonObject, MetaObject, ResourceContents};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::applications::Place;
use super::engine::{Engine, Parameters};
use crate::publish::dashboard::{self, Dashboard};
use crate::publish::page::{Link, Page, html};

/// The extension's name.
const EXTENSION: &str = "io.modelcontextprotocol/ui";
/// The document.
pub(super) const APP: &str = "ui://sparklake/pages";
/// The type that the extension asks for.
pub(super) const APP_TYPE: &str = "text/html;profile=mcp-app";
/// What the addresses of the dashboard's pages begin with.
pub(super) const PAGES: &str = "sparklake://pages";
/// The key of an answer's `_meta` that names its page.
const PAGE: &str = "sparklake/page";
/// The pages that can be read: those about an application, and what they link to.
const READABLE: [&str; 9] = [
    "/application",
    "/stages",
    "/stage",
    "/queries",
    "/query",
    "/executors",
    "/configuration",
    "/whatif",
    "/compare",
];
/// Longest address of a page, in bytes.
const MAX_ADDRESS: usize = 2_000;

const SCRIPT: &str = include_str!("apps.js");

/// What the server says of the extension.
pub(super) fn extension() -> ExtensionCapabilities {
    let mut settings = JsonObject::new();
    settings.insert("mimeTypes".to_owned(), json!([APP_TYPE]));
    [(EXTENSION.to_owned(), settings)].into()
}

/// Whether the answers of a tool have a page.
pub(super) fn has_page(tool: &str) -> bool {
    matches!(tool, "diagnose" | "inspect" | "executors")
}

/// What is said of a tool whose answers have a page.
pub(super) fn tool_meta() -> MetaObject {
    meta("ui", json!({ "resourceUri": APP }))
}

/// What is said of an answer that has a page.
pub(super) fn result_meta(page: &str) -> MetaObject {
    meta(PAGE, json!(page))
}

fn meta(key: &str, value: Value) -> MetaObject {
    let mut meta = MetaObject::new();
    meta.0.insert(key.to_owned(), value);
    meta
}

/// The page that shows what an answer of a tool is about.
pub(super) fn page_of(tool: &str, parameters: &Parameters) -> Option<String> {
    if !has_page(tool) {
        return None;
    }
    let value = |name: &str| parameters.get(name).map(ToString::to_string);
    let whole = |name: &str| value(name)?.parse::<i64>().ok();
    let (id, attempt) = (value("application_id")?, value("attempt_id")?);
    let link = |path| Link::of(path, &id, &attempt);
    let link = match (tool, whole("sql_id"), whole("stage_id")) {
        ("executors", ..) => link("/executors"),
        ("inspect", Some(sql), _) => link("/query").query(sql),
        ("inspect", None, Some(stage)) => {
            link("/stage").stage(stage, whole("stage_attempt_id").unwrap_or(0))
        }
        _ => link("/application"),
    };
    Some(link.address())
}

/// The document, made once.
static DOCUMENT: LazyLock<String> = LazyLock::new(|| html::write_app("sparklake", SCRIPT));

/// The document as a resource.
pub(super) fn document() -> ResourceContents {
    ResourceContents::TextResourceContents {
        uri: APP.to_owned(),
        mime_type: Some(APP_TYPE.to_owned()),
        text: DOCUMENT.clone(),
        // Without a list of domains clients let it load nothing.
        meta: Some(meta("ui", json!({ "prefersBorder": false }))),
    }
}

impl Engine {
    /// A page of the dashboard, as the part of a document; `None` where there is no page at that
    /// address. What goes wrong is a page that says so.
    pub(super) async fn page(&self, uri: &str) -> Option<ResourceContents> {
        let address = uri.strip_prefix(PAGES)?;
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        if !READABLE.contains(&path) || address.len() > MAX_ADDRESS {
            return None;
        }
        let wanted = url::form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| matches!(name.as_ref(), "id" | "a" | "b"))
            .map(|(_, value)| value.into_owned())?;
        let _turn = self.turns.acquire().await.ok();
        let _alone = match path {
            // A prediction takes as much memory as it may, here as in the tool.
            "/whatif" => self.heavy_turn().await,
            _ => None,
        };
        let place = self.application(&wanted).await.ok()?.place;
        let page = self.shown(&place, address).await?;
        let text = html::write_part(&page);
        Some(ResourceContents::text(text, uri).with_mime_type("text/html"))
    }

    async fn shown(&self, place: &Place, address: &str) -> Option<Arc<Page>> {
        let router = dashboard::router(Dashboard {
            ask: Arc::clone(place.ask()),
            catalog: Arc::clone(self.catalog()),
            lake: "LAKE".to_owned(),
        });
        let request = Request::get(address).body(Body::empty()).ok()?;
        // A page of the dashboard comes with what it was written from.
        let response = router.oneshot(request).await.ok()?;
        response.extensions().get::<Arc<Page>>().cloned()
    }
}

#[cfg(test)]
mod tests {
    use datafusion::common::ScalarValue;

    use super::*;

    fn parameters(given: &[(&str, ScalarValue)]) -> Parameters {
        let of = [("application_id", "app 1"), ("attempt_id", "0")];
        of.map(|(name, value)| (name.to_owned(), ScalarValue::from(value)))
            .into_iter()
            .chain(
                given
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), value.clone())),
            )
            .collect()
    }

    #[test]
    fn an_answer_names_the_page_about_the_same() {
        let of = |tool: &str, given: &[(&str, ScalarValue)]| page_of(tool, &parameters(given));
        let stage = [
            ("stage_id", ScalarValue::from(7_i64)),
            ("stage_attempt_id", ScalarValue::from(1_i64)),
        ];
        for (tool, given, expected) in [
            ("diagnose", &[][..], Some("/application?id=app+1")),
            ("executors", &[], Some("/executors?id=app+1")),
            (
                "inspect",
                &stage,
                Some("/stage?id=app+1&stage=7&stage_attempt=1"),
            ),
            (
                "inspect",
                &[("sql_id", ScalarValue::from(3_i64))],
                Some("/query?id=app+1&sql=3"),
            ),
            ("failures", &[], None),
        ] {
            assert_eq!(of(tool, given).as_deref(), expected, "{tool}");
        }
    }

    #[test]
    fn the_document_allows_nothing_but_its_own_style_and_script() {
        let ResourceContents::TextResourceContents { text, .. } = document() else {
            panic!("a text");
        };
        let policy = text
            .split("http-equiv=\"Content-Security-Policy\" content=\"")
            .nth(1);
        let policy = policy
            .and_then(|rest| rest.split('"').next())
            .expect("a policy");
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        for (element, directive) in [("script", "script-src"), ("style", "style-src")] {
            assert_eq!(text.matches(&format!("<{element}")).count(), 1);
            let (open, close) = (format!("<{element}>"), format!("</{element}>"));
            let body = text
                .split(&open)
                .nth(1)
                .and_then(|rest| rest.split(&close).next());
            let source = html::source(body.expect("a body"));
            assert!(
                policy.contains(&format!("{directive} {source}")),
                "{policy}"
            );
        }
    }
}
