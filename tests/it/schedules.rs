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
