//! Operations of Spark Connect and statements of the Thrift server: who runs what in which jobs.

use std::collections::VecDeque;

use hashbrown::HashMap;

use crate::event::{OperationStarted, Origin};

/// How many operations are remembered: servers run for months, and jobs follow their operation.
const REMEMBERED: usize = 4_096;

/// The newest operations, by the job tag or job group of their jobs.
#[derive(Debug, Default)]
pub(super) struct Operations {
    by_key: HashMap<String, OperationStarted>,
    order: VecDeque<String>,
}

impl Operations {
    pub(super) fn on_started(&mut self, started: OperationStarted) {
        if started.key.is_empty() {
            return;
        }
        let key = started.key.clone();
        if self.by_key.insert(key.clone(), started).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_key.remove(&oldest);
        }
    }

    /// The operation whose jobs have this group, or one of these tags.
    pub(super) fn of<'t>(
        &self,
        job_group: Option<&str>,
        mut job_tags: impl Iterator<Item = &'t str>,
    ) -> Option<&OperationStarted> {
        if self.by_key.is_empty() {
            return None;
        }
        job_tags
            .find_map(|tag| self.by_key.get(tag))
            .or_else(|| self.by_key.get(job_group?))
    }
}

/// Who runs an operation.
pub(super) fn origin_of(operation: &OperationStarted) -> Origin {
    Origin {
        user_name: operation.user_name.clone(),
        session_id: operation.session_id.clone(),
        statement_id: operation.statement_id.clone(),
        ..Origin::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(key: &str, user: &str) -> OperationStarted {
        OperationStarted {
            key: key.to_owned(),
            user_name: Some(user.to_owned()),
            ..OperationStarted::default()
        }
    }

    #[test]
    fn operations_are_found_by_tag_or_group_and_forgotten_in_order() {
        let mut operations = Operations::default();
        operations.on_started(started("", "nobody"));
        operations.on_started(started("tag", "ann"));
        operations.on_started(started("group", "bob"));
        let user = |operations: &Operations, group, tags: &[&str]| {
            let found = operations.of(group, tags.iter().copied())?;
            found.user_name.clone()
        };
        assert_eq!(
            user(&operations, None, &["other", "tag"]).as_deref(),
            Some("ann")
        );
        assert_eq!(
            user(&operations, Some("group"), &[]).as_deref(),
            Some("bob")
        );
        assert_eq!(user(&operations, Some(""), &[]), None);
        for n in 0..REMEMBERED {
            operations.on_started(started(&format!("more {n}"), "eve"));
        }
        assert_eq!(user(&operations, None, &["tag"]), None);
        assert_eq!(operations.by_key.len(), REMEMBERED);
    }
}
