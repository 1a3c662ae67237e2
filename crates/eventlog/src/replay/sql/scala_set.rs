//! The order in which Scala 2.13 iterates an immutable `Set[Int]`.
//!
//! Where two stages tie for a metric's largest value, the History Server names the one that its
//! set of stages gives first; to name the same one, the order must be the same.

use hashbrown::HashSet;

/// `ints`, without doubles, in the order of Scala's set: insertion order up to four elements, then
/// the order of its hash trie.
pub(super) fn scala_set_order(ints: &[i64]) -> Vec<i64> {
    let mut seen = HashSet::with_capacity(ints.len());
    let distinct: Vec<i64> = ints
        .iter()
        .filter(|value| seen.insert(**value))
        .copied()
        .collect();
    if distinct.len() <= 4 {
        return distinct;
    }
    let mut ordered = Vec::with_capacity(distinct.len());
    visit_trie(distinct, 0, &mut ordered);
    ordered
}

/// One node of the trie: its own elements in order of their five bits, then its children.
fn visit_trie(values: Vec<i64>, shift: u32, ordered: &mut Vec<i64>) {
    if shift > 30 {
        ordered.extend(values);
        return;
    }
    let mut buckets: [Vec<i64>; 32] = Default::default();
    for value in values {
        let bits = (improve(value) >> shift) & 31;
        if let Some(bucket) = usize::try_from(bits)
            .ok()
            .and_then(|at| buckets.get_mut(at))
        {
            bucket.push(value);
        }
    }
    ordered.extend(buckets.iter().filter(|bucket| bucket.len() == 1).flatten());
    for bucket in buckets.into_iter().filter(|bucket| bucket.len() > 1) {
        visit_trie(bucket, shift + 5, ordered);
    }
}

/// Scala's spreading of hash codes (`scala.collection.Hashing.improve`); an `Int`'s hash is itself.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "stage ids are Java ints"
)]
fn improve(value: i64) -> u32 {
    let hash = value as i32 as u32;
    let mut spread = hash.wrapping_add(!(hash << 9));
    spread ^= spread >> 14;
    spread = spread.wrapping_add(spread << 4);
    spread ^ (spread >> 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_sets_keep_insertion_order() {
        assert_eq!(scala_set_order(&[7, 3, 7, 5]), [7, 3, 5]);
    }

    #[test]
    fn large_sets_follow_the_trie() {
        // As every Scala prints `Set(1, 2, 3, 4, 5)`.
        assert_eq!(scala_set_order(&[1, 2, 3, 4, 5]), [5, 1, 2, 3, 4]);
    }
}
