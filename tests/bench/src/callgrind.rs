//! The counts of callgrind, from a file that it writes.

use std::collections::{HashMap, HashSet};

/// The functions that ask the allocator for memory.
const ALLOCATORS: [&str; 4] = ["malloc", "calloc", "realloc", "posix_memalign"];

/// What a program did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Instructions, outside the kernel.
    pub(crate) instructions: u64,
    /// Calls of the allocator.
    pub(crate) allocations: u64,
}

/// What one request does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Each {
    pub(crate) instructions: f64,
    pub(crate) allocations: f64,
}

/// Reads the sum of the instructions in a file of callgrind's profile format.
///
/// # Errors
///
/// When the file is something else, or was cut short.
pub(crate) fn instructions(text: &str) -> Result<u64, String> {
    let first_word = |name: &str| {
        let mut lines = text.lines();
        let rest = lines.find_map(|line| line.strip_prefix(name))?;
        rest.split_whitespace().next()
    };
    let events = first_word("events:");
    if events != Some("Ir") {
        return Err(format!("it counts {events:?} and not instructions"));
    }
    first_word("totals:")
        .and_then(|sum| sum.parse().ok())
        .ok_or_else(|| "it has no sum: the program did not end well".to_owned())
}

impl Counts {
    /// Reads a file in callgrind's profile format.
    ///
    /// # Errors
    ///
    /// When the file is something else, or was cut short.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        // A function's name stands where its number occurs for the first time, as caller or as callee.
        let mut names: HashMap<&str, &str> = HashMap::new();
        let mut allocators: HashSet<&str> = HashSet::new();
        let mut callee = None;
        let mut allocations = 0;
        for line in text.lines() {
            if let Some(function) = line.strip_prefix("fn=") {
                note(function, &mut names, &mut allocators)?;
            } else if let Some(function) = line.strip_prefix("cfn=") {
                callee = Some(note(function, &mut names, &mut allocators)?);
            } else if let Some(calls) = line.strip_prefix("calls=") {
                let count = calls.split_whitespace().next();
                let count: u64 = count
                    .and_then(|count| count.parse().ok())
                    .ok_or_else(|| format!("no number of calls: {line:?}"))?;
                let callee = callee.ok_or("calls of nobody")?;
                if allocators.contains(callee) {
                    allocations += count;
                }
            }
        }
        let instructions = instructions(text)?;
        if allocations == 0 {
            return Err("it names no allocator: are the symbols stripped?".to_owned());
        }
        Ok(Self {
            instructions,
            allocations,
        })
    }

    /// The share of each of `requests`.
    pub(crate) fn each(self, requests: u32) -> Each {
        let each = |count: u64| count as f64 / f64::from(requests);
        Each {
            instructions: each(self.instructions),
            allocations: each(self.allocations),
        }
    }
}

impl Each {
    /// How much more than the other.
    pub(crate) fn over(self, other: Self) -> Self {
        Self {
            instructions: self.instructions - other.instructions,
            allocations: self.allocations - other.allocations,
        }
    }
}

/// Records a function's name with its number, and returns the number: `(12) name`, later `(12)`.
fn note<'a>(
    function: &'a str,
    names: &mut HashMap<&'a str, &'a str>,
    allocators: &mut HashSet<&'a str>,
) -> Result<&'a str, String> {
    let (number, name) = match function.split_once(')') {
        Some((number, name)) if number.starts_with('(') => (number, name.trim()),
        // Without compression there is only the name.
        _ => (function, function),
    };
    if !name.is_empty() {
        names.insert(number, name);
        // A function that calls itself has a name for each depth.
        let plain = name.split('\'').next().unwrap_or(name);
        if ALLOCATORS.contains(&plain) {
            allocators.insert(number);
        }
    } else if !names.contains_key(number) {
        return Err(format!("no name for function {function:?}"));
    }
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# callgrind format
version: 1
creator: callgrind-3.19.0
pid: 4711
cmd:  ./server
part: 1

desc: Timerange: Basic block 0 - 1000
desc: Trigger: Program termination

positions: line
events: Ir
summary: 5000

ob=(1) /usr/lib/libc.so.6
fl=(1) ???
fn=(1) malloc
0 300
cob=(1)
cfi=(1)
cfn=(2) _int_malloc
calls=30 0
0 900

ob=(2) ./server
fl=(1)
fn=(3) server::main
0 100
cob=(1)
cfn=(1)
calls=7 0
0 70
cfn=(4) calloc
calls=2 0
0 40
cfn=(5) server::malloc
calls=1000 0
0 40
cfn=(6) posix_memalign
calls=1 0
0 40

fn=(7) realloc'2
0 100
cfn=(7)
calls=4 0
0 12

totals: 5000
";

    #[test]
    fn instructions_and_calls_of_the_allocator_are_counted() {
        let counts = Counts::parse(FILE).unwrap();
        assert_eq!(
            counts,
            Counts {
                instructions: 5000,
                // Neither malloc's own helper nor another library's malloc.
                allocations: 7 + 2 + 1 + 4,
            }
        );
    }

    #[test]
    fn what_is_no_whole_profile_is_refused() {
        for (damage, told) in [
            (FILE.replace("totals: 5000\n", ""), "did not end well"),
            (FILE.replace("events: Ir", "events: Cycles"), "Cycles"),
            (FILE.replace("calls=7 0", "calls=many 0"), "no number"),
            (FILE.replace("cfn=(4) calloc", "cfn=(44)"), "no name"),
            (
                FILE.replace("malloc", "m")
                    .replace("calloc", "c")
                    .replace("realloc", "r")
                    .replace("posix_memalign", "p"),
                "stripped",
            ),
            (String::new(), "not instructions"),
        ] {
            let error = Counts::parse(&damage).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn requests_have_equal_shares() {
        let counts = |instructions, allocations| Counts {
            instructions,
            allocations,
        };
        let (dear, cheap) = (counts(3_000_000, 2_500), counts(1_000_000, 500));
        let each = dear.each(1000);
        assert_eq!((each.instructions, each.allocations), (3000.0, 2.5));
        let over = each.over(cheap.each(1000));
        assert_eq!((over.instructions, over.allocations), (2000.0, 2.0));
    }
}
