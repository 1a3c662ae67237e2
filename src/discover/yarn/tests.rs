use serde_json::json;

use super::*;

fn names(answer: &Value) -> Vec<String> {
    queues_in(answer, Utc::now())
        .into_iter()
        .filter_map(|queue| queue.queue)
        .collect()
}

#[test]
fn queues_of_the_capacity_scheduler_are_found_at_every_depth() {
    let answer = json!({"scheduler": {"schedulerInfo": {
        "type": "capacityScheduler", "queueName": "root",
        "queues": {"queue": [
            {"queueName": "default", "queuePath": "root.default",
             "resourcesUsed": {"memory": 4096, "vCores": 3},
             "allocatedContainers": 3, "pendingContainers": 7,
             "numActiveApplications": 1, "numPendingApplications": 2},
            {"queueName": "etl", "queues": {"queue": [{"queueName": "nightly"}]}},
        ]},
    }}});
    assert_eq!(
        names(&answer),
        ["root", "root.default", "root.etl", "root.etl.nightly"]
    );
    let default = queues_in(&answer, Utc::now()).swap_remove(1);
    assert_eq!(default.allocated_memory_mb, Some(4_096.0));
    assert_eq!(default.allocated_vcores, Some(3.0));
    assert_eq!(default.pending_containers, Some(7.0));
    assert_eq!(default.pending_applications, Some(2.0));
}

#[test]
fn queues_of_the_fair_scheduler_are_found_in_both_of_its_forms() {
    let child = json!({"queueName": "root.etl", "usedResources": {"memory": 10, "vCores": 1},
                       "maxResources": {"memory": 100, "vCores": 8}});
    for children in [json!([child]), json!({"queue": [child]})] {
        let answer = json!({"scheduler": {"schedulerInfo": {"type": "fairScheduler",
            "rootQueue": {"queueName": "root", "childQueues": children}}}});
        assert_eq!(names(&answer), ["root", "root.etl"]);
        let queue = queues_in(&answer, Utc::now()).swap_remove(1);
        assert_eq!(queue.total_memory_mb, Some(100.0));
    }
}

#[test]
fn an_answer_without_queues_gives_none() {
    assert!(names(&json!({"scheduler": {"schedulerInfo": {"type": "fifoScheduler"}}})).is_empty());
    assert!(names(&json!("text")).is_empty());
}
