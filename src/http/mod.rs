//! HTTP to other people's servers: one [`Client`] a server, which keeps its session, retries what
//! is worth it, stops when it is not, and lets no secret out.
//!
//! Used to discover (listing applications, clusters) and to extract (logs, REST pages).

mod client;
mod error;
mod login;
mod settings;

pub use client::Client;
pub use error::HttpError;
pub use login::{Login, LoginError, Session};
pub use settings::{Auth, ClientSettings, Secret};
