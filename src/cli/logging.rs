//! The log on standard error, and the progress bar that it has to give way to.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use indicatif::MultiProgress;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{Color, LogFormat, LogLevel, LogSettings, SettingOverrides};
use crate::redact::Redactor;

/// The log of this process.
#[derive(Debug, Clone)]
pub(super) struct Logging {
    /// What to tell, and how.
    pub(super) settings: LogSettings,
    /// Bars that are drawn on the same terminal.
    pub(super) bars: MultiProgress,
    /// Whether texts for people are in color.
    pub(super) colored: bool,
    /// Masks secrets in what is told.
    redactor: Arc<Redactor>,
}

/// The log settings of flags and variables, for when the job file cannot be read.
pub(super) fn given(given: &SettingOverrides) -> LogSettings {
    let default = LogSettings::default();
    LogSettings {
        format: given
            .log_format
            .as_ref()
            .map_or(default.format, |format| format.value),
        level: given
            .log_level
            .as_ref()
            .map_or(default.level, |level| level.value),
        color: given
            .color
            .as_ref()
            .map_or(default.color, |color| color.value),
    }
}

impl Logging {
    /// Begins to log. To be called once.
    pub(super) fn start(settings: LogSettings, no_color: bool, redactor: Redactor) -> Self {
        let terminal = io::stderr().is_terminal();
        let colored = match settings.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !no_color,
        };
        let bars = MultiProgress::new();
        let redactor = Arc::new(redactor);
        let writer = AboveBars {
            bars: bars.clone(),
            redactor: Arc::clone(&redactor),
        };
        let lines = fmt::layer().with_writer(writer).with_target(false);
        let layer: Box<dyn Layer<_> + Send + Sync> = match settings.format {
            LogFormat::Json => Box::new(lines.json().flatten_event(true)),
            LogFormat::Text if terminal => Box::new(lines.without_time().with_ansi(colored)),
            LogFormat::Text => Box::new(lines.with_ansi(colored)),
        };
        // A second subscriber can only be there in tests, and then logs as well.
        let _ = tracing_subscriber::registry()
            .with(layer.with_filter(filter(settings.level)))
            .try_init();
        Self {
            settings,
            bars,
            colored,
            redactor,
        }
    }

    /// Masks secrets in what is printed.
    pub(super) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Tells why the command failed.
    pub(super) fn tell_failure(&self, sentence: &str, exit_code: u8) {
        let sentence = self.redactor.text(sentence);
        match self.settings.format {
            LogFormat::Json => tracing::error!(exit_code, "{sentence}"),
            LogFormat::Text => {
                let label = if self.colored {
                    "\u{1b}[1;31merror:\u{1b}[0m"
                } else {
                    "error:"
                };
                let sentence = super::text::printable(&sentence);
                // Nothing is left to be told when even this cannot be printed.
                let _ = writeln!(io::stderr(), "{label} {sentence}");
            }
        }
    }
}

/// Libraries that log requests with all that is in them.
const WITH_SECRETS: [&str; 9] = [
    "aws_config",
    "aws_credential_types",
    "aws_runtime",
    "aws_sigv4",
    "aws_smithy_http_client",
    "aws_smithy_runtime",
    "cookie_store",
    "h2",
    "hyper_util",
];

/// Libraries that log each request without what is secret in it.
const WITH_REQUESTS: [&str; 2] = ["object_store", "reqwest"];

/// Libraries tell a level less than we do: what they find worth a warning is mostly handled.
fn filter(level: LogLevel) -> Targets {
    let (ours, theirs) = match level {
        LogLevel::Error => (LevelFilter::ERROR, LevelFilter::OFF),
        LogLevel::Warn => (LevelFilter::WARN, LevelFilter::ERROR),
        LogLevel::Info => (LevelFilter::INFO, LevelFilter::ERROR),
        LogLevel::Debug => (LevelFilter::DEBUG, LevelFilter::WARN),
        LogLevel::Trace => (LevelFilter::TRACE, LevelFilter::WARN),
    };
    // Of libraries only the requests help: planners write megabytes about each query.
    let requests = match level {
        LogLevel::Trace => LevelFilter::DEBUG,
        _ => theirs,
    };
    Targets::new()
        .with_default(theirs)
        .with_targets(WITH_REQUESTS.map(|target| (target, requests)))
        // What they log of requests holds cookies, keys and signatures.
        .with_targets(WITH_SECRETS.map(|target| (target, theirs.min(LevelFilter::WARN))))
        .with_target("sparklake", ours)
}

/// Writes to standard error without secrets, with the bars taken away meanwhile.
#[derive(Debug, Clone)]
struct AboveBars {
    bars: MultiProgress,
    redactor: Arc<Redactor>,
}

impl Write for AboveBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // An event comes as a whole.
        let text = String::from_utf8_lossy(bytes);
        let shown = self.redactor.text(&text);
        self.bars
            .suspend(|| io::stderr().write_all(shown.as_bytes()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'w> MakeWriter<'w> for AboveBars {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn the_most_verbose_log_has_our_steps_and_requests_and_no_planning() {
        let filter = filter(LogLevel::Trace);
        assert!(filter.would_enable("sparklake::load::commit", &Level::TRACE));
        assert!(filter.would_enable("object_store::client", &Level::DEBUG));
        for planner in ["sqlparser::parser", "datafusion_optimizer", "delta_kernel"] {
            assert!(!filter.would_enable(planner, &Level::INFO), "{planner}");
            assert!(filter.would_enable(planner, &Level::WARN), "{planner}");
        }
        for library in WITH_SECRETS {
            assert!(!filter.would_enable(library, &Level::INFO), "{library}");
        }
    }
}
