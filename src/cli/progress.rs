//! How far a run is: a bar on a terminal, a line every few seconds elsewhere.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

use super::logging::Logging;
use crate::config::{LogFormat, LogLevel};
use crate::pipeline::Progress;

/// Time between two lines.
const BETWEEN_LINES: Duration = Duration::from_secs(5);
/// Time between two moves of the bar's hand while nothing else moves.
const TICK: Duration = Duration::from_millis(120);

/// The way of telling progress that suits where standard error goes.
pub(super) fn of_run(logging: &Logging) -> Box<dyn Progress> {
    let settings = logging.settings;
    let bar = io::stderr().is_terminal() && settings.format == LogFormat::Text;
    match (settings.level, bar) {
        (LogLevel::Error | LogLevel::Warn, _) => Box::new(NoProgress),
        (_, true) => Box::new(Bar::new(logging)),
        (_, false) => Box::new(Lines::new()),
    }
}

struct NoProgress;

impl Progress for NoProgress {
    fn phase(&self, _phase: &'static str) {}
    fn total(&self, _histories: usize, _bytes: u64) {}
    fn advance(&self, _uri: &str, _bytes: u64, _rows: u64) {}
    fn finished(&self) {}
}

/// What was done so far.
#[derive(Debug, Default, Clone, Copy)]
struct Done {
    histories: usize,
    all_histories: usize,
    bytes: u64,
    all_bytes: u64,
    rows: u64,
}

impl Done {
    fn add(&mut self, bytes: u64, rows: u64) {
        self.histories += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        self.rows = self.rows.saturating_add(rows);
    }
}

struct Bar {
    bar: ProgressBar,
    colored: bool,
    done: Mutex<Done>,
}

impl Bar {
    fn new(logging: &Logging) -> Self {
        let bar = logging.bars.add(ProgressBar::new(0));
        set_style(&bar, "{spinner} {msg}");
        bar.enable_steady_tick(TICK);
        Self {
            bar,
            colored: logging.colored,
            done: Mutex::default(),
        }
    }

    fn show(&self, done: Done) {
        self.bar.set_position(done.bytes);
        self.bar.set_prefix(format!(
            "{} of {} histories, {} rows,",
            HumanCount(done.histories as u64),
            HumanCount(done.all_histories as u64),
            HumanCount(done.rows)
        ));
    }
}

impl Progress for Bar {
    fn phase(&self, phase: &'static str) {
        self.bar.set_message(phase);
    }

    fn total(&self, histories: usize, bytes: u64) {
        let mut done = locked(&self.done);
        done.all_histories += histories;
        done.all_bytes = done.all_bytes.saturating_add(bytes);
        let all_bytes = done.all_bytes;
        let color = if self.colored { ".cyan" } else { "" };
        let amounts = "{bytes} of {total_bytes}, {prefix} {eta}";
        set_style(
            &self.bar,
            &format!("{{spinner}} {{msg:9}} [{{bar:32{color}}}] {amounts}"),
        );
        self.bar.set_length(all_bytes);
        self.show(*done);
    }

    fn advance(&self, _uri: &str, bytes: u64, rows: u64) {
        let mut done = locked(&self.done);
        done.add(bytes, rows);
        self.show(*done);
    }

    fn finished(&self) {
        self.bar.finish_and_clear();
    }
}

/// The templates are ours and right; the bar that is there is good enough if one ever is not.
fn set_style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
}

struct Lines {
    state: Mutex<LinesState>,
}

struct LinesState {
    done: Done,
    phase: &'static str,
    last_line: Instant,
}

impl Lines {
    fn new() -> Self {
        let state = LinesState {
            done: Done::default(),
            phase: "",
            last_line: Instant::now(),
        };
        Self {
            state: Mutex::new(state),
        }
    }
}

impl Progress for Lines {
    fn phase(&self, phase: &'static str) {
        let mut state = locked(&self.state);
        if state.phase != phase {
            state.phase = phase;
            tracing::debug!(phase, "step begins");
        }
    }

    fn total(&self, histories: usize, bytes: u64) {
        let mut state = locked(&self.state);
        state.done.all_histories += histories;
        state.done.all_bytes = state.done.all_bytes.saturating_add(bytes);
    }

    fn advance(&self, uri: &str, bytes: u64, rows: u64) {
        tracing::debug!(uri, bytes, rows, "history read");
        let mut state = locked(&self.state);
        state.done.add(bytes, rows);
        if state.last_line.elapsed() >= BETWEEN_LINES {
            state.last_line = Instant::now();
            tell(state.phase, state.done);
        }
    }

    fn finished(&self) {
        let mut state = locked(&self.state);
        // The run tells its end, and so does who called it: once is enough.
        if state.done.histories > 0 {
            tell(state.phase, state.done);
            state.done = Done::default();
        }
    }
}

fn tell(phase: &str, done: Done) {
    let Done {
        histories,
        all_histories,
        bytes,
        all_bytes,
        rows,
    } = done;
    tracing::info!(
        phase,
        histories,
        all_histories,
        bytes,
        all_bytes,
        rows,
        "{histories} of {all_histories} histories, {} of {}",
        HumanBytes(bytes),
        HumanBytes(all_bytes)
    );
}

/// A panic elsewhere is no reason to stop telling progress.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
