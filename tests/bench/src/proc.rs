//! What the kernel says about processes and processors.

use std::fs;

/// The unit of times in `/proc`, in microseconds: `USER_HZ` is 100 wherever Rust runs on Linux today.
const TICK: u64 = 10_000;

/// What a process has used so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Used {
    /// Microseconds of CPU, in user space and in the kernel.
    pub(crate) own: u64,
    /// The CPU time of its children that have ended.
    pub(crate) children: u64,
}

/// Reads what a process has used so far.
pub(crate) fn used(pid: u32) -> Result<Used, String> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    parse_used(&text).ok_or_else(|| format!("{path}: {text:?}"))
}

/// Reads how long a processor has been busy, in microseconds, including the time it worked for other guests of the
/// hypervisor.
pub(crate) fn busy(cpu: u32) -> Result<u64, String> {
    let path = "/proc/stat";
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    parse_busy(&text, cpu).ok_or_else(|| format!("{path} does not know CPU {cpu}"))
}

/// Reads the memory that a process has in RAM, in bytes.
pub(crate) fn resident(pid: u32) -> Result<u64, String> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    parse_resident(&text).ok_or_else(|| format!("{path} has no VmRSS"))
}

fn parse_used(stat: &str) -> Option<Used> {
    // The name in brackets may hold any character, including brackets and spaces.
    let (_, fields) = stat.rsplit_once(')')?;
    // proc(5): fields 14 to 17 are utime, stime, cutime and cstime; the first here is field 3.
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let time = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(Used {
        own: (time(14)? + time(15)?) * TICK,
        children: (time(16)? + time(17)?) * TICK,
    })
}

fn parse_busy(stat: &str, cpu: u32) -> Option<u64> {
    let name = format!("cpu{cpu}");
    let line = stat.lines().find(|line| {
        let first = line.split_whitespace().next();
        first == Some(name.as_str())
    })?;
    // proc(5): user, nice, system, idle, iowait, irq, softirq, steal. The time of guests is part of user.
    let times: Option<Vec<u64>> = line
        .split_whitespace()
        .skip(1)
        .take(8)
        .map(|time| time.parse().ok())
        .collect();
    let [user, nice, system, _, _, irq, softirq, steal] = times?[..] else {
        return None;
    };
    Some((user + nice + system + irq + softirq + steal) * TICK)
}

fn parse_resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes = line.trim().strip_suffix(" kB")?.trim();
    Some(kibibytes.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_whatever_the_program_is_called() {
        let stat = "4711 (a) b (c) S 1 4711 4711 0 -1 4194560 1 2 3 4 250 31 7 2 20 0 3 0 100 5 6";
        let used = Used {
            own: 2_810_000,
            children: 90_000,
        };
        assert_eq!(parse_used(stat), Some(used));
        assert_eq!(parse_used("4711 (a) S 1 4711"), None);
        assert_eq!(parse_used(""), None);
    }

    #[test]
    fn a_processor_is_busy_for_everybody_and_idle_for_nobody() {
        let stat = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu1 1 2 3 1000 1000 4 5 6 7 8\ncpu10 7 7 7 7 7 7 7 7 7 7\nintr 1\n";
        assert_eq!(parse_busy(stat, 1), Some(210_000));
        assert_eq!(parse_busy(stat, 10), Some(420_000));
        assert_eq!(parse_busy(stat, 0), None);
        assert_eq!(parse_busy("cpu0 1 2 3", 0), None);
    }

    #[test]
    fn memory_is_in_bytes() {
        let status = "Name:\tserver\nVmHWM:\t   99 kB\nVmRSS:\t    4660 kB\nThreads:\t1\n";
        assert_eq!(parse_resident(status), Some(4660 * 1024));
        assert_eq!(parse_resident("VmRSS:\t12 MB\n"), None);
        assert_eq!(parse_resident("Name:\tkthreadd\n"), None);
    }

    #[test]
    fn this_process_has_used_something() {
        let pid = std::process::id();
        assert!(resident(pid).unwrap() > 100_000);
        assert!(used(pid).is_ok());
        assert!(busy(0).is_ok());
        assert!(resident(u32::MAX).is_err());
    }
}
