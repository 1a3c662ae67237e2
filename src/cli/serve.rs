//! `sparklake serve`: the lake over HTTP.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;

use super::Context;
use super::catalog::Rules;
use super::error::CliError;
use super::interrupt::or_interrupted;
use super::lake;
use super::mcp::{self, McpArguments};
use crate::ask::AskOptions;
use crate::config::{Origin, secret};
use crate::publish::dashboard::{self, Dashboard};
use crate::publish::mcp::{HttpSettings, OAuth, OAuthSettings, router};

/// Serve the lake over HTTP: a dashboard, and MCP (streamable HTTP) at /mcp
///
/// It listens on this machine only. To listen beyond, give a token that clients have to send as
/// `Authorization: Bearer …` and browsers as the password, or an authorization server (OAuth) whose
/// access tokens are taken, and put a proxy with TLS in front of it.
#[derive(Debug, clap::Args)]
pub(super) struct ServeArguments {
    #[command(flatten)]
    pub(super) mcp: McpArguments,
    /// Address and port to listen on; port 0 takes a free one
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8080",
        env = "SPARKLAKE_LISTEN",
        hide_env_values = true
    )]
    listen: SocketAddr,
    /// Environment variable that holds the token
    #[arg(long, value_name = "VARIABLE", conflicts_with = "token_file")]
    token_env: Option<String>,
    /// File that holds the token
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Authorization server whose access tokens are taken: its issuer, such as https://login.example.com
    #[arg(long, value_name = "URL", requires = "oauth_audience")]
    oauth_issuer: Option<String>,
    /// Audience that its tokens for this server have: the address that clients use, such as
    /// https://lake.example.com/mcp
    #[arg(long, value_name = "AUDIENCE", requires = "oauth_issuer")]
    oauth_audience: Option<String>,
    /// Where the issuer's keys are [default: where its metadata say]
    #[arg(long, value_name = "URL", requires = "oauth_issuer")]
    oauth_jwks_url: Option<String>,
    /// Scope that a token has to have; may be repeated
    #[arg(long, value_name = "SCOPE", requires = "oauth_issuer")]
    oauth_scope: Vec<String>,
    /// Name under which clients reach it, as in the address they use; may be repeated
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,
    /// Origin of pages that may call it, such as https://app.example.com; may be repeated
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
}

pub(super) async fn execute(arguments: &ServeArguments, context: &Context) -> Result<(), CliError> {
    let mut settings = http_settings(arguments, context)?;
    settings.check()?;
    let example = "sparklake serve --lake ./lake";
    let server = mcp::server(&arguments.mcp, context, example).await?;
    let address = settings.listen;
    let cannot = |error: std::io::Error| {
        CliError::Serve(format!(
            "{address} cannot be listened on: {error}; choose another with --listen"
        ))
    };
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .map_err(cannot)?;
    settings.listen = listener.local_addr().map_err(cannot)?;
    let listening = settings.listen;
    let pages = pages(arguments, context, example).await?;
    let router = router(server, pages, settings)?;
    tracing::info!("dashboard at http://{listening}/, MCP at http://{listening}/mcp");
    let served = async {
        let served = axum::serve(listener, router).await;
        served.map_err(|error| CliError::Serve(format!("serving ended: {error}")))
    };
    or_interrupted(served).await
}

/// The dashboard of the lake, where there is one.
async fn pages(
    arguments: &ServeArguments,
    context: &Context,
    example: &str,
) -> Result<Option<Router>, CliError> {
    let Some(uri) = &context.settings.lake.uri else {
        return Ok(None);
    };
    let lake = lake::open(context, example).await?;
    let options = AskOptions {
        memory_bytes: arguments.mcp.memory,
        ..AskOptions::default()
    };
    Ok(Some(dashboard::router(Dashboard {
        ask: Arc::new(lake::ask_with(&lake, context, options)?),
        catalog: Arc::new(Rules::of(&context.settings.rules)?.as_run),
        lake: uri.clone(),
    })))
}

fn http_settings(arguments: &ServeArguments, context: &Context) -> Result<HttpSettings, CliError> {
    let flag = match arguments.token_env {
        Some(_) => "--token-env",
        None => "--token-file",
    };
    let token = secret(
        "token",
        arguments.token_env.as_deref(),
        arguments.token_file.as_deref(),
        &Origin::Flag(flag.to_owned()),
        &context.environment,
    )?;
    Ok(HttpSettings {
        listen: arguments.listen,
        token,
        oauth: oauth(arguments)?,
        hosts: arguments.allow_host.clone(),
        origins: arguments.allow_origin.clone(),
    })
}

fn oauth(arguments: &ServeArguments) -> Result<Option<Arc<OAuth>>, CliError> {
    let (Some(issuer), Some(audience)) = (&arguments.oauth_issuer, &arguments.oauth_audience)
    else {
        return Ok(None);
    };
    let oauth = OAuth::new(OAuthSettings {
        issuer: issuer.clone(),
        audience: audience.clone(),
        jwks_url: arguments.oauth_jwks_url.clone(),
        scopes: arguments.oauth_scope.clone(),
    });
    let oauth = oauth.map_err(|error| CliError::Usage(error.to_string()))?;
    Ok(Some(Arc::new(oauth)))
}
