//! A Chromium that is there already, driven by `playwright-core`.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Node;

/// A browser and what drives it.
pub(crate) struct Browser {
    node: Node,
    chromium: PathBuf,
}

impl Browser {
    /// # Errors
    /// What is missing, as text for a person.
    pub(crate) fn found() -> Result<Self, String> {
        let named = std::env::var_os("BATCHFLOW_CHROMIUM").map(PathBuf::from);
        let chromium = named.unwrap_or_else(|| PathBuf::from("/usr/bin/chromium"));
        if !chromium.exists() {
            return Err(format!(
                "Chromium: BATCHFLOW_CHROMIUM names it, or it is /usr/bin/chromium ({} is not there)",
                chromium.display()
            ));
        }
        Ok(Self {
            node: Node::with_packages()?,
            chromium,
        })
    }

    /// A scenario of `tests/clients/browser`. `BATCHFLOW_SHOTS` names a folder for pictures of the pages.
    pub(crate) fn scenario(&self, name: &str) -> Command {
        let folder: &Path = &super::folder();
        let mut command = self.node.script(&folder.join("browser").join(name));
        command.env("CHROMIUM", &self.chromium);
        if let Some(shots) = std::env::var_os("BATCHFLOW_SHOTS") {
            command.env("SHOTS", shots);
        }
        command
    }
}
