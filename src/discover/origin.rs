//! Which cluster a log in a plain folder comes from, by its path alone.
//!
//! The id must tell unrelated folders apart, however alike they are called, and must be the same
//! every night, whether a log was found from its folder or from one above. So it is a URI: of the
//! folder that holds the logs, above folders that stand for a day, a partition or one application.
//! Databricks' delivery has the cluster's own id in the path.

use super::history::Layout;
use super::location::Location;
use super::names;

/// Folder names that say nothing about whose logs are in there.
const GENERIC_NAMES: &[&str] = &[
    "applicationhistory",
    "apps",
    "event-logs",
    "event_logs",
    "eventlog",
    "eventlogs",
    "events",
    "history",
    "log",
    "logs",
    "spark",
    "spark-events",
    "spark-history",
    "spark-logs",
    "spark_events",
    "spark_logs",
    "sparklogs",
];

/// What the tables call the cluster of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub cluster_id: String,
    pub cluster_name: String,
}

/// The cluster of the log at `path`; `name` is what the job file calls the source.
pub(super) fn origin(
    location: &Location,
    path: &str,
    layout: Layout,
    name: Option<&str>,
) -> Origin {
    let folder = match layout {
        Layout::Databricks => path,
        _ => names::folder(path),
    };
    let mut folders: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    let given = |origin: Origin| Origin {
        cluster_name: name.map_or(origin.cluster_name, str::to_owned),
        ..origin
    };
    if layout == Layout::Databricks {
        if let Some(id) = folders
            .iter()
            .rev()
            .find_map(|name| databricks_cluster(name))
        {
            return given(Origin {
                cluster_id: id.to_owned(),
                cluster_name: id.to_owned(),
            });
        }
        above_delivery(&mut folders);
    } else {
        above_parts(&mut folders);
    }
    match name {
        Some(name) => Origin {
            cluster_id: name.to_owned(),
            cluster_name: name.to_owned(),
        },
        None => Origin {
            cluster_id: folder_uri(location, &folders),
            cluster_name: short_name(&folders).unwrap_or_else(|| location.host_name()),
        },
    }
}

/// What a cluster is called whose id is `cluster_id`: a folder by its last part, others by their id.
pub(crate) fn name_of_cluster(cluster_id: &str) -> String {
    let Some((scheme, path)) = cluster_id.split_once("://") else {
        return cluster_id.to_owned();
    };
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let host = parts.first().filter(|_| scheme != "file");
    let folders = parts.get(usize::from(host.is_some())..).unwrap_or_default();
    let name = short_name(folders).or_else(|| host.map(|host| (*host).to_owned()));
    name.unwrap_or_else(|| cluster_id.to_owned())
}

/// The URI of a folder; a bucket as a whole without the slash at its end.
fn folder_uri(location: &Location, folders: &[&str]) -> String {
    let uri = location.uri_of(&folders.join("/"));
    match uri.strip_suffix('/') {
        Some(bucket) if location.local.is_none() => bucket.to_owned(),
        _ => uri,
    }
}

/// `0705-101500-abc24`, also with the driver's address behind it: `0705-101500-abc24_10_0_0_4`.
fn databricks_cluster(name: &str) -> Option<&str> {
    let id = name.split('_').next()?;
    let mut parts = id.split('-');
    let is_number = |part: Option<&str>, length| {
        part.is_some_and(|part| part.len() == length && part.bytes().all(|b| b.is_ascii_digit()))
    };
    let fits = is_number(parts.next(), 4)
        && is_number(parts.next(), 6)
        && parts.next().is_some_and(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
        && parts.next().is_none();
    fits.then_some(id)
}

/// Leaves `<cluster>` of `<cluster>/eventlog/<driver>/<context>`.
fn above_delivery(folders: &mut Vec<&str>) {
    let delivery = folders.iter().rposition(|name| *name == "eventlog");
    if let Some(at) = delivery.filter(|at| *at > 0) {
        folders.truncate(at);
    }
}

/// Leaves folders of many logs: no days, partitions, applications, nor job runs of EMR.
fn above_parts(folders: &mut Vec<&str>) {
    if folders.last() == Some(&"sparklogs")
        && let Some(jobs) = folders.iter().rposition(|name| *name == "jobs")
        && jobs > 0
    {
        folders.truncate(jobs);
    }
    while folders.len() > 1 && folders.last().is_some_and(|name| is_part(name)) {
        folders.pop();
    }
}

/// Whether a folder is a part of a larger one: a date, `dt=2024-07-05`, or an application.
fn is_part(name: &str) -> bool {
    let is_date = name.bytes().any(|byte| byte.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'T' | b':'));
    let is_partition = name.split_once('=').is_some_and(|(key, _)| !key.is_empty());
    is_date || is_partition || names::application_in_name(name).is_some()
}

