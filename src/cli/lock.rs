//! Keeping a second apply of the same manifest out. The local service in this process lets nobody else into its
//! state directory anyway.

use std::fs;

use tokio_util::sync::CancellationToken;

use super::document::Document;
use super::error::CliError;
use super::output;
use super::target::Target;
use crate::apply::{Holder, Lock};
use crate::clock;

/// Runs `work` while no other apply or destroy of the manifest can run. The token it gets is cancelled when that is
/// not certain any more.
pub(super) async fn with_lock<T>(
    document: &Document,
    target: &Target,
    work: impl AsyncFnOnce(CancellationToken) -> Result<T, CliError>,
) -> Result<T, CliError> {
    if target.is_local() {
        return work(CancellationToken::new()).await;
    }
    let name = &document.desired.name;
    let ours = ourselves();
    let is_dead = |holder: &Holder| {
        !ours.machine.is_empty() && holder.machine == ours.machine && !is_alive(holder.process)
    };
    let lock = Lock::take(&target.client, name, &ours, is_dead).await?;
    let result = work(lock.lost()).await;
    if let Err(error) = lock.release().await {
        output::talk(&format!(
            "warning: the lock of `{name}` stays for a minute: {error}\n"
        ));
    }
    result
}

fn ourselves() -> Holder {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let user = variable("USER");
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let process = std::process::id();
    let name = match (user.as_str(), host.trim()) {
        ("", "") => format!("process {process}"),
        ("", host) => format!("process {process} on {host}"),
        (user, host) => format!("{user} on {host}, process {process}"),
    };
    Holder::new(
        &name,
        clock::now().into(),
        &machine().unwrap_or_default(),
        process,
    )
}

/// Process numbers mean something within one start of one kernel, and there within one namespace.
fn machine() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), namespace.display()))
}

fn is_alive(process: u32) -> bool {
    fs::exists(format!("/proc/{process}")).unwrap_or(true)
}
