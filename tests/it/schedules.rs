//! The schedules under `jobs/` call the program as it is: their flags exist, and the job file that one of
//! them carries is a job file. Their own shapes are checked by `tests/interop/schedules.py`.

use std::fs;
use std::path::PathBuf;

use super::context::TestContext;

fn jobs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("jobs")
}

#[test]
fn the_job_file_in_the_kubernetes_schedule_is_understood() {
    let text = fs::read_to_string(jobs().join("kubernetes/cronjob.yaml")).expect("there");
    let (_, rest) = text.split_once("job.toml: |\n").expect("a job file");
    let block = rest
        .lines()
        .take_while(|line| line.is_empty() || line.starts_with("    "));
    let job: Vec<&str> = block.map(str::trim).collect();
    let context = TestContext::new();
    context.file("job.toml", &job.join("\n"));
    let ended = context.run(&["config", "show", "job.toml"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended.out.contains("s3://company-lake/sparklake"),
        "{}",
        ended.out
    );
}

#[test]
fn the_commands_of_the_units_have_flags_that_exist() {
    let mut commands = 0;
    for entry in fs::read_dir(jobs().join("systemd"))
        .expect("there")
        .flatten()
    {
        let unit = fs::read_to_string(entry.path()).expect("UTF-8");
        for line in unit.lines() {
            let Some(command) = line.strip_prefix("ExecStart=/usr/local/bin/sparklake ") else {
                continue;
            };
            let arguments: Vec<&str> = command.split(' ').collect();
            // The job file is not on this machine: it is read after the flags are understood.
            let ended = TestContext::new().run(&arguments);
            assert_eq!(ended.code, 2, "{command}: {ended:?}");
            assert!(
                ended.err.contains("/etc/sparklake/job.toml"),
                "{command}: {}",
                ended.err
            );
            commands += 1;
        }
    }
    assert_eq!(commands, 3, "run, maintain, watch");
}

/// Stands for `aws batch`: an array job is worked through before the call returns.
const AWS: &str = r#"#!/bin/sh
set -eu
case "$1 $2" in
"batch submit-job")
  while [ $# -gt 0 ]; do
    case $1 in
      --array-properties) shards=${2#size=} ;;
      --parameters) parameters=$2 ;;
    esac
    shift
  done
  lake=${parameters#lake=} lake=${lake%%,*}
  run=${parameters#*run=} run=${run%%,*}
  index=0
  while [ "$index" -lt "$shards" ]; do
    AWS_BATCH_JOB_ARRAY_INDEX=$index sparklake -q worker --run "$run" --lake "$lake" --shards "$shards" >/dev/null
    index=$((index + 1))
  done
  echo job-1
  ;;
"batch describe-jobs") echo SUCCEEDED ;;
*) echo "no double for $*" >&2; exit 9 ;;
esac
"#;

/// Stands for `sbatch`: what is wrapped runs at once, an array of it one by one.
const SBATCH: &str = r#"#!/bin/sh
set -eu
first=0 last=0
for argument; do
  case $argument in
    --array=*) range=${argument#--array=} first=${range%-*} last=${range#*-} ;;
    --wrap=*) wrapped=${argument#--wrap=} ;;
  esac
done
index=$first
while [ "$index" -le "$last" ]; do
  SLURM_ARRAY_TASK_ID=$index SLURM_ARRAY_TASK_COUNT=$((last - first + 1)) sh -c "$wrapped" >/dev/null
  index=$((index + 1))
done
echo 17
"#;

/// A folder with the program and the doubles, to be looked through first by a shell.
fn programs(context: &TestContext) -> String {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = context.path().join("bin");
    fs::create_dir(&folder).expect("made");
    symlink(env!("CARGO_BIN_EXE_sparklake"), folder.join("sparklake")).expect("made");
    for (name, script) in [("aws", AWS), ("sbatch", SBATCH)] {
        fs::write(folder.join(name), script).expect("written");
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.join(name), executable).expect("set");
    }
    folder.display().to_string()
}

fn shell(context: &TestContext, path: &str, arguments: &[&str]) -> (i32, String) {
    let output = std::process::Command::new("/bin/sh")
        .args(arguments)
        .env_clear()
        .env("PATH", format!("{path}:/usr/bin:/bin"))
        .current_dir(context.path())
        .output()
        .expect("a shell");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    (output.status.code().expect("not killed"), text)
}

