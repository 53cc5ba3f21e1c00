//! The CPU time of a thread.

use std::{fs, thread, time::Duration};

/// A shorter time cannot be told apart from the kernel's own bookkeeping.
const ENOUGH: Duration = Duration::from_millis(200);
/// How often each of several operations is measured.
const ROUNDS: usize = 5;

/// The CPU time that this thread has used so far.
pub(crate) fn used() -> Duration {
    // The kernel brings a thread's account up to date when the thread yields.
    thread::yield_now();
    let text = fs::read_to_string("/proc/thread-self/schedstat");
    let text = text.expect("Linux keeps account of threads");
    let nanoseconds = text
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number of nanoseconds"))
}

/// Measures several operations in turns, and returns the median of each, in microseconds.
pub(crate) fn medians<const N: usize>(mut operations: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut measured = [const { Vec::new() }; N];
    for _ in 0..ROUNDS {
        for (operation, measured) in operations.iter_mut().zip(&mut measured) {
            measured.push(once(operation));
        }
    }
    measured.map(median)
}

/// The median.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn once(operation: &mut dyn FnMut()) -> f64 {
    let began = used();
    let mut times = 0_u32;
    loop {
        for _ in 0..16 {
            operation();
        }
        times += 16;
        let spent = used() - began;
        if spent >= ENOUGH {
            return spent.as_secs_f64() * 1e6 / f64::from(times);
        }
    }
}
