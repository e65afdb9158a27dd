//! The binary: everything is in the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A plan of many files is made of many small strings.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // Before anything else: a launcher is not a command of the tool.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|first| first == batchflow::service::LAUNCHER_ARGUMENT)
    {
        return batchflow::service::launcher_main();
    }
    batchflow::cli::main()
}
