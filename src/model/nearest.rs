//! The known name that a mistyped one most likely means.

/// Share of letters that must match, from 0 to 1; below it a suggestion would only confuse.
const MIN_SIMILARITY: f64 = 0.6;
/// The same for names with a common beginning, such as a name and its abbreviation.
const MIN_PREFIX_SIMILARITY: f64 = 0.85;

/// The candidate that is most like `wanted`, if any is like it at all. Never `wanted` itself.
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = wanted.to_lowercase();
    candidates
        .into_iter()
        .filter(|candidate| *candidate != wanted)
        .filter_map(|candidate| Some((similarity(&folded, candidate)?, candidate)))
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

fn similarity(wanted: &str, candidate: &str) -> Option<f64> {
    let edits = strsim::normalized_damerau_levenshtein(wanted, candidate);
    let prefix = strsim::jaro_winkler(wanted, candidate);
    (edits >= MIN_SIMILARITY || prefix >= MIN_PREFIX_SIMILARITY).then_some(edits + prefix)
}

/// A cure that names the nearest known name, or lists all of them.
pub fn did_you_mean<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    if let Some(name) = nearest(wanted, candidates.clone()) {
        return format!("did you mean `{name}`?");
    }
    let known: Vec<&str> = candidates.into_iter().collect();
    if known.is_empty() {
        "there is none to choose from".to_owned()
    } else {
        format!("known are: {}", known.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_neighbor_and_a_different_word_none() {
        let known = [
            "jobs",
            "stages",
            "num_killed_tasks",
            "application_id",
            "since",
        ];
        assert_eq!(nearest("job", known), Some("jobs"));
        assert_eq!(nearest("satges", known), Some("stages"));
        assert_eq!(nearest("Sinse", known), Some("since"));
        assert_eq!(nearest("nme", known), None);
        assert_eq!(
            nearest("min_ration", ["min_ratio", "min_tasks"]),
            Some("min_ratio")
        );
    }

    #[test]
    fn a_name_is_never_suggested_for_itself() {
        assert_eq!(nearest("tasks", ["tasks"]), None);
        assert_eq!(nearest("tasks", ["tasks", "task"]), Some("task"));
    }

    #[test]
    fn without_a_neighbor_all_names_are_listed() {
        assert_eq!(
            did_you_mean("zebra", ["alpha", "beta"]),
            "known are: alpha, beta"
        );
        assert_eq!(did_you_mean("zebra", []), "there is none to choose from");
    }
}
