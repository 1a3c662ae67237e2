//! Parts of EMR's answers.

use serde_json::{Value, json};

use super::{Account, Cluster, at};

fn seconds(text: &str) -> f64 {
    at(text).timestamp_millis() as f64 / 1_000.0
}

/// One master on demand, two cores on spot.
pub(super) fn groups() -> Vec<Value> {
    vec![
        json!({"Id": "ig-MASTER", "Name": "Master", "InstanceGroupType": "MASTER",
               "Market": "ON_DEMAND", "InstanceType": "m5.xlarge",
               "RequestedInstanceCount": 1, "RunningInstanceCount": 0,
               "Status": {"State": "TERMINATED"}}),
        json!({"Id": "ig-CORE", "Name": "Core", "InstanceGroupType": "CORE", "Market": "SPOT",
               "BidPrice": "0.25", "InstanceType": "r6g.4xlarge",
               "RequestedInstanceCount": 2, "RunningInstanceCount": 0,
               "EbsBlockDevices": [
                   {"Device": "/dev/sdb", "VolumeSpecification": {"VolumeType": "gp3", "SizeInGB": 64}},
                   {"Device": "/dev/sdc", "VolumeSpecification": {"VolumeType": "gp3", "SizeInGB": 64}}],
               "Status": {"State": "TERMINATED"}}),
    ]
}

pub(super) fn instance(id: &str, part: &str, part_id: &str, kind: &str, market: &str) -> Value {
    let key = format!("Instance{part}Id");
    let mut instance = json!({
        "Id": id, "Ec2InstanceId": format!("i-{id}"), "InstanceType": kind, "Market": market,
        "Status": {"State": "TERMINATED", "Timeline": {
            "CreationDateTime": seconds("2026-11-20T01:00:00Z"),
            "EndDateTime": seconds("2026-11-20T03:00:00Z")}},
    });
    instance[key] = json!(part_id);
    instance
}

pub(super) fn instances() -> Vec<Value> {
    vec![
        instance("ci-1", "Group", "ig-MASTER", "m5.xlarge", "ON_DEMAND"),
        instance("ci-2", "Group", "ig-CORE", "r6g.4xlarge", "SPOT"),
        instance("ci-3", "Group", "ig-CORE", "r6g.4xlarge", "SPOT"),
    ]
}

pub(super) fn step(id: &str, name: &str, application_ids: &[&str]) -> Value {
    json!({
        "Id": id, "Name": name, "ActionOnFailure": "CONTINUE",
        "Config": {"Jar": "command-runner.jar", "Properties": {}, "Args": [
            "spark-submit", "--deploy-mode", "cluster", "--verbose",
            "--conf", "spark.executor.memory=4g", "s3://code/job.py", "--password", "hunter2"]},
        "Status": {"State": "COMPLETED", "StateChangeReason": {}, "Timeline": {
            "CreationDateTime": seconds("2026-11-20T01:10:00Z"),
            "StartDateTime": seconds("2026-11-20T01:10:30Z"),
            "EndDateTime": seconds("2026-11-20T02:10:30Z")}},
        "AdditionalInfo": {"ResourceManagerApplicationIds": application_ids},
    })
}

pub(super) fn status(cluster: &Cluster) -> Value {
    let mut timeline = json!({"CreationDateTime": cluster.created.timestamp_millis() as f64 / 1e3});
    if let Some(ready) = cluster.ready {
        timeline["ReadyDateTime"] = json!(ready.timestamp_millis() as f64 / 1e3);
    }
    if let Some(ended) = cluster.ended {
        timeline["EndDateTime"] = json!(ended.timestamp_millis() as f64 / 1e3);
    }
    json!({"State": cluster.state, "StateChangeReason": {}, "Timeline": timeline})
}

pub(super) fn summary(account: &Account, cluster: &Cluster) -> Value {
    json!({
        "Id": cluster.id, "Name": cluster.name, "Status": status(cluster),
        "NormalizedInstanceHours": cluster.hours, "ClusterArn": cluster.arn(&account.region),
    })
}

pub(super) fn description(account: &Account, cluster: &Cluster) -> Value {
    let applications: Vec<_> = cluster
        .installed
        .iter()
        .map(|name| json!({"Name": name, "Version": "3.5.1"}))
        .collect();
    let mut description = summary(account, cluster);
    let more = json!({
        "ReleaseLabel": "emr-7.5.0", "Applications": applications, "AutoTerminate": true,
        "InstanceCollectionType":
            if cluster.has_fleets { "INSTANCE_FLEET" } else { "INSTANCE_GROUP" },
        "Tags": [{"Key": "team", "Value": "data"}],
        "Configurations": cluster.configurations,
        "MasterPublicDnsName": cluster.master_dns(),
        "Ec2InstanceAttributes": {"Ec2AvailabilityZone": format!("{}a", account.region)},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        description[key] = value.clone();
    }
    if let Some(uri) = &cluster.log_uri {
        description["LogUri"] = json!(uri);
    }
    if let Some(monitoring) = &cluster.monitoring {
        description["MonitoringConfiguration"] = monitoring.clone();
    }
    description
}

/// YARN's `ws/v1/cluster/metrics`.
pub(super) fn yarn_metrics() -> Value {
    json!({"clusterMetrics": {
        "appsRunning": 2, "appsPending": 1, "allocatedMB": 97_700, "availableMB": 2_300,
        "totalMB": 100_000, "allocatedVirtualCores": 45, "availableVirtualCores": 55,
        "totalVirtualCores": 100, "containersAllocated": 20, "containersPending": 7,
        "activeNodes": 2, "lostNodes": 0}})
}

/// YARN's `ws/v1/cluster/scheduler`.
pub(super) fn yarn_scheduler() -> Value {
    json!({"scheduler": {"schedulerInfo": {"type": "capacityScheduler", "queueName": "root",
        "queues": {"queue": [{"queueName": "default", "queuePath": "root.default",
            "resourcesUsed": {"memory": 97_700, "vCores": 45}, "allocatedContainers": 20,
            "pendingContainers": 7, "numActiveApplications": 2, "numPendingApplications": 1}]}}}})
}
