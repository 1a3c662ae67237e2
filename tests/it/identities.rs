//! Whose log it is: several applications in one place, one in several, and logs that lost a piece.

use std::fs;
use std::path::Path;

use super::hostile::{event, job, log, start};
use super::program::load;
use super::stored::rows;
use super::world::{folder, remove};

/// SparkContexts of Databricks, beyond what a double can hold.
const CONTEXT: i64 = 8_880_912_756_278_443_690;
const CLUSTER: &str = "0705-101500-abc24";

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, bytes).expect("a log");
}

fn metadata(context: i64, number: i64) -> Vec<u8> {
    event(
        "DBCEventLoggingListenerMetadata",
        &format!(
            r#""Spark Version":"3.5.0","Timestamp":1,"Rollover Number":{number},"SparkContext Id":{context}"#
        ),
    )
}

/// The first chunk of an application: its start and job 0.
fn first_chunk(context: i64, id: &str) -> Vec<u8> {
    [
        metadata(context, 0),
        start(id, 1_720_000_000_000),
        job(0, 0, &[0, 1], 1_720_000_000_100),
    ]
    .concat()
}

/// A later chunk, with job, stage and task numbers of its own.
fn later_chunk(context: i64, number: i64) -> Vec<u8> {
    let time = 1_720_000_000_100 + 1_000 * number;
    [
        metadata(context, number),
        job(number, number, &[2 * number, 2 * number + 1], time),
    ]
    .concat()
}

/// Some columns of a table's rows, sorted.
fn told(lake: &Path, table: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = rows(lake, table)
        .into_iter()
        .map(|row| {
            let of = |column: &&str| row.get(*column).cloned().unwrap_or_default();
            columns.iter().map(of).collect()
        })
        .collect();
    found.sort();
    found
}

#[test]
fn chunks_of_databricks_are_put_together_by_what_they_say() {
    let folder = folder("identities-chunks");
    let (logs, lake) = (folder.join("logs"), folder.join("lake"));
    let cluster = |name: &str| logs.join(name).join("eventlog").join(format!("{name}_1"));
    // One chunk twice, one not delivered.
    let delivered = cluster(CLUSTER).join("1");
    let first = first_chunk(CONTEXT, "app-a");
    write(&delivered.join("eventlog-2024-07-05--10-00"), &first);
    write(
        &delivered.join("eventlog-2024-07-05--10-00.gz"),
        &gzip(first.get(..first.len() / 2).expect("a half")),
    );
    write(&delivered.join("eventlog"), &later_chunk(CONTEXT, 2));
    // Two contexts in one folder, and the same application id on another cluster.
    let restarted = cluster("0705-101500-abc25").join("logs");
    let dated = |hour: u32| restarted.join(format!("eventlog-2024-07-05--{hour}-00"));
    write(&dated(11), &first_chunk(CONTEXT + 1, "app-a"));
    write(&dated(12), &later_chunk(CONTEXT + 1, 1));
    write(
        &restarted.join("eventlog"),
        &first_chunk(CONTEXT + 2, "app-b"),
    );

    load(&logs, &lake).assert_code(3);
    let applications = told(
        &lake,
        "applications",
        &[
            "cluster_id",
            "application_id",
            "num_jobs",
            "num_tasks",
            "complete",
        ],
    );
    let other = "0705-101500-abc25";
    assert_eq!(
        applications,
        [
            [CLUSTER, "app-a", "2", "4", "false"],
            [other, "app-a", "2", "4", "false"],
            [other, "app-b", "1", "2", "false"],
        ]
        .map(|row| row.map(str::to_owned).to_vec())
    );
    let partial: Vec<_> = rows(&lake, "ingest_sources")
        .into_iter()
        .filter(|row| row["status"] != "loaded")
        .collect();
    assert_eq!(partial.len(), 1, "{partial:?}");
    assert_eq!(partial[0]["status"], "partial");
    assert_eq!(partial[0]["error_kind"], "missing_files");
    assert!(
        partial[0]["error"].contains("rollover number 1 "),
        "{partial:?}"
    );

    let again = load(&logs, &lake);
    again.assert_code(0);
    assert_eq!((again.count("unchanged"), again.count("bytes")), (3, 0));

    // What was missing comes late: the application is whole, and nothing of it is there twice.
    write(
        &delivered.join("eventlog-2024-07-05--11-00"),
        &later_chunk(CONTEXT, 1),
    );
    load(&logs, &lake).assert_code(0);
    let late: Vec<_> = told(
        &lake,
        "applications",
        &["cluster_id", "num_jobs", "num_tasks"],
    );
    assert!(
        late.contains(&[CLUSTER, "3", "6"].map(str::to_owned).to_vec()),
        "{late:?}"
    );
    assert_eq!(late.len(), 3);
    remove(&folder);
}

fn gzip(text: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).expect("written");
    encoder.finish().expect("written")
}

