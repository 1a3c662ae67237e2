//! The recurring job that an application is a run of, and whether somebody sat before it.

use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};

/// Stands for what differs from run to run.
const MASK: &str = "#";

const MONTH: &str = "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)";
const YEAR: &str = "(?:19|20)[0-9]{2}";
const TIME: &str =
    "(?:[ t_-]?[0-9]{1,2}(?:[:._-]?[0-9]{2}){0,2}(?:[.,][0-9]+)?(?:z|[+-][0-9]{2}:?[0-9]{2})?)?";

/// Dates, times and ids that are more than one word; what the pattern's groups hold stays.
static LONG_IDS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let patterns = [
        // Airflow's run ids.
        "()(?:manual|scheduled|backfill|(?:data)?asset_triggered|dataset_triggered)[_-]{1,2}[0-9][0-9tz:.+_-]*[0-9z]()".to_owned(),
        "()[0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}()".to_owned(),
        format!("(^|[^0-9]){YEAR}[-/._][0-9]{{1,2}}[-/._][0-9]{{1,2}}{TIME}($|[^0-9a-z])"),
        format!("(^|[^0-9.])[0-9]{{1,2}}[-/._][0-9]{{1,2}}[-/._]{YEAR}{TIME}($|[^0-9a-z])"),
        format!("(^|[^0-9a-z])[0-9]{{1,2}}[-_/. ]?{MONTH}[-_/. ]?(?:{YEAR}|[0-9]{{2}})($|[^0-9a-z])"),
        format!("(^|[^a-z]){MONTH}[-_/. ]?[0-9]{{1,2}}[-_/. ,]+{YEAR}($|[^0-9a-z])"),
        format!("(^|[^0-9])(?:fy)?{YEAR}[-_/. ]?(?:q[1-4]|h[12]|(?:week|wk|w)[-_ ]?[0-9]{{1,2}}|{MONTH})($|[^0-9a-z])"),
        format!("(^|[^a-z])(?:q[1-4]|h[12]|{MONTH})[-_/. ]?(?:fy)?(?:{YEAR}|[0-9]{{2}})($|[^0-9a-z])"),
        "(^|[^a-z0-9])(?:january|february|april|june|july|august|september|october|november|december)($|[^a-z0-9])".to_owned(),
        "(^|[^a-z0-9])fy[0-9]{2}($|[^a-z0-9])".to_owned(),
        // A small letter counts queries, as of TPC-DS.
        "(?-i)(^|[^A-Za-z0-9])Q[1-4]($|[^A-Za-z0-9])".to_owned(),
    ];
    patterns
        .iter()
        .filter_map(|pattern| {
            let regex = RegexBuilder::new(pattern).case_insensitive(true).build();
            regex.ok()
        })
        .collect()
});

/// Masks in a row are one.
static MASKS_IN_A_ROW: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("#(?:[-:./_+ ]*#)+").ok());

/// Words that a run's number follows.
const COUNTED: [&str; 19] = [
    "run",
    "attempt",
    "try",
    "retry",
    "batch",
    "build",
    "exec",
    "execution",
    "iteration",
    "iter",
    "day",
    "week",
    "wk",
    "hour",
    "session",
    "invocation",
    "trigger",
    "seq",
    "runid",
];

/// Letters and digits of the names that Kubernetes makes.
const KUBERNETES_ALPHABET: &str = "bcdfghjklmnpqrstvwxz2456789";

/// The recurring job's name: the application's, with dates, times, ids and numbers of runs masked.
/// Of an application named by nothing else it is the program that the driver's `command` line runs.
#[must_use]
pub(super) fn job_key(application_name: &str, command: Option<&str>) -> String {
    let key = masked_name(application_name);
    if key.chars().any(char::is_alphanumeric) {
        return key;
    }
    command.and_then(program).map_or(key, masked_name)
}

