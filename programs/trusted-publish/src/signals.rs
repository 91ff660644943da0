//! The signals that ask a program to end: listened to from before there is a token until it is ended.

pub(super) use self::platform::{Signals, ended_by};

#[cfg(unix)]
mod platform {
    use std::io;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use rustix::process::{Pid, Signal, kill_process};
    use tokio::process::Child;
    use tokio::signal::unix::{self, SignalKind, signal};

    /// SIGINT, SIGTERM and SIGHUP, none of which ends this process any more.
    pub(in super::super) struct Signals {
        interrupt: unix::Signal,
        terminate: unix::Signal,
        hangup: unix::Signal,
    }

    impl Signals {
        /// Listens from now on.
        pub(in super::super) fn listen() -> io::Result<Self> {
            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                hangup: signal(SignalKind::hangup())?,
            })
        }

        /// Waits for a signal. Returns the exit status of a program that it ends.
        pub(in super::super) async fn status(&mut self) -> u8 {
            u8::try_from(128 + self.next().await.as_raw()).unwrap_or(u8::MAX)
        }

        /// Waits for the child's end and hands every signal on to it.
        pub(in super::super) async fn forward_to(&mut self, child: &mut Child) -> io::Result<ExitStatus> {
            loop {
                let signal = tokio::select! {
                    status = child.wait() => return status,
                    signal = self.next() => signal,
                };
                let pid = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
                if let Some(pid) = pid {
                    // A child that has just ended gets no signal and needs none.
                    let _gone = kill_process(pid, signal);
                }
            }
        }

        async fn next(&mut self) -> Signal {
            tokio::select! {
                _ = self.interrupt.recv() => Signal::INT,
                _ = self.terminate.recv() => Signal::TERM,
                _ = self.hangup.recv() => Signal::HUP,
            }
        }
    }

    /// The number of the signal that ended a process.
    pub(in super::super) fn ended_by(status: ExitStatus) -> Option<i32> {
        status.signal()
    }
}

#[cfg(not(unix))]
mod platform {
    use std::future::pending;
    use std::io;
    use std::process::ExitStatus;

    use tokio::process::Child;

    /// Ctrl-C, which reaches the child by itself.
    pub(in super::super) struct Signals;

    impl Signals {
        pub(in super::super) fn listen() -> io::Result<Self> {
            Ok(Self)
        }

        pub(in super::super) async fn status(&mut self) -> u8 {
            match tokio::signal::ctrl_c().await {
                Ok(()) => 130,
                Err(_) => pending().await,
            }
        }

        /// Waits for the child's end and lives through Ctrl-C until then.
        pub(in super::super) async fn forward_to(&mut self, child: &mut Child) -> io::Result<ExitStatus> {
            loop {
                tokio::select! {
                    status = child.wait() => return status,
                    pressed = tokio::signal::ctrl_c() => pressed?,
                }
            }
        }
    }

    pub(in super::super) fn ended_by(_status: ExitStatus) -> Option<i32> {
        None
    }
}
