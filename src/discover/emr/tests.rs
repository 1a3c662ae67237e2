use std::collections::HashMap;

use aws_sdk_emr::types::{self, Configuration, HadoopStepConfig, StepSummary};
use chrono::{DateTime, Utc};

use super::api::{Step, applications_of_steps};
use super::application_ids::application_id_in;
use super::instances::{Definitions, InstanceLifetime, aggregate};
use super::ownership::{Lifetime, Owner, OwnershipProofs, by_lifetime, by_proof};
use super::setup::{Setup, s3_folder};
use super::source::{EmrSource, cluster_id_of, wanted_states};
use crate::discover::aws;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn step(arguments: &[&str]) -> Step {
    let arguments = arguments.iter().map(|&text| text.to_owned()).collect();
    let config = HadoopStepConfig::builder()
        .jar("command-runner.jar")
        .set_args(Some(arguments))
        .build();
    Step {
        summary: StepSummary::builder().id("s-1").config(config).build(),
        application_ids: Vec::new(),
    }
}

#[test]
fn clusters_are_named_by_id_or_by_the_arn_of_any_partition() {
    let region = "eu-west-1";
    let id = |name: &str| cluster_id_of(name, region);
    for partition in ["aws", "aws-cn", "aws-us-gov"] {
        let arn = format!("arn:{partition}:elasticmapreduce:eu-west-1:1:cluster/j-1ABC");
        assert_eq!(id(&arn).unwrap(), "j-1ABC");
    }
    assert_eq!(id("j-1ABC").unwrap(), "j-1ABC");
    let wrong = id("arn:aws:elasticmapreduce:us-east-1:1:cluster/j-1").unwrap_err();
    assert_eq!(wrong.code(), "WRONG_REGION");
    for name in [
        "",
        "j-",
        "etl",
        "arn:aws:s3:::bucket",
        "arn:aws:elasticmapreduce:eu-west-1:1:step/s-1",
    ] {
        assert_eq!(
            id(name).unwrap_err().code(),
            "INVALID_CLUSTER_ARN",
            "{name}"
        );
    }
}

#[test]
fn states_are_checked_before_anything_is_asked() {
    let states = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        wanted_states(&names)
    };
    assert_eq!(states(&["ALL"]).unwrap().len(), 7);
    assert_eq!(states(&[]).unwrap().len(), 7);
    assert_eq!(
        states(&["waiting", "TERMINATED"]).unwrap(),
        [
            types::ClusterState::Terminated,
            types::ClusterState::Waiting
        ]
    );
    let wrong = states(&["DONE"]).unwrap_err();
    assert_eq!(wrong.code(), "INVALID_CLUSTER_STATE");
}

#[test]
fn only_folders_in_s3_outlive_the_cluster() {
    for folder in [
        "s3://b/logs/",
        "s3a://b/logs",
        "s3n://b/logs",
        " S3://b/logs",
    ] {
        assert_eq!(
            s3_folder(folder).as_deref(),
            Some("s3://b/logs"),
            "{folder}"
        );
    }
    for folder in [
        "hdfs:///var/log/spark/apps",
        "/var/log",
        "file:///tmp",
        "s3://",
    ] {
        assert_eq!(s3_folder(folder), None, "{folder}");
    }
}

#[test]
fn the_event_log_folder_is_found_in_nested_configurations_and_command_lines() {
    let properties = HashMap::from([(
        "spark.eventLog.dir".to_owned(),
        "s3a://logs/nested/".to_owned(),
    )]);
    let inner = Configuration::builder()
        .classification("spark-defaults")
        .set_properties(Some(properties.clone()))
        .build();
    let outer = Configuration::builder()
        .classification("spark")
        .configurations(inner)
        .build();
    let other = Configuration::builder()
        .classification("hadoop-env")
        .set_properties(Some(HashMap::from([(
            "spark.eventLog.dir".to_owned(),
            "s3://wrong".to_owned(),
        )])))
        .build();
    let mut setup = Setup::default();
    setup.add_configurations(&[outer, other]);
    setup.add_steps(&[
        step(&[
            "spark-submit",
            "--conf",
            "spark.eventLog.dir=s3://logs/step",
            "job.py",
        ]),
        step(&[
            "hadoop-streaming",
            "--conf",
            "spark.eventLog.dir=s3://logs/none",
        ]),
    ]);
    let folders: Vec<_> = setup.event_log_folders.into_iter().collect();
    assert_eq!(folders, ["s3://logs/nested", "s3://logs/step"]);
}

#[test]
fn application_ids_are_read_from_the_names_of_logs() {
    let cases = [
        (
            "application_1763600000000_0001",
            "application_1763600000000_0001",
        ),
        ("application_1_12_1.zstd", "application_1_12"),
        ("eventlog_v2_application_1_12_2", "application_1_12"),
        ("application_1_7.inprogress", "application_1_7"),
    ];
    for (name, id) in cases {
        assert_eq!(application_id_in(name), Some(id), "{name}");
    }
    for name in [
        "local-1763600000000",
        "application_",
        "application_x_1",
        "application_1_",
    ] {
        assert_eq!(application_id_in(name), None, "{name}");
    }
}

