//! How much memory units may take: a share of the machine, or of the container.

use std::path::Path;

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// Most that judging takes, in bytes: it gains nothing from more.
const MOST: usize = 4 << 30;
/// Least that a unit gets, in bytes, however many share the memory: with less its queries would fail.
pub const LEAST_UNIT_MEMORY_BYTES: usize = 256 << 20;
/// Part of the machine for units, in percent; the rest is for what nobody counts.
const PERCENT: u64 = 70;
/// Where control groups are mounted.
const CGROUPS: &str = "/sys/fs/cgroup";
/// Which control groups this process is in.
const OWN_GROUPS: &str = "/proc/self/cgroup";
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
            memory_bytes: memory_for_units().clamp(LEAST_UNIT_MEMORY_BYTES, MOST),
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
            memory_bytes: (memory_bytes / units).clamp(LEAST_UNIT_MEMORY_BYTES, MOST),
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
    let groups = std::fs::read_to_string(OWN_GROUPS).unwrap_or_default();
    let limit = group_limit(Path::new(CGROUPS), &groups)
        .unwrap_or(machine)
        .min(machine);
    usize::try_from(limit / 100 * PERCENT).unwrap_or(usize::MAX)
}

/// The lowest limit of the control groups that a process is in, in bytes. `groups` has a line for each
/// hierarchy: its number, controllers and path. A container may see a path that is not there; the root of
/// what it sees is its own group then.
fn group_limit(root: &Path, groups: &str) -> Option<u64> {
    let limits = groups.lines().flat_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next().unwrap_or(""), parts.next().unwrap_or("/"));
        let (root, file) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            _ if controllers.split(',').any(|one| one == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes")
            }
            _ => return Vec::new(),
        };
        let path = Path::new(path.trim_start_matches('/'));
        let groups = path.ancestors();
        groups
            .filter_map(|group| limit(&root.join(group).join(file)))
            .collect()
    });
    limits.min()
}

fn limit(file: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let limit = text.trim().parse().ok()?;
    (limit < UNLIMITED).then_some(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_limit_of_a_process_counts_in_both_versions_of_control_groups() {
        let folder = tempfile::tempdir().unwrap();
        let set = |file: &str, value: &str| {
            let file = folder.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, value).unwrap();
        };
        let limit = |groups: &str| group_limit(folder.path(), groups);
        let (first, second) = ("3:cpu,cpuacct:/\n9:memory:/a/b\n", "0::/c/d\n");
        assert_eq!((limit(""), limit(first), limit(second)), (None, None, None));
        set("memory/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(limit(first), None);
        set("memory/a/memory.limit_in_bytes", "536870912\n");
        set("memory/a/b/memory.limit_in_bytes", "1073741824\n");
        assert_eq!(limit(first), Some(512 << 20));
        set("c/d/memory.max", "max\n");
        assert_eq!(limit(second), None);
        set("c/memory.max", "1073741824\n");
        assert_eq!(limit(second), Some(1 << 30));
        // A container sees its own group as the root, whatever the path says.
        set("memory.max", "268435456\n");
        assert_eq!(limit("0::/../of/the/host\n"), Some(256 << 20));
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
