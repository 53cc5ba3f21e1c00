//! What a callback costs the engine, from the browser's request to the cookies of the session.

use std::time::Duration;

use miracl_core::SigningAlgorithm;

use crate::{cpu::median, login::App};

const LOGINS: usize = 40;

/// Prints the table.
pub(crate) fn print() {
    println!("\n| callback | CPU µs of the engine, median | of it to begin the session |");
    println!("|---|--:|--:|");
    for algorithm in [SigningAlgorithm::RS256, SigningAlgorithm::ES256] {
        let app = App::start(algorithm);
        // The first callback fetches the discovery document and the keys.
        let logins: Vec<_> = (0..=LOGINS).map(|_| app.log_in()).skip(1).collect();
        let microseconds = |time: Duration| time.as_secs_f64() * 1e6;
        let confirm = median(
            logins
                .iter()
                .map(|login| microseconds(login.confirm))
                .collect(),
        );
        let all = logins.iter().map(|login| login.callback + login.confirm);
        let all = median(all.map(microseconds).collect());
        println!("| {} | {all:.0} | {confirm:.0} |", algorithm.name());
    }
}