#[test]
fn applications_of_steps_are_read_though_the_sdk_does_not_know_them() {
    let body = br#"{"Steps": [
        {"Id": "s-1", "AdditionalInfo": {"ResourceManagerApplicationIds": ["application_1_1"]}},
        {"Id": "s-2", "AdditionalInfo": {}}, {"Id": "s-3"}]}"#;
    let found = applications_of_steps(body);
    assert_eq!(found.len(), 1);
    assert_eq!(found["s-1"], ["application_1_1"]);
    assert!(applications_of_steps(b"<html>").is_empty());
}

fn lifetime(id: &str, created: &str, ready: &str, ended: &str) -> Lifetime {
    let time = |text: &str| (!text.is_empty()).then(|| at(text));
    Lifetime {
        cluster_id: id.to_owned(),
        created_at: at(created),
        ready_at: time(ready),
        ended_at: time(ended),
    }
}

/// The name of a log whose ResourceManager started at a time.
fn log_of(time: &str) -> String {
    format!(
        "s3://logs/apps/application_{}_0001",
        at(time).timestamp_millis()
    )
}

const FIRST: &str = "j-1AAAAAAAAAAAA";
const SECOND: &str = "j-2BBBBBBBBBBBB";

/// Whose a log is, of the first of two clusters: 01:00 (ready 01:10) to 05:00, and 01:30 (ready
/// 01:40) to 03:00.
fn owner(log: &str, proofs: &OwnershipProofs) -> Owner {
    let first = lifetime(
        FIRST,
        "2026-11-20T01:00:00Z",
        "2026-11-20T01:10:00Z",
        "2026-11-20T05:00:00Z",
    );
    let second = lifetime(
        SECOND,
        "2026-11-20T01:30:00Z",
        "2026-11-20T01:40:00Z",
        "2026-11-20T03:00:00Z",
    );
    match by_proof(log, FIRST, proofs) {
        Owner::Unknown => by_lifetime(
            log,
            at("2026-11-20T01:08:00Z"),
            &first,
            proofs,
            &[first.clone(), second],
        ),
        known => known,
    }
}

#[test]
fn a_path_that_names_a_cluster_settles_it() {
    let none = OwnershipProofs::default();
    let log = |cluster: &str| format!("s3://logs/{cluster}/apps/application_5_1");
    assert_eq!(owner(&log(FIRST), &none), Owner::This);
    assert_eq!(owner(&log(SECOND), &none), Owner::Other);
}

#[test]
fn one_application_proves_all_of_its_resource_manager() {
    let mut proofs = OwnershipProofs::default();
    proofs.add_application("application_5_1");
    assert_eq!(owner("s3://logs/application_5_77", &proofs), Owner::This);
    // Started while both lived, by a ResourceManager that is not the first cluster's.
    assert_eq!(
        owner(&log_of("2026-11-20T01:35:00Z"), &proofs),
        Owner::Other
    );
}

#[test]
fn without_proof_the_lives_of_clusters_tell() {
    let none = OwnershipProofs::default();
    let at_time = |time: &str| owner(&log_of(time), &none);
    assert_eq!(at_time("2026-11-20T01:05:00Z"), Owner::This, "alone");
    assert_eq!(at_time("2026-11-20T04:00:00Z"), Owner::This, "alone again");
    assert_eq!(
        at_time("2026-11-20T06:00:00Z"),
        Owner::Other,
        "after its end"
    );
    assert_eq!(
        at_time("2026-11-20T01:35:00Z"),
        Owner::Other,
        "the second starts up"
    );
    assert_eq!(at_time("2026-11-20T02:30:00Z"), Owner::Unknown, "both run");
    assert_eq!(
        owner("s3://logs/local-x", &none),
        Owner::This,
        "by its modification"
    );
}

#[test]
fn container_logs_name_all_applications_of_a_cluster() {
    let mut proofs = OwnershipProofs::default();
    proofs.add_container_logs(&["application_5_1".to_owned()]);
    // No other cluster lived then, but a cluster of another account may have.
    assert_eq!(
        owner(&log_of("2026-11-20T01:05:00Z"), &proofs),
        Owner::Other
    );
    assert_eq!(
        owner("s3://logs/application_5_2.zstd", &proofs),
        Owner::This
    );
}

