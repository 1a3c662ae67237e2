//! "Did you mean …": the known name closest to a mistyped one.

/// The candidate most like `wanted`, if any is close enough to be worth offering.
pub(super) fn nearest<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(wanted, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

/// A cure sentence that names the nearest known name, or lists all of them.
pub(super) fn did_you_mean<'a>(
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
    fn a_typing_slip_names_its_neighbour() {
        let known = ["min_ratio", "min_tasks", "spill_bytes"];
        assert_eq!(nearest("min_ration", known), Some("min_ratio"));
        assert_eq!(nearest("zebra", known), None);
    }

    #[test]
    fn without_a_neighbour_all_names_are_listed() {
        assert_eq!(
            did_you_mean("zebra", ["alpha", "beta"]),
            "known are: alpha, beta"
        );
        assert_eq!(did_you_mean("zebra", []), "there is none to choose from");
    }
}
