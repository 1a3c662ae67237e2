//! One harness for tests of the command line: a temporary folder, the program, and what it left
//! behind as one text to compare.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// A temporary folder in which the program runs, without settings of the machine's.
pub(crate) struct TestContext {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// What the program left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl TestContext {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempDir::new().expect("a folder"),
            variables: Vec::new(),
        }
    }

    /// A context whose folder holds `lake`, an empty lake.
    pub(crate) fn with_empty_lake() -> Self {
        let context = Self::new();
        std::fs::create_dir(context.path().join("logs")).expect("made");
        let made = context.run(&["-q", "run", "--event-logs", "logs", "--lake", "lake"]);
        assert_eq!(made.code, 0, "{made:?}");
        context
    }

    /// A context whose settings name a lake loaded from the sample logs, made once for all tests.
    pub(crate) fn with_loaded_lake() -> Self {
        let mut context = Self::new();
        context.set("SPARKLAKE_LAKE", &Self::loaded_lake().display().to_string());
        context
    }

    /// The lake itself.
    pub(crate) fn loaded_lake() -> PathBuf {
        static LAKE: OnceLock<TempDir> = OnceLock::new();
        let lake = LAKE.get_or_init(|| {
            let context = Self::new();
            let logs = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/logs/spark4");
            let made = context.run(&["-q", "run", "--event-logs", logs, "--lake", "lake"]);
            assert!(matches!(made.code, 0 | 3), "{made:?}");
            context.folder
        });
        lake.path().join("lake")
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into the folder.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    /// Sets a variable for the program.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The value of a variable that the program gets.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let set = self.variables.iter().find(|(known, _)| known == name);
        set.map(|(_, value)| value.as_str())
    }

    /// The program with these arguments, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sparklake"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("SPARKLAKE_") {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .envs(self.variables.iter().cloned())
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let output = self
            .command(arguments)
            .output()
            .expect("the program starts");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Ended {
            code: output.status.code().expect("not killed"),
            out: self.redacted(&text(output.stdout)),
            err: self.redacted(&text(output.stderr)),
        }
    }

    /// `text` without what differs from run to run: the folder, times and run ids.
    fn redacted(&self, text: &str) -> String {
        let mut text = text.replace(&self.path().display().to_string(), "[FOLDER]");
        for (name, value) in &self.variables {
            if value.starts_with('/') {
                text = text.replace(value.as_str(), &format!("[{name}]"));
            }
        }
        text
    }
}

impl Ended {
    /// Standard output without the JSON summary that ends every `run`, which has to say the code
    /// that the program ended with.
    #[track_caller]
    pub(crate) fn out_without_summary(&self) -> &str {
        let text = self.out.trim_end_matches('\n');
        let start = text.rfind('\n').map_or(0, |at| at + 1);
        let summary: Option<serde_json::Value> = serde_json::from_str(&text[start..]).ok();
        match summary.and_then(|summary| summary.get("exit_code")?.as_i64()) {
            Some(code) => {
                assert_eq!(code, i64::from(self.code), "{text}");
                &self.out[..start]
            }
            None => &self.out,
        }
    }

    /// Everything as one text: status, standard output without a run's summary, standard error.
    #[track_caller]
    pub(crate) fn snapshot(&self) -> String {
        let mut text = format!("status: {}\n", self.code);
        for (name, stream) in [
            ("stdout", self.out_without_summary()),
            ("stderr", self.err.as_str()),
        ] {
            if !stream.is_empty() {
                text.push_str(&format!("--- {name}\n{stream}"));
            }
        }
        text
    }
}

/// Asserts what the program left behind, whole.
#[track_caller]
pub(crate) fn assert_snapshot(ended: &Ended, expected: &str) {
    let found = ended.snapshot();
    let expected = expected.trim_start_matches('\n');
    assert_eq!(found.trim_end(), expected.trim_end(), "\n{found}");
}
