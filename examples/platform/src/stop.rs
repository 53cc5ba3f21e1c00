//! When a program must stop.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};

/// Listens for Ctrl-C, and for the signal by which service managers stop a process.
///
/// As soon as it exists, these signals no longer end the process by themselves. A program makes it before it prints
/// that it listens, so that whoever reads the line may ask it to stop at once.
#[derive(Debug)]
pub struct Stop {
    #[cfg(unix)]
    signals: [Signal; 2],
    #[cfg(windows)]
    signals: CtrlC,
}

impl Stop {
    /// Begins to listen. Several of them all notice the same signal.
    ///
    /// # Errors
    ///
    /// When the system does not let the process listen.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            signals: [
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
            ],
            #[cfg(windows)]
            signals: ctrl_c()?,
        })
    }

    /// Waits until the process is asked to stop. A signal that came since [`listen`](Self::listen) counts.
    pub async fn asked_for(mut self) {
        #[cfg(unix)]
        {
            let [interrupt, terminate] = &mut self.signals;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        #[cfg(windows)]
        self.signals.recv().await;
    }
}