/// The main class or script that a driver's command line runs.
fn program(command: &str) -> Option<&str> {
    let mut words = command.split_whitespace();
    while let Some(word) = words.next() {
        let script = if word.starts_with("--") {
            if OPTIONS_WITHOUT_VALUE.contains(&word) {
                continue;
            }
            let value = words.next();
            match word {
                "--class" if value != Some(PYTHON_RUNNER) => return value,
                "--primary-py-file" => value,
                _ => None,
            }
        } else {
            Some(word).filter(|word| matches!(word.rsplit_once('.'), Some((_, "py" | "jar" | "R"))))
        };
        if let Some(script) = script {
            return script.rsplit('/').next();
        }
    }
    None
}

/// Options of `spark-submit` that no value follows.
const OPTIONS_WITHOUT_VALUE: [&str; 2] = ["--supervise", "--verbose"];

/// The class that runs a Python script in the cluster.
const PYTHON_RUNNER: &str = "org.apache.spark.deploy.PythonRunner";

/// A name with dates, times, ids and numbers of runs masked.
fn masked_name(application_name: &str) -> String {
    let mut name = application_name.trim().to_owned();
    for pattern in LONG_IDS.iter() {
        // Twice: neighbors share the character between them.
        for _ in 0..2 {
            name = pattern.replace_all(&name, "${1}#${2}").into_owned();
        }
    }
    let words: Vec<&str> = words(&name).collect();
    let mut key = String::with_capacity(name.len());
    for (at, word) in words.iter().enumerate() {
        let before = at.checked_sub(2).and_then(|at| words.get(at)).copied();
        let joint = at.checked_sub(1).and_then(|at| words.get(at)).copied();
        let is_last = at + 1 == words.len();
        // `run=17`: only after a word that counts runs does the sign join.
        let is_joined = |before: &str| {
            joint.is_some_and(|joint| is_joint(joint) || (joint == "=" && is_counted(before)))
        };
        key.push_str(&masked(
            word,
            before.filter(|before| is_joined(before)),
            &key,
            is_last,
        ));
    }
    match MASKS_IN_A_ROW.as_ref() {
        Some(pattern) => pattern.replace_all(&key, MASK).into_owned(),
        None => key,
    }
}

/// A word with what differs from run to run masked. `before` is the word that it is joined to, `key`
/// what came before.
fn masked(word: &str, before: Option<&str>, key: &str, is_last: bool) -> String {
    let keep = || word.to_owned();
    let mask = || MASK.to_owned();
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 {
        let follows_hash = key.ends_with("#-");
        let is_suffix = is_last && word.len() == 5 && follows_hash && is_kubernetes(word);
        return if is_suffix { mask() } else { keep() };
    }
    if digits == word.len() {
        let is_counted = before.is_some_and(is_counted);
        let goes_on = key
            .trim_end_matches(['-', ':', '.', '/', '_', '+', ' '])
            .ends_with('#');
        return if digits >= 3 || is_counted || goes_on {
            mask()
        } else {
            keep()
        };
    }
    let letters = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let has_one_number = letters.bytes().all(|byte| byte.is_ascii_alphabetic());
    if is_hex_id(word, digits) {
        mask()
    } else if has_one_number && (is_counted(letters) || digits >= 4) {
        format!("{letters}#")
    } else if digits >= 4 || is_made_by_kubernetes(word, before.is_some(), has_one_number) {
        mask()
    } else {
        keep()
    }
}

fn is_counted(word: &str) -> bool {
    COUNTED
        .iter()
        .any(|counted| word.eq_ignore_ascii_case(counted))
}

/// A short commit or the like: letters and digits of hexadecimal numbers, mixed.
fn is_hex_id(word: &str, digits: usize) -> bool {
    let ends_in_number = word
        .trim_end_matches(|letter: char| letter.is_ascii_digit())
        .bytes()
        .all(|byte| byte.is_ascii_alphabetic());
    word.bytes().all(|byte| byte.is_ascii_hexdigit())
        && (word.len() >= 8 || (word.len() >= 6 && (digits >= 2 || !ends_in_number)))
}

/// The hash of a replica set, or the five characters after it.
fn is_made_by_kubernetes(word: &str, is_joined: bool, has_one_number: bool) -> bool {
    is_joined && matches!(word.len(), 5 | 8..=10) && !has_one_number && is_kubernetes(word)
}

