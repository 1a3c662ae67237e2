//! The lake that holds all logs, and questions to it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use assert_cmd::Command;
use serde_json::{Map, Value};
use tempfile::TempDir;

/// A row of a table or of an answer: column → value.
pub(super) type Row = Map<String, Value>;

/// The conformance data, and the lake that it was loaded into.
pub(super) struct Corpus {
    /// Folder of the data.
    pub data: PathBuf,
    /// What the run that loaded it printed.
    pub summary: Value,
    folder: TempDir,
}

impl Corpus {
    /// Loads the data; later callers get the same lake.
    pub(super) fn load() -> &'static Self {
        static CORPUS: OnceLock<Corpus> = OnceLock::new();
        CORPUS.get_or_init(|| {
            let data = std::env::var_os("SPARKLAKE_CONFORMANCE")
                .expect("SPARKLAKE_CONFORMANCE must name the folder of the data");
            Self::load_from(data)
        })
    }

    fn load_from(data: impl Into<PathBuf>) -> Self {
        let data = data.into();
        let folder = TempDir::new().expect("a folder");
        let job_file = folder.path().join("job.toml");
        std::fs::write(&job_file, job_file_of(&data)).expect("written");
        let lake = folder.path().join("lake");
        let run = [
            "-q".as_ref(),
            "run".as_ref(),
            job_file.as_os_str(),
            "--lake".as_ref(),
            lake.as_os_str(),
        ];
        let summary = summary_of(&sparklake(run, &[0, 3]));
        Self {
            data,
            summary,
            folder,
        }
    }

    /// The rows that `sql` answers with.
    pub(super) fn query(&self, sql: &str) -> Vec<Row> {
        let lake = self.folder.path().join("lake");
        let ask = ["sql", "--format", "ndjson", "--lake"].map(OsStr::new);
        // A query may begin with a comment, which looks like a flag.
        let arguments = ask
            .into_iter()
            .chain([lake.as_os_str(), "--".as_ref(), sql.as_ref()]);
        let parse = |line| serde_json::from_str(line).expect("a JSON object");
        sparklake(arguments, &[0]).lines().map(parse).collect()
    }

    /// What a run over all of `logs` as one source would do.
    pub(super) fn rehearse(&self, logs: &Path) -> Value {
        let lake = self.folder.path().join("rehearsed");
        let run = ["-q", "run", "--dry-run", "--event-logs"].map(OsStr::new);
        summary_of(&sparklake(
            run.into_iter()
                .chain([logs.as_os_str(), "--lake".as_ref(), lake.as_os_str()]),
            &[0, 3],
        ))
    }

    /// All rows of `table` that came from the source `name`.
    pub(super) fn rows(&self, table: &str, name: &str) -> Vec<Row> {
        self.query(&format!(
            "SELECT * FROM {table} WHERE cluster_id = '{name}'"
        ))
    }
}

/// One source for each folder whose logs tell of different applications. NVIDIA's logs are partly
/// edited copies of one another that kept the application's id: each is a source of its own.
fn job_file_of(data: &Path) -> String {
    let mut sources = vec![
        ("spark".to_owned(), data.join("spark/logs")),
        ("kubeflow".to_owned(), data.join("kubeflow/logs")),
    ];
    let nvidia = data.join("nvidia/logs");
    let logs = logs_below(&nvidia);
    sources.extend(
        logs.into_iter()
            .map(|log| (nvidia_name(&nvidia, &log), log)),
    );
    let section = |(name, log): &(String, PathBuf)| {
        let name = Value::from(name.as_str());
        let log = Value::from(log.to_str().expect("UTF-8"));
        format!("[[source]]\nkind = \"event_log\"\nname = {name}\nuris = [{log}]\n")
    };
    sources.iter().map(section).collect::<Vec<_>>().join("\n")
}

fn nvidia_name(folder: &Path, log: &Path) -> String {
    let name = log.strip_prefix(folder).expect("a log below the folder");
    name.to_str().expect("UTF-8").to_owned()
}

/// Log files, and folders that are one log, in the order of their names.
fn logs_below(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    let below = |entry: PathBuf| {
        if entry.is_dir() && !is_log(&entry) {
            logs_below(&entry)
        } else {
            vec![entry]
        }
    };
    entries.into_iter().flat_map(below).collect()
}

/// Whether a folder is the log of one application: rolling, or as Databricks delivers it.
fn is_log(folder: &Path) -> bool {
    let name = folder
        .file_name()
        .and_then(OsStr::to_str)
        .unwrap_or_default();
    name.starts_with("eventlog_v2_") || folder.join("eventlog").is_file()
}

/// The last line that a run prints.
fn summary_of(printed: &str) -> Value {
    serde_json::from_str(printed.lines().last().expect("a summary")).expect("JSON")
}

/// Runs the program, which has to end with one of `codes`; its standard output.
fn sparklake<'a>(arguments: impl IntoIterator<Item = &'a OsStr>, codes: &[i32]) -> String {
    let mut command = Command::cargo_bin("sparklake").expect("the program is built");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SPARKLAKE_") {
            command.env_remove(name);
        }
    }
    let output = command
        .args(arguments)
        .output()
        .expect("the program starts");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(
        output
            .status
            .code()
            .is_some_and(|code| codes.contains(&code)),
        "{}: {err}",
        output.status
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}
