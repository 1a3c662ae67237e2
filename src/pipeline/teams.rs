//! Whose an application is: tags of its run and its cluster, else what is configured.

use std::collections::BTreeMap;

use crate::discover::Exploration;
use crate::extract::rows::TeamSource;

/// How `applications.team` is found.
#[derive(Debug, Clone, Default)]
pub struct TeamSettings {
    /// Keys of tags that name the team, the first that is there counts. Compared without regard to
    /// case.
    pub tags: Vec<String>,
    /// YARN queue → team, where neither tags nor Spark properties tell.
    pub by_queue: BTreeMap<String, String>,
    /// Spark user → team, where nothing else tells.
    pub by_user: BTreeMap<String, String>,
}

impl TeamSettings {
    /// The team that some tags name.
    fn of_tags(&self, tags: &BTreeMap<String, String>) -> Option<String> {
        self.tags.iter().find_map(|wanted| {
            tags.iter()
                .find(|(key, value)| key.eq_ignore_ascii_case(wanted) && !value.trim().is_empty())
                .map(|(_, value)| value.trim().to_owned())
        })
    }

    /// The team of the applications of a cluster, by the run that each belongs to: the run's tags go
    /// before the cluster's.
    pub(super) fn of_cluster(&self, exploration: &Exploration) -> ClusterTeams {
        let of_runs = exploration.job_runs.iter().filter_map(|run| {
            let team = self.of_tags(&run.tags)?;
            Some((run.job_run_id.clone(), team))
        });
        ClusterTeams {
            by_run: of_runs.collect(),
            of_cluster: self.of_tags(&exploration.cluster.tags),
        }
    }

    /// What workers are told; the tag of each application is added to it.
    pub(super) fn source(&self) -> TeamSource {
        TeamSource {
            tag: None,
            by_queue: self.by_queue.clone(),
            by_user: self.by_user.clone(),
        }
    }
}

/// The teams of one cluster's applications, by tags.
#[derive(Debug, Default)]
pub(super) struct ClusterTeams {
    by_run: BTreeMap<String, String>,
    of_cluster: Option<String>,
}

impl ClusterTeams {
    /// The team of an application that belongs to this run.
    pub(super) fn of(&self, job_run_id: Option<&str>) -> Option<String> {
        let of_run = job_run_id.and_then(|id| self.by_run.get(id));
        of_run.or(self.of_cluster.as_ref()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::{Cluster, JobRun};
    use crate::model::Platform;

    fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn settings() -> TeamSettings {
        TeamSettings {
            tags: ["team", "owner"].map(str::to_owned).to_vec(),
            by_queue: tags(&[("etl", "data")]),
            by_user: tags(&[("ann", "science")]),
        }
    }

    #[test]
    fn tags_go_before_properties_and_those_before_queue_and_user() {
        let mut cluster = Cluster::new(Platform::Emr, "j-1", "etl", "arn", "TERMINATED");
        cluster.tags = tags(&[("Owner", "platform"), ("TEAM", " ")]);
        let mut exploration = Exploration::of(cluster);
        exploration.job_runs = vec![JobRun {
            job_run_id: "s-1".to_owned(),
            tags: tags(&[("Team", "growth")]),
            ..JobRun::default()
        }];
        let teams = settings().of_cluster(&exploration);
        assert_eq!(teams.of(Some("s-1")).as_deref(), Some("growth"));
        assert_eq!(teams.of(Some("s-2")).as_deref(), Some("platform"));

        let untagged = settings().source();
        let tagged = untagged.tagged(teams.of(None));
        assert_eq!(
            tagged.team(Some("core"), Some("etl"), "ann"),
            Some("platform")
        );
        let named = untagged.team(Some("core"), Some("etl"), "ann");
        assert_eq!(named, Some("core"), "its own property");
        assert_eq!(untagged.team(None, Some("etl"), "ann"), Some("data"));
        assert_eq!(untagged.team(None, Some("adhoc"), "ann"), Some("science"));
        assert_eq!(untagged.team(None, None, "bob"), None);
    }
}
