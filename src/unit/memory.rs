//! How much memory units may take: a share of the machine, or of the container.

use std::path::Path;

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// Most that judging takes, in bytes: it gains nothing from more.
const MOST: usize = 4 << 30;
/// Least that judging can do with, in bytes. Below it queries would fail where a container that is too
/// small might still be enough.
const LEAST: usize = 256 << 20;
/// Part of the machine for units, in percent; the rest is for what nobody counts.
const PERCENT: u64 = 70;
/// Where a container sees its limits.
const CGROUPS: &str = "/sys/fs/cgroup";
/// A limit of version 1 that is none: about the largest number of bytes that it can hold.
const UNLIMITED: u64 = 1 << 60;

/// What one unit may take of the machine that it is worked through on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitShare {
    /// Memory of queries in bytes; operators spill at half of it.
    pub memory_bytes: usize,
    /// Partitions that queries are split into; the number of cores where `None`.
    pub partitions: Option<usize>,
}

impl UnitShare {
    /// That of a unit which has this machine for itself.
    #[must_use]
    pub fn whole() -> Self {
        Self {
            memory_bytes: memory_for_units().clamp(LEAST, MOST),
            partitions: None,
        }
    }

    /// That of each of the units which share so many bytes and threads: one that is alone has them all,
    /// others have a thread each.
    #[must_use]
    pub fn of(memory_bytes: usize, threads: usize, is_alone: bool) -> Self {
        let threads = threads.max(1);
        let (units, partitions) = if is_alone { (1, threads) } else { (threads, 1) };
        Self {
            memory_bytes: (memory_bytes / units).clamp(LEAST, MOST),
            partitions: Some(partitions),
        }
    }
}

/// Memory in bytes that all units of a process may take together, unless set: 70 % of what the machine
/// has, or of what the container is limited to.
#[must_use]
pub fn memory_for_units() -> usize {
    let known = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let machine = System::new_with_specifics(known).total_memory();
    let limit = container_limit(Path::new(CGROUPS)).map_or(machine, |limit| limit.min(machine));
    usize::try_from(limit / 100 * PERCENT).unwrap_or(usize::MAX)
}

/// The limit of the container whose control groups are mounted at `root`, in bytes.
fn container_limit(root: &Path) -> Option<u64> {
    ["memory.max", "memory/memory.limit_in_bytes"]
        .iter()
        .find_map(|file| std::fs::read_to_string(root.join(file)).ok())
        .and_then(|text| text.trim().parse().ok())
        .filter(|limit| *limit < UNLIMITED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_a_container_is_read_in_both_versions_and_may_be_none() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert_eq!(container_limit(root), None);
        std::fs::create_dir(root.join("memory")).unwrap();
        let first = root.join("memory/memory.limit_in_bytes");
        std::fs::write(&first, "9223372036854771712\n").unwrap();
        assert_eq!(container_limit(root), None);
        std::fs::write(&first, "536870912\n").unwrap();
        assert_eq!(container_limit(root), Some(512 << 20));
        std::fs::write(root.join("memory.max"), "1073741824\n").unwrap();
        assert_eq!(container_limit(root), Some(1 << 30));
        std::fs::write(root.join("memory.max"), "max\n").unwrap();
        assert_eq!(container_limit(root), None);
    }

    #[test]
    fn units_share_memory_and_each_gets_what_it_can_work_with() {
        let share = |memory_gib: usize, threads, is_alone| {
            let share = UnitShare::of(memory_gib << 30, threads, is_alone);
            (share.memory_bytes >> 20, share.partitions)
        };
        assert_eq!(share(2, 8, true), (2048, Some(8)));
        assert_eq!(share(16, 8, true), (4096, Some(8)));
        assert_eq!(share(8, 8, false), (1024, Some(1)));
        assert_eq!(share(1, 16, false), (256, Some(1)));
        assert_eq!(share(1, 0, false), (1024, Some(1)));
    }
}
