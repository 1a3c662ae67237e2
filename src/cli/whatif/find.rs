//! Which application somebody means.

use crate::cli::error::CliError;
use crate::publish::whatif::named;
use crate::simulate::Listed;

/// Candidates that a message names.
const NAMED: usize = 5;

/// The application of that id, or the only one with `part` in its id or name. Of several attempts
/// the last.
///
/// # Errors
/// There is none, or there are several.
pub(super) fn application<'l>(listed: &'l [Listed], part: &str) -> Result<&'l Listed, CliError> {
    let mut found: Vec<&Listed> = listed.iter().filter(|one| id(one) == part).collect();
    if found.is_empty() && !part.is_empty() {
        let fits = |one: &&Listed| id(one).contains(part) || one.name.contains(part);
        found = listed.iter().filter(fits).collect();
    }
    let attempt = |one: &Listed| one.wanted.key.attempt_id.parse::<u64>().unwrap_or(0);
    found.sort_by_key(|one| (one.start_ms, attempt(one)));
    let Some(last) = found.last().copied() else {
        return Err(CliError::Usage(format!(
            "no application of this lake has {part:?} in its id or name; `sparklake sql` over \
             `applications` lists them"
        )));
    };
    let is_same = |one: &&Listed| {
        let (one, last) = (&one.wanted.key, &last.wanted.key);
        one.application_id == last.application_id
            && one.cluster_id == last.cluster_id
            && one.platform == last.platform
    };
    if found.iter().all(is_same) {
        return Ok(last);
    }
    let names: Vec<String> = found
        .iter()
        .rev()
        .take(NAMED)
        .map(|one| named(one))
        .collect();
    let more = found.len().saturating_sub(NAMED);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    Err(CliError::Usage(format!(
        "{part:?} is in {} applications: {}{more}; write one id in full",
        found.len(),
        names.join(", ")
    )))
}

fn id(listed: &Listed) -> &str {
    listed.wanted.key.application_id.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::model::ApplicationKey;
    use crate::simulate::Wanted;

    fn listed(id: &str, name: &str, attempt: &str) -> Listed {
        Listed {
            wanted: Wanted {
                key: ApplicationKey {
                    platform: "event_log".to_owned(),
                    cluster_id: "c".to_owned(),
                    application_id: id.to_owned(),
                    attempt_id: attempt.to_owned(),
                },
                app_date: 0,
                num_tasks: 0,
            },
            name: name.to_owned(),
            job_key: None,
            start_ms: 0,
            has_succeeded: true,
        }
    }

    #[test]
    fn an_application_is_found_by_its_id_or_a_part_that_only_it_has() {
        let all = [
            listed("app-1", "orders", "1"),
            listed("app-1", "orders", "2"),
            listed("app-12", "orders late", "0"),
            listed("app-3", "users", "0"),
        ];
        let find = |part: &str| application(&all, part).map(|one| &one.wanted.key);
        let found = |part: &str| {
            find(part).map(|key| (key.application_id.as_str(), key.attempt_id.as_str()))
        };
        // The id in full, though another begins with it; its last attempt.
        assert_eq!(found("app-1").ok(), Some(("app-1", "2")));
        assert_eq!(found("late").ok(), Some(("app-12", "0")));
        assert_eq!(found("p-3").ok(), Some(("app-3", "0")));
        assert!(find("orders").is_err_and(|error| error.to_string().contains("3 applications")));
        assert!(find("nothing").is_err() && find("").is_err());
    }
}
