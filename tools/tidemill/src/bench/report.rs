//! `tidemill bench report`: a run that was kept, shown again.

use super::measure::keep;
use super::run::Run;
use crate::failure::Failure;
use crate::output::{self, Format};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// What a load wrote with --output
    run: PathBuf,

    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Make a page of it, one file that needs no network
    #[arg(long, value_name = "PATH")]
    html: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let run = Run::read(&args.run)?;
    keep(&run, None, args.html.as_ref())?;
    match args.format {
        Format::Json => output::print_json(&run),
        Format::Text => output::print(&run.text(output::stdout_paint())),
    }
}
