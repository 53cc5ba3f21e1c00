//! Which replica of an app this process is, for an operator who reads the logs of many.

use std::{env, fs, process, sync::OnceLock};

use crate::base::text::printable;

/// The longest host name that is shown.
const MAX_NAME: usize = 64;

/// Returns the name of this machine, or of this container, and the number of this process: `web-3/17`.
pub(crate) fn name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let of_kernel = fs::read_to_string("/proc/sys/kernel/hostname").ok();
        let of_environment = || {
            env::var("HOSTNAME")
                .or_else(|_| env::var("COMPUTERNAME"))
                .ok()
        };
        let host = of_kernel.or_else(of_environment).unwrap_or_default();
        let host = match printable(host.trim(), MAX_NAME) {
            host if host.is_empty() => "unknown host".to_owned(),
            host => host,
        };
        format!("{host}/{}", process::id())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_is_named_by_its_host_and_process() {
        let (host, process) = name().rsplit_once('/').unwrap();
        assert!(!host.is_empty() && host.len() <= MAX_NAME, "{host}");
        assert_eq!(process, process::id().to_string());
    }
}
