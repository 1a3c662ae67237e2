//! Runs of the program over folders of logs.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A program to test instead of the one just built: a release build makes hundreds of runs bearable.
const PROGRAM_VARIABLE: &str = "SPARKLAKE_TEST_PROGRAM";

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// The JSON of the last line.
    pub(crate) fn summary(&self) -> Value {
        let last = self
            .out
            .lines()
            .last()
            .unwrap_or_else(|| panic!("no summary: {self:?}"));
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A number of the summary.
    pub(crate) fn count(&self, key: &str) -> u64 {
        self.summary()
            .get(key)
            .and_then(Value::as_u64)
            .unwrap_or_else(|| panic!("no {key}: {self:?}"))
    }

    /// The run had this exit code, and no thread of it panicked.
    #[track_caller]
    pub(crate) fn assert_code(&self, code: i32) {
        self.assert_calm();
        assert_eq!(self.code, Some(code), "{}\n{}", self.err, self.out);
    }

    #[track_caller]
    pub(crate) fn assert_calm(&self) {
        assert!(!self.err.contains("panicked"), "{}", self.err);
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            err: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
        }
    }
}

/// `sparklake` with these arguments, not yet started, free of the machine's own settings.
pub(crate) fn command<const N: usize>(arguments: [&str; N]) -> Command {
    let program = std::env::var_os(PROGRAM_VARIABLE);
    let mut command =
        Command::new(program.unwrap_or_else(|| env!("CARGO_BIN_EXE_sparklake").into()));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SPARKLAKE_") {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// `sparklake run` over `logs` into `lake`, not yet started.
pub(crate) fn load_command(logs: &Path, lake: &Path) -> Command {
    let mut command = command(["-q", "run", "--event-logs"]);
    command.arg(logs).arg("--lake").arg(lake);
    command
}

/// Runs to the end.
pub(crate) fn load(logs: &Path, lake: &Path) -> Ended {
    load_command(logs, lake)
        .output()
        .expect("the program starts")
        .into()
}
