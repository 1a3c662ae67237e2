//! What a step was started with.

use super::api::Step;

/// Options of `spark-submit` that stand alone; all others have a value.
const FLAGS: [&str; 6] = [
    "--help",
    "--supervise",
    "--usage-error",
    "--verbose",
    "--version",
    "-v",
];
/// Programs of Spark that a step can name.
const SPARK_PROGRAMS: [&str; 5] = [
    "spark-submit",
    "spark-sql",
    "spark-shell",
    "pyspark",
    "spark-example",
];

/// Whether a step runs Spark, as far as its command line tells.
pub(super) fn is_spark(step: &Step) -> bool {
    spark_arguments(step).is_some()
}

/// What follows Spark's program on the step's command line.
fn spark_arguments(step: &Step) -> Option<&[String]> {
    let arguments = step.summary.config.as_ref()?.args();
    let position = arguments.iter().position(|argument| {
        let program = argument.rsplit('/').next().unwrap_or(argument);
        SPARK_PROGRAMS.contains(&program)
    })?;
    arguments.get(position + 1..)
}

/// The main program: what `spark-submit` was given, or the step's own jar or command.
///
/// Only this and no further argument is kept: arguments hold passwords.
pub(super) fn entry_point(step: &Step) -> Option<String> {
    if let Some(arguments) = spark_arguments(step) {
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if !argument.starts_with('-') {
                return Some(argument.clone());
            }
            let has_value = !argument.contains('=') && !FLAGS.contains(&argument.as_str());
            if has_value {
                rest.next();
            }
        }
        return None;
    }
    let config = step.summary.config.as_ref()?;
    match config.jar.as_deref() {
        Some(jar) if !jar.ends_with("command-runner.jar") => Some(jar.to_owned()),
        _ => config.args().first().cloned(),
    }
}

/// The properties that a step gave to Spark: `--conf name=value`.
pub(super) fn spark_properties(step: &Step) -> Vec<(&str, &str)> {
    let arguments = spark_arguments(step).unwrap_or_default();
    let mut found = Vec::new();
    for (index, argument) in arguments.iter().enumerate() {
        let property = match argument.as_str() {
            "--conf" | "-c" => arguments.get(index + 1).map(String::as_str),
            other => other.strip_prefix("--conf="),
        };
        found.extend(property.and_then(|property| property.split_once('=')));
    }
    found
}