#[test]
fn a_log_without_its_beginning_is_read_as_far_as_it_goes() {
    let folder = folder("identities-beginning");
    let (logs, lake) = (folder.join("logs"), folder.join("lake"));
    let yarn = "application_1720000000000_0007";
    write(
        &logs.join(format!("eventlog_v2_{yarn}_2/events_3_{yarn}_2")),
        &job(5, 5, &[9], 1_720_000_000_100),
    );
    let by_name = "app-20240703100000-0001";
    write(&logs.join(by_name), &job(5, 5, &[9], 1_720_000_000_100));
    let environment = event(
        "SparkListenerEnvironmentUpdate",
        r#""JVM Information":{},"Spark Properties":{"spark.app.id":"Told-By-Event","spark.app.name":"n"},"Hadoop Properties":{},"System Properties":{},"Metrics Properties":{}"#,
    );
    write(
        &logs.join("c/0705-101500-abc24/eventlog/x/1/eventlog"),
        &[later_chunk(CONTEXT, 4), environment].concat(),
    );
    write(
        &logs.join("c/0705-101500-abc25/eventlog/x/1/eventlog"),
        &later_chunk(CONTEXT + 1, 4),
    );

    load(&logs, &lake).assert_code(3);
    let expected = [
        ["8880912756278443691", "0", "", "2024-07-03", "1", "false"],
        ["Told-By-Event", "0", "", "2024-07-03", "1", "false"],
        [by_name, "0", "", "2024-07-03", "1", "false"],
        [yarn, "2", "", "2024-07-03", "1", "false"],
    ];
    let columns = [
        "application_id",
        "attempt_id",
        "start_time",
        "app_date",
        "num_jobs",
        "complete",
    ];
    assert_eq!(
        told(&lake, "applications", &columns),
        expected.map(|row| row.map(str::to_owned).to_vec())
    );
    let kinds = told(&lake, "ingest_sources", &["status", "error_kind"]);
    let kind = ["partial", "no_application_start"]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(kinds, vec![kind; 4]);

    // The first chunk comes late, and brings the real id.
    for number in 0..4 {
        let chunk = match number {
            0 => first_chunk(CONTEXT + 1, "app-late"),
            number => later_chunk(CONTEXT + 1, number),
        };
        let name = format!("c/0705-101500-abc25/eventlog/x/1/eventlog-2024-07-05--1{number}-00");
        write(&logs.join(name), &chunk);
    }
    load(&logs, &lake).assert_code(0);
    let ids = told(&lake, "applications", &["application_id", "num_jobs"]);
    assert!(
        ids.contains(&["app-late", "5"].map(str::to_owned).to_vec()),
        "{ids:?}"
    );
    assert_eq!(
        ids.len(),
        4,
        "the rows under the context's id are replaced: {ids:?}"
    );
    remove(&folder);
}

#[test]
fn applications_in_one_file_are_applications_of_their_own() {
    let folder = folder("identities-sections");
    let (logs, lake) = (folder.join("logs"), folder.join("lake"));
    let jobs = |count: i64| -> Vec<u8> {
        (0..count)
            .flat_map(|id| job(id, id, &[id], 1_100 + 20 * id))
            .collect()
    };
    let one = log("app-one", 1_000, 2_000, &jobs(1));
    let two = log("app-two", 1_000, 2_000, &jobs(2));
    let three = log("app-three", 1_000, 2_000, &jobs(3));
    write(
        &logs.join("concatenated"),
        &[one.clone(), two.clone(), three].concat(),
    );
    // The same application restarted with the same id stays one; another has a log of its own, too.
    write(&logs.join("two"), &two);
    write(
        &logs.join("restarted"),
        &[
            log("app-r", 1_000, 2_000, &jobs(1)),
            log("app-r", 3_000, 4_000, b""),
        ]
        .concat(),
    );

    load(&logs, &lake).assert_code(0);
    let applications = || {
        told(
            &lake,
            "applications",
            &["application_id", "num_jobs", "complete"],
        )
    };
    let expected = [
        ["app-one", "1", "true"],
        ["app-r", "1", "true"],
        ["app-three", "3", "true"],
        ["app-two", "2", "true"],
    ]
    .map(|row| row.map(str::to_owned).to_vec());
    assert_eq!(applications(), expected);
    assert_eq!(rows(&lake, "jobs").len(), 7);
    let again = load(&logs, &lake);
    again.assert_code(0);
    assert_eq!(again.count("bytes"), 0, "{}", again.out);
    assert_eq!(applications(), expected);
    remove(&folder);
}