fn is_kubernetes(word: &str) -> bool {
    word.chars()
        .all(|letter| KUBERNETES_ALPHABET.contains(letter))
}

/// Characters that join the parts of one name.
fn is_joint(word: &str) -> bool {
    matches!(word, "-" | ":" | "." | "/" | "_" | " ")
}

/// Runs of letters and digits, and each other character by itself.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = if first.is_alphanumeric() {
            rest.find(|letter: char| !letter.is_alphanumeric())
                .unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, tail) = rest.split_at_checked(end)?;
        rest = tail;
        Some(word)
    })
}

/// What to know an application by: its name, but of `python x.py` without one, which Spark names as a shell, its script.
pub(super) fn named<'a>(name: &'a str, script: Option<&'a str>) -> &'a str {
    let is_shell = name.trim().eq_ignore_ascii_case("pyspark-shell");
    script.filter(|_| is_shell).unwrap_or(name)
}

/// The Python file that a job was called from: `collect at /jobs/stats.py:347`; not a notebook's or a library's.
pub(super) fn script(job_name: &str) -> Option<&str> {
    let (path, line) = job_name.split_once(" at ")?.1.rsplit_once(':')?;
    let foreign = ["ipykernel", "ipython", "-packages/", "/pyspark/"];
    let is_script = path.starts_with('/')
        && path.ends_with(".py")
        && line.parse::<u32>().is_ok()
        && !foreign.iter().any(|part| path.contains(part));
    is_script.then(|| path.rsplit('/').next()).flatten()
}

/// Names that shells, notebooks and servers give their applications, in small letters.
const INTERACTIVE_NAMES: [&str; 8] = [
    "spark shell",
    "spark-shell",
    "pysparkshell",
    "pyspark-shell",
    "sparkr",
    "databricks shell",
    "spark connect server",
    "thrift jdbc/odbc server",
];

/// Beginnings and parts of such names.
const INTERACTIVE_PARTS: [&str; 14] = [
    "livy-session-",
    "sparksql::",
    "spark-sql::",
    "thrift jdbc/odbc",
    "thriftserver",
    "thrift server",
    "zeppelin",
    "jupyter",
    "sparkmagic",
    "notebook",
    "ipython",
    "apache toree",
    "almond",
    "spark connect",
];

/// Classes and scripts in a driver's command line that wait for somebody's next statement.
const INTERACTIVE_COMMANDS: [&str; 8] = [
    "org.apache.spark.repl.main",
    "hivethriftserver2",
    "sparkconnectserver",
    "livy.rsc.driver.rscdriverbootstrapper",
    "remoteinterpreterserver",
    "org.apache.toree",
    "sparkr-shell",
    "ipykernel",
];

/// Whether an application is a shell, a notebook or a server that waits for statements, by its name
/// and its driver's command line.
#[must_use]
pub(super) fn is_interactive(application_name: &str, command: Option<&str>) -> bool {
    let name = application_name.trim().to_ascii_lowercase();
    let command = command.unwrap_or_default().to_ascii_lowercase();
    INTERACTIVE_NAMES.contains(&name.as_str())
        || INTERACTIVE_PARTS.iter().any(|part| name.contains(part))
        || INTERACTIVE_COMMANDS
            .iter()
            .any(|part| command.contains(part))
        || is_sql_shell(&command)
}

