//! Why an executor went, by the words of Spark and of the cluster managers.

/// What the reason of a removal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Loss {
    /// A value of column `executors.loss_kind`.
    pub kind: &'static str,
    /// The exit code that the reason names: of the process, or YARN's own (negative).
    pub exit_code: Option<i64>,
}

/// Killed with SIGKILL. In containers that is nearly always the memory limit.
const SIGKILL: i64 = 137;
/// Ended with SIGTERM.
const SIGTERM: i64 = 143;
/// The JVM ran out of memory, and Spark ended it.
const SPARK_OUT_OF_MEMORY: i64 = 52;
/// YARN's codes for containers beyond virtual and physical memory.
const YARN_MEMORY: [i64; 2] = [-103, -104];
/// YARN's codes for containers that were preempted or killed by the application master, by the
/// resource manager, or after their application's end.
const YARN_KILLED: [i64; 4] = [-102, -105, -106, -107];

impl Loss {
    /// Reads a removal's reason.
    #[must_use]
    pub(super) fn new(reason: &str) -> Self {
        let text = reason.to_ascii_lowercase();
        let exit_code = exit_code(&text);
        Self {
            kind: kind(&text, exit_code),
            exit_code,
        }
    }
}

fn kind(text: &str, exit_code: Option<i64>) -> &'static str {
    let says = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    let has_word = |word: &str| words(text).any(|other| other == word);
    let code_in = |codes: &[i64]| exit_code.is_some_and(|code| codes.contains(&code));
    if is_spot_reclaim(text) {
        "spot"
    } else if has_word("idle")
        || says(&[
            "killed by driver",
            "explicit termination request",
            "dynamic allocation",
            "scale down",
            "scaling down",
            "downscal",
            "autoscal",
        ])
    {
        "idle"
    } else if says(&["decommission"]) {
        "decommissioned"
    } else if says(&["preempt"]) {
        "killed"
    } else if has_word("oom")
        || has_word("oomkilled")
        || says(&[
            "out of memory",
            "outofmemory",
            "memory limit",
            "insufficient memory",
            "low on resource: memory",
            "memory overhead exceeded",
        ])
        || code_in(&[SIGKILL, SPARK_OUT_OF_MEMORY])
        || code_in(&YARN_MEMORY)
    {
        "oom"
    } else if says(&["killed", "evicted", "was deleted by", "kill request"])
        || code_in(&[SIGTERM])
        || code_in(&YARN_KILLED)
    {
        "killed"
    } else {
        "lost"
    }
}

/// The provider took the machine back. YARN's preemption takes a container for another queue, and
/// Kubernetes' a pod for a more important one: no reclaim.
fn is_spot_reclaim(text: &str) -> bool {
    let has_word = |word: &str| words(text).any(|other| other == word);
    let machine_was_preempted = text.contains("preempt")
        && !text.contains("container")
        && ["instance", "vm", "node", "machine", "preemptible"]
            .iter()
            .any(|word| has_word(word));
    has_word("spot")
        || machine_was_preempted
        || [
            "interruption notice",
            "instance interruption",
            "node termination",
            "instance termination",
            "rebalance recommendation",
        ]
        .iter()
        .any(|part| text.contains(part))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric())
}

/// The first number after `code` or `status`, as in `exit status: -100`, `exited with code 137`,
/// `exit code is 143` and `exit code (137)`.
fn exit_code(text: &str) -> Option<i64> {
    ["code", "status"]
        .iter()
        .flat_map(|word| text.match_indices(word).map(|(at, _)| at + word.len()))
        .find_map(|at| number(text.get(at..)?))
}