#[test]
fn the_nights_of_many_machines_load_a_lake_and_say_when_they_do_not() {
    for script in ["batch", "slurm"] {
        let context = TestContext::new();
        let path = programs(&context);
        let script = jobs().join(script).join("nightly.sh").display().to_string();
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/pair");
        let queue: &[&str] = if script.contains("batch") {
            &["queue"]
        } else {
            &[]
        };
        let night = |logs: &str| {
            let mut arguments = vec![script.as_str(), "lake", logs];
            arguments.extend(queue);
            arguments.push("2");
            shell(&context, &path, &arguments)
        };

        let (code, said) = night("no-such-folder");
        assert_ne!(code, 0, "{script}: a night that read nothing: {said}");

        let (code, said) = night(fixtures);
        assert_eq!(code, 0, "{script}: {said}");
        let loaded = "SELECT COUNT(*) AS n FROM applications";
        let loaded = context.run(&["sql", "--lake", "lake", "--format", "csv", loaded]);
        assert_eq!(loaded.out, "n\n2\n", "{script}: {loaded:?}");
        let status = context.run(&["status", "--lake", "lake", "--format", "json"]);
        let status: serde_json::Value = serde_json::from_str(&status.out).expect("JSON");
        assert!(status["waiting_run"].is_null(), "{script}: {status}");

        // A night without new logs.
        let (code, said) = night(fixtures);
        assert_eq!(code, 0, "{script}: {said}");
    }
}

#[test]
fn a_line_of_cron_finds_the_program_and_tells_of_failures_alone() {
    let context = TestContext::new();
    let path = programs(&context);
    let table = fs::read_to_string(jobs().join("cron/sparklake")).expect("there");
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/pair");
    context.file(
        "job.toml",
        &format!(
            "[lake]\nuri = \"lake\"\n[[source]]\nkind = \"event_log\"\nuris = [\"{fixtures}\"]\n"
        ),
    );
    fs::create_dir(context.path().join("log")).expect("made");
    let table = table
        .replace("/usr/local/bin", &path)
        .replace("/var/log/sparklake", "log")
        .replace("/etc/sparklake/", "");
    let lines = || {
        table
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
    };
    let is_job = |line: &&str| line.starts_with(|first: char| first.is_ascii_digit());
    let variables: Vec<&str> = lines().filter(|line| !is_job(line)).collect();
    let run_all = || -> Vec<String> {
        let commands = lines().filter(is_job).map(|line| {
            let fields = line.split_whitespace().collect::<Vec<_>>();
            assert_eq!(fields[5], "sparklake", "the user");
            fields[6..].join(" ")
        });
        commands
            .map(|command| {
                // What cron does: its variables, and a shell.
                let variables = variables.join("\nexport ");
                let line = format!("export {variables}\n{command}");
                let (_, said) = shell(&context, "", &["-c", &line]);
                said
            })
            .collect()
    };
    assert_eq!(run_all(), ["", ""], "nothing to mail");
    let runs = fs::read_to_string(context.path().join("log/runs.jsonl")).expect("written");
    assert!(runs.contains("\"exit_code\":0"), "{runs}");

    fs::remove_file(context.path().join("job.toml")).expect("removed");
    let mails = run_all();
    assert!(
        mails[0].contains("sparklake run ended with exit code 2"),
        "{mails:?}"
    );
    assert!(
        mails[1].contains("sparklake maintain ended with exit code 2"),
        "{mails:?}"
    );
}

#[test]
fn the_databricks_job_names_the_wheel_that_a_release_makes() {
    let text = fs::read_to_string(jobs().join("databricks-job/job.json")).expect("there");
    // What packaging/link-portable links against, in the words of packaging/wheel.py.
    let tags = "manylinux_2_17_x86_64.manylinux2014_x86_64";
    let wheel = format!(
        "/sparklake-{}-py3-none-{tags}.whl",
        env!("CARGO_PKG_VERSION")
    );
    assert!(text.contains(&wheel), "{wheel}");
    for file in [
        "kubernetes/cronjob.yaml",
        "kubernetes/shards.yaml",
        "batch/job-definition.json",
    ] {
        let text = fs::read_to_string(jobs().join(file)).expect("there");
        for rest in text.split("/sparklake:").skip(1) {
            assert!(
                rest.starts_with(env!("CARGO_PKG_VERSION")),
                "{file}: image of another version"
            );
        }
    }
}
