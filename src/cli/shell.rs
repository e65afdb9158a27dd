//! `batchflow completions` and `batchflow man`: what a shell and a pager want to know of the command line.

use std::io;

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::Cli;
use super::error::CliError;
use super::output;
use crate::report::exit_code::ExitCode;

pub(super) fn completions(shell: Shell) -> Result<ExitCode, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "batchflow", &mut script);
    output::data(&String::from_utf8_lossy(&script));
    Ok(ExitCode::Ok)
}

/// One page with every command.
pub(super) fn man() -> Result<ExitCode, CliError> {
    let mut page = Vec::new();
    let mut command = Cli::command();
    command.build();
    write_pages(&command, &mut page).map_err(CliError::Runtime)?;
    output::data(&String::from_utf8_lossy(&page));
    Ok(ExitCode::Ok)
}

fn write_pages(command: &clap::Command, page: &mut Vec<u8>) -> io::Result<()> {
    let whole = clap_mangen::Man::new(command.clone());
    whole.render(page)?;
    for verb in command.get_subcommands().filter(|c| !c.is_hide_set()) {
        if verb.get_name() == "help" {
            continue;
        }
        let part = clap_mangen::Man::new(verb.clone());
        page.extend(format!(".SH \"BATCHFLOW {}\"\n", verb.get_name().to_uppercase()).bytes());
        part.render_synopsis_section(page)?;
        part.render_description_section(page)?;
        part.render_options_section(page)?;
    }
    Ok(())
}
