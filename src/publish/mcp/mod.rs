//! The Model Context Protocol over the lake: tools that language models call.
//!
//! A tool is named by the question that it answers and declared as data in [`tools`]: its arguments,
//! and the lists it answers with, each a file of `sql/mcp`. [`execute`] checks the arguments, finds
//! the application that is meant ([`applications`]), asks the lake and fits the answer into a budget
//! of bytes ([`reply`]). Clients that show pages (MCP Apps) get the dashboard's ([`apps`]). What is not in the lake can be fetched live, from places that were allowed
//! when the server was started ([`live`]).
//!
//! [`server`] speaks the protocol, over standard input and output or over HTTP ([`http`]), where it may be a
//! resource server of OAuth ([`oauth`]).

mod applications;
mod apps;
mod arguments;
mod compare;
mod declare;
mod engine;
mod execute;
pub mod http;
pub mod live;
mod oauth;
mod prompts;
mod query;
mod reply;
mod resources;
mod rows;
mod server;
mod tools;
mod whatif;

#[cfg(test)]
mod tests;

pub use engine::McpOptions;
pub use http::{HttpSettings, NotAllowed, router};
pub use live::{Fetched, LiveFailure, LiveSource};
pub use oauth::{OAuth, OAuthSettings, WrongOAuth};
pub use server::McpServer;
