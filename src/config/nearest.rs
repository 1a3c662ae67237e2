//! "Did you mean …": the known name closest to a mistyped one.

/// Share of letters that may stay as they are, from 0 to 1, below which an offer would only confuse.
const FEW_SLIPS: f64 = 0.6;
/// The same for names that begin alike, such as a name and its abbreviation.
const ALIKE_BEGINNING: f64 = 0.85;

/// The candidate most like `wanted`, if any is close enough to be worth offering.
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    candidates
        .into_iter()
        .filter_map(|candidate| Some((likeness(&wanted, candidate)?, candidate)))
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

fn likeness(wanted: &str, candidate: &str) -> Option<f64> {
    let kept = strsim::normalized_damerau_levenshtein(wanted, candidate);
    let beginning = strsim::jaro_winkler(wanted, candidate);
    (kept >= FEW_SLIPS || beginning >= ALIKE_BEGINNING).then_some(kept + beginning)
}

/// A cure that names the nearest known name, or all of them.
pub(super) fn did_you_mean(wanted: &str, known: &[&str]) -> String {
    match nearest(wanted, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known here are: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_neighbour_and_a_different_word_none() {
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
        assert_eq!(nearest("zebra", known), None);
    }
}