#[test]
fn the_path_tells_clusters_apart_and_copies_are_read_once() {
    let folder = folder("identities-paths");
    let (logs, lake) = (folder.join("logs"), folder.join("lake"));
    let id = "app-20240703100000-0000";
    let one = log(id, 1_000, 2_000, &job(0, 0, &[0], 1_100));
    // Another cluster forms the same id; it does not start in the same millisecond.
    let other = log(
        id,
        1_001,
        2_000,
        &[job(0, 0, &[0], 1_100), job(1, 1, &[1], 1_200)].concat(),
    );
    write(&logs.join("a/logs").join(id), &one);
    write(&logs.join("b/logs").join(id), &other);
    write(&logs.join("backup").join(id), &one);
    // In one folder, another start tells that it is another application.
    let later = log(id, 5_000, 6_000, &job(0, 0, &[0], 5_100));
    write(&logs.join("a/logs/renamed"), &later);

    load(&logs, &lake).assert_code(0);
    let clusters = || {
        told(
            &lake,
            "applications",
            &["cluster_name", "num_jobs", "start_time"],
        )
    };
    let found = clusters();
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(
        found.iter().filter(|row| row[1] == "2").count(),
        1,
        "{found:?}"
    );
    let skipped: Vec<_> = rows(&lake, "ingest_sources")
        .into_iter()
        .filter(|row| row["status"] == "skipped")
        .collect();
    assert_eq!(skipped.len(), 1, "{skipped:?}");
    assert_eq!(skipped[0]["error_kind"], "duplicate_application");

    // Whatever folder is named, a log keeps its cluster.
    let again = load(&logs.join("a"), &lake);
    again.assert_code(0);
    assert_eq!(again.count("bytes"), 0, "{}", again.out);
    let fresh = folder.join("fresh");
    load(&logs.join("b/logs"), &fresh).assert_code(0);
    let id_of = |lake: &Path| {
        told(lake, "applications", &["num_jobs", "cluster_id"])
            .into_iter()
            .find(|row| row[0] == "2")
    };
    assert_eq!(id_of(&fresh), id_of(&lake));
    assert!(id_of(&lake).is_some_and(|row| row[1].ends_with("/logs/b/logs")));
    remove(&folder);
}

#[test]
fn a_packed_cut_or_renamed_copy_elsewhere_is_the_same_application() {
    let folder = folder("identities-copies");
    let id = "app-20240703100000-0000";
    let jobs = [job(0, 0, &[0], 1_100), job(1, 1, &[1], 1_200)].concat();
    let whole = log(id, 1_000, 2_000, &jobs);
    let cut = &whole[..whole.len() * 3 / 4];
    // One night sees all of them: the whole one is read.
    let (logs, lake) = (folder.join("logs"), folder.join("lake"));
    write(&logs.join("prod").join(id), &whole);
    write(&logs.join("archive/packed.gz"), &gzip(&whole));
    write(&logs.join("backup/cut"), cut);
    load(&logs, &lake).assert_code(0);
    let found = told(&lake, "applications", &["cluster_name", "num_jobs"]);
    assert_eq!(found, [["prod", "2"]]);
    let skipped = rows(&lake, "ingest_sources")
        .into_iter()
        .filter(|row| row["status"] == "skipped")
        .all(|row| row["error_kind"] == "duplicate_application");
    assert!(skipped);
    let again = load(&logs, &lake);
    again.assert_code(0);
    assert_eq!(again.count("bytes"), 0, "{}", again.out);

    // One after the other, in either order: what is whole stays, and replaces what is not.
    for names in [["packed.gz", "cut"], ["cut", "packed.gz"]] {
        let home = folder.join(names[0]);
        let (logs, lake) = (home.join("logs"), home.join("lake"));
        for name in names {
            let bytes = match name {
                "cut" => cut.to_vec(),
                _ => gzip(&whole),
            };
            write(&logs.join(format!("in-{name}")).join(name), &bytes);
            load(&logs, &lake);
        }
        let cluster = format!("in-{}", names[0]);
        let found = told(&lake, "applications", &["cluster_name", "num_jobs"]);
        assert_eq!(found, [[cluster.as_str(), "2"]], "{names:?}");
        assert_eq!(rows(&lake, "jobs").len(), 2, "{names:?}");
        let again = load(&logs, &lake);
        assert_eq!(again.count("bytes"), 0, "{}", again.out);
    }
    remove(&folder);
}

#[test]
fn contexts_with_one_application_id_are_applications_of_their_own() {
    let folder = folder("identities-contexts");
    let (logs, lake) = (folder.join("logs"), folder.join("lake"));
    let delivered = logs.join(CLUSTER).join("eventlog/x/logs");
    write(
        &delivered.join("eventlog-2024-07-05--10-00"),
        &first_chunk(CONTEXT, "app-a"),
    );
    write(
        &delivered.join("eventlog"),
        &first_chunk(CONTEXT + 1, "app-a"),
    );
    for _ in 0..2 {
        load(&logs, &lake).assert_code(0);
        assert_eq!(rows(&lake, "applications").len(), 2);
        assert_eq!(rows(&lake, "tasks").len(), 4);
    }
    remove(&folder);
}
