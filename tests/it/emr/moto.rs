//! Against moto, which is somebody else's idea of EMR. `SPARKLAKE_MOTO_SERVER` names its program.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sparklake::discover::emr::{Emr, EmrSource};
use sparklake::discover::{ClusterPlatform, ExploreRequest, Window};

use super::{aws, outcome};

/// A moto server; ends with the test.
struct Moto {
    process: Child,
    endpoint: String,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn start() -> Moto {
    let program = std::env::var_os("SPARKLAKE_MOTO_SERVER")
        .expect("SPARKLAKE_MOTO_SERVER must name a moto_server");
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port")
        .port();
    let process = Command::new(program)
        .args(["-H", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("moto starts");
    let moto = Moto {
        process,
        endpoint: format!("http://127.0.0.1:{port}"),
    };
    for _ in 0..300 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return moto;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("moto does not answer");
}

/// Starts a cluster with two groups and a step, and gives its id.
async fn run_cluster(moto: &Moto) -> String {
    use aws_sdk_emr::types::{
        Application, HadoopJarStepConfig, InstanceGroupConfig, InstanceRoleType,
        JobFlowInstancesConfig, StepConfig,
    };
    let config = sparklake::discover::aws::sdk_config(&aws(&moto.endpoint)).await;
    let group = |role: InstanceRoleType, kind: &str, count: i32| {
        InstanceGroupConfig::builder()
            .instance_role(role)
            .instance_type(kind)
            .instance_count(count)
            .build()
    };
    let instances = JobFlowInstancesConfig::builder()
        .instance_groups(group(InstanceRoleType::Master, "m5.xlarge", 1))
        .instance_groups(group(InstanceRoleType::Core, "r5.xlarge", 2))
        .keep_job_flow_alive_when_no_steps(true)
        .build();
    let jar = HadoopJarStepConfig::builder()
        .jar("command-runner.jar")
        .args("spark-submit")
        .args("s3://code/job.py")
        .build();
    let step = StepConfig::builder()
        .name("load")
        .hadoop_jar_step(jar)
        .build();
    let started = aws_sdk_emr::Client::new(&config)
        .run_job_flow()
        .name("nightly etl")
        .release_label("emr-7.5.0")
        .applications(Application::builder().name("Spark").build())
        .instances(instances)
        .steps(step)
        .service_role("EMR_DefaultRole")
        .job_flow_role("EMR_EC2_DefaultRole")
        .send()
        .await
        .expect("a cluster");
    started.job_flow_id.expect("an id")
}

#[tokio::test]
#[ignore = "needs moto: SPARKLAKE_MOTO_SERVER"]
async fn moto_is_listed_and_described() {
    let moto = start().await;
    let id = run_cluster(&moto).await;
    let emr = Emr::connect(EmrSource {
        aws: aws(&moto.endpoint),
        persistent_ui: false,
        collect_metrics: false,
        cluster_states: vec!["ALL".to_owned()],
        ..EmrSource::default()
    })
    .await
    .expect("connected");
    let list = emr.list(&Window::default()).await.expect("a list");
    assert_eq!(list.clusters.len(), 1);
    let cluster = list.clusters[0].clone();
    assert_eq!(cluster.id, id);
    assert_eq!(cluster.name, "nightly etl");
    let exploration = emr.explore(cluster, &ExploreRequest::default()).await;
    assert!(
        exploration.problems.is_empty(),
        "{:?}",
        exploration.problems
    );
    assert_eq!(
        exploration.cluster.release_label.as_deref(),
        Some("emr-7.5.0")
    );
    assert_eq!(outcome(&exploration, "instance_groups"), "2");
    assert_eq!(outcome(&exploration, "steps"), "1");
    let types: Vec<_> = exploration
        .instances
        .iter()
        .map(|row| {
            (
                row.role.as_str(),
                row.instance_type.as_str(),
                row.requested_count,
            )
        })
        .collect();
    assert!(types.contains(&("CORE", "r5.xlarge", Some(2))), "{types:?}");
    assert_eq!(
        exploration.job_runs[0].entry_point.as_deref(),
        Some("s3://code/job.py")
    );
}