/// The last folder, with the one above where its own name says nothing.
fn short_name(folders: &[&str]) -> Option<String> {
    let (last, above) = folders.split_last()?;
    let is_generic = GENERIC_NAMES.contains(&last.to_ascii_lowercase().as_str());
    Some(match above.last().filter(|_| is_generic) {
        Some(parent) => format!("{parent}/{last}"),
        None => (*last).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn of(root: &str, path: &str, layout: Layout, name: Option<&str>) -> (String, String) {
        let location = Location::resolve(root, &HashMap::new()).expect("a place");
        let origin = origin(&location, path, layout, name);
        (origin.cluster_id, origin.cluster_name)
    }

    fn pair(id: &str, name: &str) -> (String, String) {
        (id.to_owned(), name.to_owned())
    }

    #[test]
    fn the_name_of_a_folder_follows_from_its_uri() {
        for root in ["/data", "s3://bucket"] {
            for path in ["shop/logs/app-1", "etl/app-1", "app-1", "logs/app-1"] {
                let path = match root {
                    "/data" => format!("data/{path}"),
                    _ => path.to_owned(),
                };
                let (id, name) = of(root, &path, Layout::SingleFile, None);
                assert_eq!(name_of_cluster(&id), name, "{id}");
            }
        }
        assert_eq!(name_of_cluster("production"), "production");
    }

    #[test]
    fn folders_that_end_alike_are_told_apart() {
        let of = |path| of("/data", path, Layout::SingleFile, None);
        assert_eq!(
            of("data/shop/logs/app-1"),
            pair("file:///data/shop/logs", "shop/logs")
        );
        assert_eq!(
            of("data/fraud/logs/app-1"),
            pair("file:///data/fraud/logs", "fraud/logs")
        );
        assert_eq!(of("data/etl/app-1"), pair("file:///data/etl", "etl"));
    }

    #[test]
    fn the_root_on_the_command_line_and_folders_of_days_do_not_matter() {
        let expected = pair("s3://bucket/etl/logs", "etl/logs");
        for root in [
            "s3://bucket",
            "s3://bucket/etl",
            "s3://bucket/etl/logs/2024",
        ] {
            for path in [
                "etl/logs/app-1",
                "etl/logs/2024/07/05/app-1",
                "etl/logs/dt=2024-07-05/app-1.zstd",
                "etl/logs/application_1700000000000_0001/app",
                "etl/logs/2024-07-05/eventlog_v2_app-1",
            ] {
                let layout = match path.contains("eventlog_v2") {
                    true => Layout::Rolling,
                    false => Layout::SingleFile,
                };
                assert_eq!(of(root, path, layout, None), expected, "{path}");
            }
        }
    }

    #[test]
    fn platforms_write_their_cluster_into_the_path() {
        let delivered = "x/0705-101500-abc24/eventlog/0705-101500-abc24_10_0_0_4/889";
        let id = "0705-101500-abc24";
        let of = |path, layout, name| of("s3://bucket", path, layout, name);
        assert_eq!(of(delivered, Layout::Databricks, None), pair(id, id));
        assert_eq!(
            of(delivered, Layout::Databricks, Some("prod")),
            pair(id, "prod")
        );
        assert_eq!(
            of(
                "copies/0705-101500-abc24_10_0_0_4/889",
                Layout::Databricks,
                None
            ),
            pair(id, id)
        );
        assert_eq!(
            of("x/mine/eventlog/a/b", Layout::Databricks, None),
            pair("s3://bucket/x/mine", "mine")
        );
        assert_eq!(
            of(
                "x/applications/00f1/jobs/00f2/sparklogs/eventlog_v2_00f2",
                Layout::Rolling,
                None
            ),
            pair("s3://bucket/x/applications/00f1", "00f1")
        );
    }

    #[test]
    fn a_name_in_the_job_file_goes_first_and_a_bucket_is_the_last_resort() {
        let name = Some("ours");
        assert_eq!(
            of("s3://bucket", "a/app-1", Layout::SingleFile, name),
            pair("ours", "ours")
        );
        assert_eq!(
            of("s3://bucket", "app-1", Layout::SingleFile, None),
            pair("s3://bucket", "bucket")
        );
        assert_eq!(
            of("/", "app-1", Layout::SingleFile, None),
            pair("file:///", "event_logs")
        );
    }
}