fn number(text: &str) -> Option<i64> {
    let text = text.trim_start_matches([' ', ':', '=', '(']);
    let text = text.strip_prefix("is ").unwrap_or(text);
    let end = text
        .char_indices()
        .find(|(at, letter)| !(letter.is_ascii_digit() || (*at == 0 && *letter == '-')))
        .map_or(text.len(), |(at, _)| at);
    text.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts as Spark and the cluster managers form them.
    const REASONS: &[(&str, &str, Option<i64>)] = &[
        // Dynamic allocation.
        ("Executor killed by driver.", "idle", None),
        ("Dynamic allocation", "idle", None),
        (
            "Container container_1472176676028_407508_01_000023 exited from explicit termination request.",
            "idle",
            None,
        ),
        ("Executor decommission: spark scale down", "idle", None),
        // YARN.
        (
            "Container container_1_01_000003 on host: ip-10-0-0-3.ec2.internal was preempted.",
            "killed",
            None,
        ),
        (
            "Container from a bad node: container_1_01_000004 on host: h. Exit status: -102. Diagnostics: Container preempted by scheduler",
            "killed",
            Some(-102),
        ),
        (
            "Executor for container container_1 exited because of a YARN event (e.g., preemption) and not because of an error in the running job.",
            "killed",
            None,
        ),
        (
            "Container from a bad node: container_1 on host: h. Exit status: -100. Diagnostics: Container released on a *lost* node.",
            "lost",
            Some(-100),
        ),
        (
            "Container killed by YARN for exceeding physical memory limits. 5.6 GB of 5.5 GB physical memory used.",
            "oom",
            None,
        ),
        (
            "Container killed by YARN for exceeding memory limits. 5.6 GB of 5.5 GB",
            "oom",
            None,
        ),
        (
            "Container marked as failed: container_1 on host: h. Exit status: -104.",
            "oom",
            Some(-104),
        ),
        (
            "Container marked as failed: container_1 on host: h. Exit status: 137. Diagnostics: Container killed on request. Exit code is 137",
            "oom",
            Some(137),
        ),
        (
            "Container from a bad node: container_1 on host: h. Exit status: 143. Diagnostics: Container killed on request. Exit code is 143",
            "killed",
            Some(143),
        ),
        (
            "Container marked as failed: container_1 on host: h. Exit status: 1. Diagnostics: Exception from container-launch.",
            "lost",
            Some(1),
        ),
        (
            "Container from a bad node: container_1 on host: h. Exit status: -106.",
            "killed",
            Some(-106),
        ),
        // Standalone and Spark itself.
        ("Command exited with code 137", "oom", Some(137)),
        ("Command exited with code 143", "killed", Some(143)),
        ("Command exited with code 52", "oom", Some(52)),
        ("Command exited with code 1", "lost", Some(1)),
        (
            "Unknown executor exit code (137) (died from signal 9?)",
            "oom",
            Some(137),
        ),
        (
            "Unknown executor exit code (134) (died from signal 6?)",
            "lost",
            Some(134),
        ),
        ("Worker shutting down", "lost", None),
        (
            "worker lost: Not receiving heartbeat for 60 seconds",
            "lost",
            None,
        ),
        ("Executor heartbeat timed out after 148604 ms", "lost", None),
        (
            "Remote RPC client disassociated. Likely due to containers exceeding thresholds, or network issues. Check driver logs for WARN messages.",
            "lost",
            None,
        ),
        ("remote Akka client disassociated", "lost", None),
        ("Executor Process Lost", "lost", None),
        (
            "Stale executor after cluster manager re-registered.",
            "lost",
            None,
        ),
        (
            "Executor decommission: worker decommissioned because of kill request from HTTP endpoint (data migration disabled)",
            "decommissioned",
            None,
        ),
        ("Executor decommission finished", "decommissioned", None),
        // Kubernetes.
        (
            "\nThe executor with id 5 exited with exit code 137(SIGKILL, possible container OOM).\n\nThe API gave the following container statuses:\n",
            "oom",
            Some(137),
        ),
        (
            "\nThe executor with id 6 exited with exit code 52(JVM OOM).\n",
            "oom",
            Some(52),
        ),
        (
            "\nThe executor with id 7 exited with exit code 143.\n",
            "killed",
            Some(143),
        ),
        (
            "\nThe executor with id 8 exited with exit code 1(generic, look at logs to clarify).\n",
            "lost",
            Some(1),
        ),
        (
            "\nThe executor with id 11 was deleted by a user or the framework.\n\nThe executor failed with the following termination message\n",
            "killed",
            None,
        ),
        (
            "The API gave the following brief reason: OOMKilled",
            "oom",
            None,
        ),
        (
            "The API gave the following brief reason: Evicted\nThe API gave the following message: The node was low on resource: ephemeral-storage.",
            "killed",
            None,
        ),
        (
            "The API gave the following brief reason: Evicted\nThe API gave the following message: The node was low on resource: memory.",
            "oom",
            None,
        ),
        (
            "The executor with id 3 was not found in the cluster but we didn't get a reason why. Marking the executor as failed. The executor may have been deleted but the driver missed the deletion event.",
            "lost",
            None,
        ),
        // Providers that take machines back.
        ("Container marked as failed on a spot node", "spot", None),
        (
            "Executor decommission: Spot instance interruption",
            "spot",
            None,
        ),
        (
            "worker decommissioned: EC2 instance interruption notice",
            "spot",
            None,
        ),
        ("GCE VM was preempted", "spot", None),
        // Words within words say nothing.
        ("lost contact with zoom-broom.example.com", "lost", None),
        ("lost contact with spotless.example.com", "lost", None),
        ("", "lost", None),
    ];

    #[test]
    fn loss_kinds_follow_the_cluster_managers_words() {
        for (reason, kind, exit_code) in REASONS {
            let expected = Loss {
                kind,
                exit_code: *exit_code,
            };
            assert_eq!(Loss::new(reason), expected, "{reason}");
        }
    }
}
