//! The parts of the core time of an application, in words.

/// A part of the core time (`useful`, `start_up` …) as a label and within a sentence.
pub fn part_label(part: &str) -> (&'static str, &'static str) {
    match part {
        "useful" => ("Useful work", "useful work"),
        "gc" => ("Garbage collection", "garbage collection"),
        "spill" => ("Spilling", "spilling"),
        "fetch_wait" => ("Waiting for shuffle data", "waiting for shuffle data"),
        "scheduling" => ("Task overhead", "overhead of starting and ending tasks"),
        "retry" => ("Failed and repeated work", "failed and repeated work"),
        "speculation" => ("Speculative copies", "speculative copies that lost"),
        "unfinished" => ("Unfinished tasks", "tasks without an end"),
        "skew" => (
            "Waiting for long tasks",
            "cores that waited for a stage's last tasks",
        ),
        "start_up" => ("Before the first task", "cores held before the first task"),
        "driver_only" => ("Driver alone", "cores held while only the driver worked"),
        "idle" => ("Idle in jobs", "idle cores while jobs ran"),
        _ => ("Other", "other"),
    }
}
