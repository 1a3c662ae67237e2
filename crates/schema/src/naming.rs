//! From Spark's names to column names: the mechanical half of the naming rule.

/// Runs of capitals in Spark's names that are words of their own.
const ACRONYMS: &[&str] = &["CPU", "GC", "ID", "JSON", "JVM", "MB", "RDD", "RSS", "SQL"];

/// Turns a name of Spark's REST API into a column name.
///
/// ```
/// use sparklake_schema::naming::snake_case;
/// assert_eq!(snake_case("numCompletedIndices"), "num_completed_indices");
/// assert_eq!(snake_case("ProcessTreeJVMRSSMemory"), "process_tree_jvm_rss_memory");
/// ```
pub fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 8);
    let mut rest = name;
    while !rest.is_empty() {
        let (word, after) = rest.split_at(first_word_length(rest));
        if !snake.is_empty() {
            snake.push('_');
        }
        snake.push_str(&word.to_ascii_lowercase());
        rest = after.trim_start_matches('_');
    }
    snake
}

/// Length in bytes of the word that `name` begins with; at least one character.
fn first_word_length(name: &str) -> usize {
    let acronym = ACRONYMS.iter().find(|acronym| {
        name.strip_prefix(**acronym)
            .is_some_and(|after| !after.starts_with(|next: char| next.is_ascii_lowercase()))
    });
    if let Some(acronym) = acronym {
        return acronym.len();
    }
    name.char_indices()
        .skip(1)
        .find(|(_, character)| character.is_ascii_uppercase() || *character == '_')
        .map_or(name.len(), |(position, _)| position)
}

/// Whether `name` may name a table or a column: lower-case letters, digits and single underscores,
/// beginning with a letter.
pub fn is_snake_case(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('_')
        && !name.contains("__")
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_at_capitals_and_acronyms() {
        for (name, expected) in [
            ("jvmGcTime", "jvm_gc_time"),
            ("totalGCTime", "total_gc_time"),
            ("JVMOffHeapMemory", "jvm_off_heap_memory"),
            ("MinorGCCount", "minor_gc_count"),
            ("ProcessTreeJVMVMemory", "process_tree_jvm_v_memory"),
            (
                "ProcessTreePythonRSSMemory",
                "process_tree_python_rss_memory",
            ),
            ("isBlacklistedForStage", "is_blacklisted_for_stage"),
            ("already_snake", "already_snake"),
            ("Größe", "größe"),
            ("", ""),
        ] {
            assert_eq!(snake_case(name), expected, "{name}");
        }
    }

    #[test]
    fn only_snake_case_is_snake_case() {
        assert!(is_snake_case("p05") && is_snake_case("peak_jvm_heap_memory"));
        for name in ["", "_x", "x_", "a__b", "aB", "1a", "a b", "größe"] {
            assert!(!is_snake_case(name), "{name}");
        }
    }
}
