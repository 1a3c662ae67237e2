//! Brings a text to where it goes: a file that readers never see half written, a file that grows, or an
//! address. Errors hold no path and no query of an address: in those are its secrets.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use reqwest::header::CONTENT_TYPE;
use reqwest::{StatusCode, Url, redirect};

/// Attempts of one delivery, the first included.
const ATTEMPTS: usize = 3;
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Why something was not delivered, in one sentence without secrets.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotDelivered(String);

/// Replaces the file at once: its readers see the old text or the new one. Everybody may read it.
///
/// # Errors
/// It cannot be written.
pub fn replace(path: &Path, text: &str) -> Result<(), NotDelivered> {
    let fault = |error: std::io::Error| {
        NotDelivered(format!("{} cannot be written: {error}", path.display()))
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    // A collector takes every file that ends in .prom.
    builder.prefix(".sparklake-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Less what the umask takes away.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder).map_err(fault)?;
    file.write_all(text.as_bytes()).map_err(fault)?;
    file.persist(path).map_err(|error| fault(error.error))?;
    Ok(())
}

/// Adds a line to the end of the file, which is created if missing.
///
/// # Errors
/// It cannot be written.
pub fn append(path: &Path, line: &str) -> Result<(), NotDelivered> {
    let fault = |error: std::io::Error| {
        NotDelivered(format!("{} cannot be written: {error}", path.display()))
    };
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(fault)?;
    // One write: lines of two processes do not mix.
    file.write_all(format!("{line}\n").as_bytes())
        .map_err(fault)
}

/// What one attempt came to.
enum Attempt {
    /// Another one may go well.
    Again(String),
    /// Another one would end the same way.
    Never(String),
}

/// Sends JSON to an address, in a few attempts and at most `timeout` in all.
///
/// # Errors
/// The address is none, cannot be reached, or refuses.
pub async fn post(
    what: &str,
    address: &str,
    token: Option<&str>,
    body: &str,
    timeout: Duration,
) -> Result<(), NotDelivered> {
    let url = Url::parse(address)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some())
        .ok_or_else(|| {
            NotDelivered(format!(
                "the address of {what} is none; write https://host/path"
            ))
        })?;
    let server = url.origin().ascii_serialization();
    let told = |why: &str| NotDelivered(format!("{what} at {server}: {why}"));
    let client = reqwest::Client::builder()
        .user_agent(concat!("sparklake/", env!("CARGO_PKG_VERSION")))
        // What is posted stays with the server that was named.
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT)
        .timeout(timeout)
        .build()
        .map_err(|error| told(&error.without_url().to_string()))?;
    let attempt = || async {
        let mut request = client
            .post(url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_owned());
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) if is_worth_another(answer.status()) => {
                Err(Attempt::Again(format!("answered {}", answer.status())))
            }
            Ok(answer) => Err(Attempt::Never(format!("answered {}", answer.status()))),
            Err(error) => Err(Attempt::Again(reason(&error.without_url()))),
        }
    };
    let delays = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(500))
        .with_max_times(ATTEMPTS - 1)
        .with_jitter();
    let sent = attempt
        .retry(delays)
        .when(|failed| matches!(failed, Attempt::Again(_)));
    match tokio::time::timeout(timeout, sent).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Attempt::Again(why) | Attempt::Never(why))) => Err(told(&why)),
        Err(_) => Err(told(&format!("no answer within {timeout:?}"))),
    }
}

fn is_worth_another(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
        )
}

/// The cause at the bottom: what lies above says that a request failed.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string()
}
