//! "Did you mean …": the known name closest to a mistyped one.

/// Likeness, from 0 to 1, below which an offer would only confuse.
const LIKE_ENOUGH: f64 = 0.7;

/// The candidate most like `wanted`, if any is close enough to be worth offering.
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&wanted, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= LIKE_ENOUGH)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

/// A cure that names the nearest known name, or all of them.
pub(super) fn did_you_mean(wanted: &str, known: &[&str]) -> String {
    match nearest(wanted, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known here are: {}", known.join(", ")),
    }
}