/// Whether `spark-sql` was started without statements or a file of them, so that it waits for some.
fn is_sql_shell(command: &str) -> bool {
    let Some((_, arguments)) = command.split_once("sparksqlclidriver") else {
        return false;
    };
    !arguments
        .split_whitespace()
        .any(|argument| matches!(argument, "-f" | "-e") || argument.starts_with("--file="))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of applications and the jobs that they are runs of.
    const NAMES: &[(&str, &str)] = &[
        ("daily_load 2026-11-20", "daily_load #"),
        ("daily_load 2026-11-20 01:02:03", "daily_load #"),
        ("daily_load_2026-11-20T01:02:03.456Z", "daily_load_#"),
        ("daily_load_2026/11/20", "daily_load_#"),
        ("daily_load_20.11.2026", "daily_load_#"),
        ("daily-11-20-2026", "daily-#"),
        ("etl-20261120T010203", "etl-#"),
        ("etl-20261120_010203", "etl-#"),
        ("etl20261120", "etl#"),
        ("etl_1732593845", "etl_#"),
        ("etl_1732593845123", "etl_#"),
        ("2026-11-20 etl", "# etl"),
        ("dbt-run-3f2504e0-4f89-11d3-9a0c-0305e82c3301", "dbt-run-#"),
        ("dbt-run-3F2504E0-4F89-11D3-9A0C-0305E82C3301", "dbt-run-#"),
        ("etl_3f2504e04f8911d39a0c0305e82c3301", "etl_#"),
        (
            "orders-manual__2026-11-20T01:02:03.456789+00:00",
            "orders-#",
        ),
        ("orders-scheduled__2026-11-20T00:00:00+00:00", "orders-#"),
        (
            "orders.scheduled__2026-11-20T00:00:00+00:00.load",
            "orders.#.load",
        ),
        ("orders-backfill__2026-11-20T00:00:00+00:00", "orders-#"),
        (
            "airflow.orders.load.manual--2026-11-20",
            "airflow.orders.load.#",
        ),
        ("report november 2026", "report #"),
        ("report-Nov-2026", "report-#"),
        ("report_2026_november", "report_#"),
        ("report 20 Nov 2026", "report #"),
        ("report Nov 20, 2026", "report #"),
        ("report_september", "report_#"),
        ("closing-2026Q3", "closing-#"),
        ("closing-2026-Q3", "closing-#"),
        ("closing Q3 2026", "closing #"),
        ("closing Q3", "closing #"),
        ("closing FY26", "closing #"),
        ("weekly-2026-W47", "weekly-#"),
        ("weekly week 47", "weekly week #"),
        ("run42", "run#"),
        ("orders-run42", "orders-run#"),
        ("orders run 42", "orders run #"),
        ("orders attempt 3", "orders attempt #"),
        ("batch-7", "batch-#"),
        ("My Job [run=17]", "My Job [run=#]"),
        ("My Job [run=18]", "My Job [run=#]"),
        ("orders (batch=7)", "orders (batch=#)"),
        ("orders-7d9f8b6c5d-x2k4p", "orders-#"),
        ("orders-7d9f8b6c5d-bxkzp", "orders-#"),
        ("orders-x2k4p", "orders-#"),
        ("spark-pi-a1b2c3d4e5f60718", "spark-pi-#"),
        ("spark-pi-1732593845123456789-driver", "spark-pi-#-driver"),
        ("build-9fceb02", "build-#"),
        ("build 3f2a9c", "build #"),
        ("load 01HX3Z8J9KQ4M5N6P7R8S9T0V1", "load #"),
        ("job_202611_0001", "job_#"),
        ("export part-00012", "export part-#"),
        // What tells jobs apart stays.
        ("us-east-1", "us-east-1"),
        ("orders us-east-1", "orders us-east-1"),
        ("eu-west-2-load", "eu-west-2-load"),
        ("v2", "v2"),
        ("orders v2", "orders v2"),
        ("orders-v1.2.3", "orders-v1.2.3"),
        ("orders v1.2 2026-11-20", "orders v1.2 #"),
        ("etl-2", "etl-2"),
        ("orders [shard=2]", "orders [shard=2]"),
        ("etl_3", "etl_3"),
        ("step 2 of 3", "step 2 of 3"),
        ("tpcds-q3", "tpcds-q3"),
        ("log4j2", "log4j2"),
        ("s3-to-ec2", "s3-to-ec2"),
        ("utf8_to_base64", "utf8_to_base64"),
        ("facade", "facade"),
        ("decade2", "decade2"),
        ("march madness", "march madness"),
        ("mayfly", "mayfly"),
        ("decimal-2", "decimal-2"),
        ("consolidated_staging.yaml", "consolidated_staging.yaml"),
        ("Kunden-Übersicht", "Kunden-Übersicht"),
        ("", ""),
    ];

    #[test]
    fn job_keys_mask_runs_and_keep_jobs_apart() {
        let wrong: Vec<_> = NAMES
            .iter()
            .map(|(name, key)| (*name, *key, job_key(name, None)))
            .filter(|(_, key, found)| key != found)
            .collect();
        assert_eq!(wrong, []);
    }

    #[test]
    fn a_job_key_of_a_job_key_is_itself() {
        for (_, key) in NAMES {
            assert_eq!(job_key(key, None), *key);
        }
    }

    /// A name that is only a date is the same for all jobs of the day: the program tells them apart.
    #[test]
    fn jobs_named_by_a_date_are_told_apart_by_their_program() {
        for (command, key) in [
            (
                "org.apache.spark.deploy.SparkSubmit --master yarn --verbose --class com.acme.Orders s3://b/jobs.jar 2026-11-20",
                "com.acme.Orders",
            ),
            (
                "org.apache.spark.deploy.yarn.ApplicationMaster --class org.apache.spark.deploy.PythonRunner --primary-py-file load_orders.py --arg 2026-11-20",
                "load_orders.py",
            ),
            (
                "org.apache.spark.deploy.SparkSubmit --py-files lib.py --name 2026-11-20 s3://b/load_orders.py --class x",
                "load_orders.py",
            ),
            ("org.apache.spark.deploy.SparkSubmit spark-internal", "#"),
            ("", "#"),
        ] {
            assert_eq!(job_key("2026-11-20", Some(command)), key, "{command}");
            assert_eq!(job_key("orders 2026-11-20", Some(command)), "orders #");
        }
        assert_eq!(job_key("20261120", None), "#");
    }

    #[test]
    fn all_patterns_are_patterns() {
        assert_eq!(LONG_IDS.len(), 11);
        assert!(MASKS_IN_A_ROW.is_some());
    }

    #[test]
    fn shells_notebooks_and_servers_are_interactive() {
        for name in [
            "Spark shell",
            "PySparkShell",
            "pyspark-shell",
            "SparkR",
            "Databricks Shell",
            "Thrift JDBC/ODBC Server",
            "Spark Connect server",
            "livy-session-12",
            "SparkSQL::10.0.0.1",
            "zeppelin-spark",
            "jupyter-ana",
            "My Notebook",
        ] {
            assert!(is_interactive(name, None), "{name}");
        }
        for name in [
            "orders",
            "shell-company-report",
            "livy-batch",
            "connect orders",
        ] {
            assert!(!is_interactive(name, None), "{name}");
        }
        let shell = "org.apache.spark.deploy.SparkSubmit --class org.apache.spark.repl.Main --name x spark-shell";
        assert!(is_interactive("x", Some(shell)));
        let sql_shell = "org.apache.spark.deploy.SparkSubmit --class \
                         org.apache.spark.sql.hive.thriftserver.SparkSQLCLIDriver spark-internal";
        assert!(is_interactive("x", Some(sql_shell)));
        for batch in ["-f /jobs/orders.sql", "-e 'SELECT 1'", "--file=a.sql"] {
            assert!(!is_interactive("x", Some(&format!("{sql_shell} {batch}"))));
        }
        let script = "org.apache.spark.deploy.SparkSubmit pyspark-shell";
        assert!(!is_interactive("orders", Some(script)));
    }

    #[test]
    fn a_script_without_a_name_is_known_by_its_file() {
        assert_eq!(script("collect at /jobs/stats.py:347"), Some("stats.py"));
        for other in [
            "collect at /usr/lib/python3/site-packages/pyspark/rdd.py:1",
            "collect at /tmp/ipykernel_12/3.py:1",
            "collect at <stdin>:1",
            "count at NativeMethodAccessorImpl.java:0",
            "collect at /jobs/stats.py",
        ] {
            assert_eq!(script(other), None, "{other}");
        }
        assert_eq!(named("pyspark-shell", Some("stats.py")), "stats.py");
        assert_eq!(named("pyspark-shell", None), "pyspark-shell");
        assert_eq!(named("orders", Some("stats.py")), "orders");
    }
}
