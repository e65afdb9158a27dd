//! Programs that others wrote: installed when a test wants them, run with a deadline, ended with the test.

mod browser;
mod child;
mod install;

pub(crate) use browser::Browser;
pub(crate) use child::{Server, run};
pub(crate) use install::{Node, Python};

use std::io::Write;
use std::path::PathBuf;

/// Where `requirements` and `package.json` lie, and the scripts.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients"))
}

/// Says on the real stderr what a test would need, or fails where everything has to be there.
///
/// The test then passes without having tested anything, which is why it must not pass in silence.
pub(crate) fn skip(test: &str, needs: &str) {
    assert!(
        std::env::var_os("BATCHFLOW_REQUIRE_CLIENTS").is_none_or(|v| v.is_empty() || v == "0"),
        "{test} needs {needs}"
    );
    // Not eprintln: the harness shows what that prints only when a test fails.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {test} needs {needs}");
}
