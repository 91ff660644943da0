//! The time for which a command may use its token, whose variables can't change while it runs.

use std::io::Write;
use std::pin::pin;
use std::time::Duration;

use oidc_core::{Context, Timestamp, in_words};

/// The time before a token's end at which the user is warned. It is a quarter of the token's life where that is less.
const MARGIN: Duration = Duration::from_secs(120);

/// Tells the user how long the token lives, and again shortly before it ends if the command still runs by then.
///
/// A closed `err` does not stop the command.
pub(super) async fn report_during<T>(
    running: impl Future<Output = T>,
    ends: Option<Timestamp>,
    cx: &Context,
    err: &mut impl Write,
) -> T {
    let Some(left) = ends.map(|ends| ends.since(cx.clock().now())) else { return running.await };
    let margin = MARGIN.min(left / 4);
    let _told = writeln!(
        err,
        "trusted-publish: the token ends in {}, and a command that is running gets no other",
        in_words(left)
    );
    let mut running = pin!(running);
    tokio::select! {
        biased;
        outcome = &mut running => return outcome,
        () = cx.clock().sleep(left.saturating_sub(margin)) => {}
    }
    let _told = writeln!(
        err,
        "trusted-publish: the token ends in {}, and the command is still running: what it publishes after that is refused; \
         run it again for what is left, with a new token",
        in_words(margin)
    );
    running.await
}
