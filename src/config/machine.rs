//! How much memory there is: the machine's, or what the control groups of this process leave of it.

use std::path::Path;

/// Bytes of memory that this process may take, where the system says so.
pub fn memory() -> Option<u64> {
    memory_under(Path::new("/"))
}

/// The same for a system whose files lie under `root`.
fn memory_under(root: &Path) -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(root.join(path)).ok();
    let machine = read("proc/meminfo").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1024)
    });
    let groups = read("proc/self/cgroup").unwrap_or_default();
    let limits = groups.lines().flat_map(|line| {
        // `0::/path` is version 2, `5:memory:/path` a controller of version 1.
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let (folder, file) = match controllers {
            "" => ("sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => return Vec::new(),
        };
        // Each group up to the root may have a limit, and in a container the path may be one of outside.
        let own = Path::new(path.trim_start_matches('/'));
        let limit = |group: &Path| {
            let text = std::fs::read_to_string(root.join(folder).join(group).join(file)).ok()?;
            text.trim().parse().ok()
        };
        own.ancestors().filter_map(limit).collect::<Vec<u64>>()
    });
    // Without a limit version 2 says `max` and version 1 a number beyond any machine.
    machine.into_iter().chain(limits).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    fn found(files: &[(&str, &str)]) -> Option<u64> {
        memory_under(system(files).path())
    }

    const MACHINE: (&str, &str) = ("proc/meminfo", "MemTotal:    2048 kB\nMemFree:  5 kB\n");

    #[test]
    fn without_limits_it_is_the_machine() {
        assert_eq!(found(&[MACHINE]), Some(2 << 20));
        let group = ("proc/self/cgroup", "0::/\n");
        assert_eq!(
            found(&[MACHINE, group, ("sys/fs/cgroup/memory.max", "max\n")]),
            Some(2 << 20)
        );
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn the_tightest_group_counts() {
        let group = ("proc/self/cgroup", "0::/a.slice/b.service\n");
        let own = ("sys/fs/cgroup/a.slice/b.service/memory.max", "900000\n");
        let above = ("sys/fs/cgroup/a.slice/memory.max", "500000\n");
        assert_eq!(found(&[MACHINE, group, own]), Some(900_000));
        assert_eq!(found(&[MACHINE, group, own, above]), Some(500_000));
        let old = ("proc/self/cgroup", "7:cpu:/x\n5:memory:/docker/1\n");
        let limit = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "700000\n");
        assert_eq!(found(&[MACHINE, old, limit]), Some(700_000));
    }
}
