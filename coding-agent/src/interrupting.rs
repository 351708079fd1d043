//! Ctrl-C during a tool.

use std::time::Duration;

use anyhow::bail;
use platform::shutdown::Shutdown;

/// A tool that looks after itself is done within it.
const GRACE: Duration = Duration::from_secs(2);

/// Does the work of a tool. One that is asked to end says how to go on; one that does not, because a database or a broker does not answer it, is
/// left where it is: whatever it has begun there is ended by them.
pub(crate) async fn until_interrupted<T>(
    shutdown: &Shutdown,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let interrupted = async {
        shutdown.requested().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        done = work => done,
        () = interrupted => bail!(
            "interrupted while database or broker did not answer; what was asked for may have been done all the same: look before you repeat it"
        ),
    }
}