fn instance(
    fleet: Option<&str>,
    kind: &str,
    market: types::MarketType,
    end: Option<&str>,
) -> types::Instance {
    let moment = |text: &str| aws::aws_time(at(text));
    let timeline = types::InstanceTimeline::builder()
        .creation_date_time(moment("2026-11-20T01:00:00Z"))
        .set_end_date_time(end.map(moment))
        .build();
    let state = match end {
        Some(_) => types::InstanceState::Terminated,
        None => types::InstanceState::Running,
    };
    let status = types::InstanceStatus::builder()
        .state(state)
        .timeline(timeline)
        .build();
    let instance = types::Instance::builder()
        .instance_type(kind)
        .market(market)
        .status(status);
    match fleet {
        Some(id) => instance.instance_fleet_id(id).build(),
        None => instance.instance_group_id("ig-1").build(),
    }
}

#[test]
fn instances_of_a_fleet_are_counted_by_type_and_market() {
    let volume = types::VolumeSpecification::builder()
        .volume_type("gp3")
        .size_in_gb(100)
        .build();
    let specification = types::InstanceTypeSpecification::builder()
        .instance_type("r5.xlarge")
        .bid_price_as_percentage_of_on_demand_price(80.0)
        .ebs_block_devices(
            types::EbsBlockDevice::builder()
                .volume_specification(volume)
                .build(),
        )
        .build();
    let fleet = types::InstanceFleet::builder()
        .id("if-1")
        .instance_fleet_type(types::InstanceFleetType::Core)
        .instance_type_specifications(specification)
        .build();
    let definitions = Definitions {
        groups: Vec::new(),
        fleets: vec![fleet],
    };
    let (spot, on_demand) = (types::MarketType::Spot, types::MarketType::OnDemand);
    let instances = [
        instance(
            Some("if-1"),
            "r5.xlarge",
            spot.clone(),
            Some("2026-11-20T02:00:00Z"),
        ),
        instance(Some("if-1"), "r5.xlarge", spot, None),
        instance(Some("if-1"), "r5.xlarge", on_demand, None),
    ];
    let life = InstanceLifetime {
        until: at("2026-11-20T03:00:00Z"),
        has_ended: false,
    };
    let rows = aggregate(&definitions, &instances, Some(20), life);
    let [on_demand, spot] = &rows[..] else {
        panic!("{rows:?}")
    };
    assert_eq!(spot.market.as_deref(), Some("SPOT"));
    assert_eq!((spot.total_count, spot.running_count), (Some(2), Some(1)));
    assert_eq!(spot.instance_hours, Some(3.0));
    assert_eq!(spot.bid_price_percentage, Some(80.0));
    assert_eq!(spot.ebs_gb, Some(120));
    assert_eq!(spot.last_ended_at, None, "one runs");
    assert_eq!(on_demand.bid_price_percentage, None);
    assert_eq!(on_demand.role, "CORE");
}

#[test]
fn a_fleet_whose_instances_are_forgotten_keeps_its_types() {
    let specification = |kind: &str| {
        types::InstanceTypeSpecification::builder()
            .instance_type(kind)
            .build()
    };
    let fleet = types::InstanceFleet::builder()
        .id("if-1")
        .instance_type_specifications(specification("r5.xlarge"))
        .instance_type_specifications(specification("r6g.xlarge"))
        .build();
    let definitions = Definitions {
        groups: Vec::new(),
        fleets: vec![fleet],
    };
    let life = InstanceLifetime {
        until: at("2026-11-20T03:00:00Z"),
        has_ended: true,
    };
    let rows = aggregate(&definitions, &[], None, life);
    let kinds: Vec<_> = rows.iter().map(|row| row.instance_type.as_str()).collect();
    assert_eq!(kinds, ["r5.xlarge", "r6g.xlarge"]);
    assert!(
        rows.iter()
            .all(|row| row.instance_hours.is_none() && row.total_count.is_none())
    );
}

#[test]
fn instances_end_with_their_cluster() {
    let group = types::InstanceGroup::builder()
        .id("ig-1")
        .market(types::MarketType::Spot)
        .instance_type("m5.xlarge")
        .bid_price("0.25")
        .running_instance_count(0)
        .build();
    let definitions = Definitions {
        groups: vec![group],
        fleets: Vec::new(),
    };
    let life = InstanceLifetime {
        until: at("2026-11-20T03:00:00Z"),
        has_ended: true,
    };
    let running = instance(None, "m5.xlarge", types::MarketType::Spot, None);
    let rows = aggregate(&definitions, &[running], None, life);
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(row.instance_hours, Some(2.0));
    assert_eq!(row.last_ended_at, Some(at("2026-11-20T03:00:00Z")));
    assert_eq!(row.bid_price_usd, Some(0.25));
    assert_eq!(row.total_count, Some(1));
}

#[test]
fn settings_show_no_keys() {
    let mut source = EmrSource::default();
    source
        .storage_options
        .insert("aws_secret_access_key".to_owned(), "TOPSECRET".to_owned());
    assert!(!format!("{source:?}").contains("TOPSECRET"));
}
