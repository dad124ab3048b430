//! How much memory a container (a control group of Linux) leaves to this program.

use std::path::{Path, PathBuf};

/// Where groups of version 2 are mounted: alone, or beside those of version 1.
const VERSION_2: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
/// Where the memory groups of version 1 are mounted.
const VERSION_1: &str = "/sys/fs/cgroup/memory";

/// Names of one version's files, and what in `memory.stat` can be given back at once.
struct Names {
    most: &'static str,
    used: &'static str,
    given_back: [&'static str; 2],
}

const NAMES_2: Names =
    Names { most: "memory.max", used: "memory.current", given_back: ["inactive_file", "active_file"] };
const NAMES_1: Names = Names {
    most: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    given_back: ["total_inactive_file", "total_active_file"],
};

/// Bytes that this program may still take, and all that it may, as the tightest of its groups has it; `None` where no group bounds it.
///
/// What the system keeps of files counts as free, though it is in a group's account: it makes room for programs.
pub fn limits() -> Option<[u64; 2]> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    limits_in(&groups, &VERSION_2.map(Path::new), Path::new(VERSION_1))
}

/// The same for the lines of `/proc/self/cgroup` and these mounts.
fn limits_in(groups: &str, version_2: &[&Path], version_1: &Path) -> Option<[u64; 2]> {
    let of_line = |line: &str| -> Option<[u64; 2]> {
        // "0::/user.slice" is version 2, "4:memory:/docker/1f" version 1.
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        if controllers.is_empty() {
            return version_2.iter().filter_map(|mount| tightest(mount, path, &NAMES_2)).reduce(tighter);
        }
        controllers.split(',').any(|name| name == "memory").then(|| tightest(version_1, path, &NAMES_1))?
    };
    groups.lines().filter_map(of_line).reduce(tighter)
}

/// The tightest limit of a group and those that it lies in. A container may see its own group as the mount alone.
fn tightest(mount: &Path, path: &str, names: &Names) -> Option<[u64; 2]> {
    let own = Path::new(path.trim_start_matches('/'));
    let folders: Vec<PathBuf> = own.ancestors().map(|part| mount.join(part)).collect();
    folders.iter().filter_map(|folder| of_group(folder, names)).reduce(tighter)
}

fn tighter(a: [u64; 2], b: [u64; 2]) -> [u64; 2] {
    [a[0].min(b[0]), a[1].min(b[1])]
}

/// A group's own limit; `None` where it has none.
fn of_group(folder: &Path, names: &Names) -> Option<[u64; 2]> {
    let number = |name: &str| std::fs::read_to_string(folder.join(name)).ok()?.trim().parse::<u64>().ok();
    let (most, used) = (number(names.most)?, number(names.used)?);
    let statistics = std::fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let given_back = names.given_back.iter().filter_map(|name| {
        let of = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse::<u64>().ok();
        statistics.lines().find_map(of)
    });
    Some([most.saturating_sub(used.saturating_sub(given_back.sum())), most])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn group(folder: &Path, names: &Names, most: &str, used: u64, statistics: &str) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(names.most), format!("{most}\n")).unwrap();
        fs::write(folder.join(names.used), format!("{used}\n")).unwrap();
        fs::write(folder.join("memory.stat"), statistics).unwrap();
    }

    #[test]
    fn the_tightest_group_counts_and_what_is_kept_of_files_is_free() {
        let root = tempfile::tempdir().unwrap();
        let (two, one) = (root.path().join("unified"), root.path().join("memory"));
        let limits = |groups: &str| limits_in(groups, &[&two, &root.path().join("none")], &one);
        assert_eq!(limits("0::/user.slice/job\n4:memory:/docker/1f\n"), None);
        group(&two.join("user.slice"), &NAMES_2, "3000", 500, "anon 500\n");
        group(&two.join("user.slice/job"), &NAMES_2, "max", 400, "");
        assert_eq!(limits("1:cpu:/\n0::/user.slice/job\n"), Some([2500, 3000]), "of the group around it");
        let statistics = "anon 100\ninactive_file 600\nactive_file 200\nfile 900\n";
        group(&two.join("user.slice/job"), &NAMES_2, "1000", 1000, statistics);
        assert_eq!(limits("0::/user.slice/job\n"), Some([800, 1000]));
        // A container of version 1 sees its own group at the mount, whatever its path is outside.
        let statistics = "inactive_file 9\ntotal_inactive_file 50\ntotal_active_file 30\n";
        group(&one, &NAMES_1, "700", 690, statistics);
        assert_eq!(limits("0::/user.slice/job\n7:hugetlb,memory:/docker/1f\n"), Some([90, 700]));
    }
}
