//! The scanner of task events beside serde: on every line of every log, both say the same.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use sparklake::discover::event_logs::{EventLogSource, discover};
use sparklake::discover::{History, Window};
use sparklake::extract::eventlog::codec::DecodeLimits;
use sparklake::extract::eventlog::event::EventParser;
use sparklake::extract::eventlog::layout;

/// Our own logs, and those of a corpus where one is named.
fn folders() -> Vec<String> {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/logs");
    let corpus = std::env::var_os("SPARKLAKE_CONFORMANCE").map(PathBuf::from);
    [Some(own), corpus]
        .into_iter()
        .flatten()
        .map(|path| path.display().to_string())
        .collect()
}

/// Lines compared, and how many of them are task ends.
fn compare(history: &History, runtime: &tokio::runtime::Handle) -> (usize, usize) {
    // Whatever is no log has no lines to compare.
    let open = |log| layout::open(log, runtime, &DecodeLimits::default()).ok();
    let Some(reader) = history.log().and_then(open) else {
        return (0, 0);
    };
    let mut parser = EventParser::default();
    let (mut lines, mut ends) = (0, 0);
    for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
        let scanned = format!("{:?}", parser.parse(&line).ok());
        let parsed = format!("{:?}", parser.parse_without_scanner(&line).ok());
        assert_eq!(scanned, parsed, "line {} of {}", lines + 1, history.uri());
        lines += 1;
        ends += usize::from(scanned.contains("TaskEnd("));
    }
    (lines, ends)
}

#[test]
fn scanner_and_serde_agree_on_every_line() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let source = EventLogSource {
        uris: folders(),
        name: None,
        storage_options: Default::default(),
    };
    let found = runtime
        .block_on(discover(&source, &Window::default()))
        .expect("the fixtures are there");
    let compared = found
        .histories
        .iter()
        .map(|history| compare(history, runtime.handle()));
    let (lines, ends) = compared.fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
    assert!(
        lines > 1_000 && ends > 300,
        "only {lines} lines and {ends} task ends were compared"
    );
}

/// Found by fuzzing: Spark's names alone do not make an accumulator internal.
#[test]
fn an_accumulable_is_internal_only_where_it_says_so() {
    let line = |accumulable: &str| {
        let info = r#""Task ID":0,"Index":0,"Attempt":0,"Launch Time":1,"Executor ID":"1","Host":"h","Locality":"ANY","Speculative":false,"Getting Result Time":0,"Finish Time":2,"Failed":false,"Killed":false"#;
        let metrics = r#""Executor Deserialize Time":1,"Executor Run Time":1,"Result Size":1,"JVM GC Time":0,"Result Serialization Time":0,"Memory Bytes Spilled":0,"Disk Bytes Spilled":0"#;
        format!(
            r#"{{"Event":"SparkListenerTaskEnd","Stage ID":0,"Stage Attempt ID":0,"Task Type":"ResultTask","Task End Reason":{{"Reason":"Success"}},"Task Info":{{{info},"Accumulables":[{accumulable}]}},"Task Metrics":{{{metrics}}}}}"#
        )
    };
    let mut parser = EventParser::default();
    let mut users = Vec::new();
    for rest in [
        r#""Internal":true,"Count Failed Values":true"#,
        r#""I nternal":true,"Count Failed Values":true"#,
        r#""Internal":false,"Count Failed Values":true"#,
        r#""Metadata":"sql","Internal":true,"Count Failed Values":true"#,
    ] {
        let head = r#""ID":7,"Name":"internal.metrics.resultSize","Update":5,"Value":"#;
        for value in ["15", "-1", "1.5", "\"}\"", "[]"] {
            let line = line(&format!("{{{head}{value},{rest}}}"));
            let scanned = format!("{:?}", parser.parse(line.as_bytes()).ok());
            let parsed = format!("{:?}", parser.parse_without_scanner(line.as_bytes()).ok());
            assert_eq!(scanned, parsed, "{line}");
            users.push(scanned.contains("Accumulable {"));
        }
    }
    let internal = [false; 5];
    let users_own = [true; 5];
    assert_eq!(users, [internal, users_own, users_own, internal].concat());
}
