//! The command `man`: manual pages from clap's definitions, in the form of roff(7).

use crate::{exit::ExitCode, failure::CliFailure, output};
use clap::Args;
use clap_mangen::Man as Page;
use lokt_lock::sys;
use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Print the manual page, or write all pages to a folder
#[derive(Args, Debug)]
pub(crate) struct ManCommand {
    /// Write lokt.1 and one page per command to this folder
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

impl ManCommand {
    /// Prints the pages of `command`, which is the whole program with all of its commands.
    pub(crate) fn run(&self, mut command: clap::Command) -> Result<ExitCode, CliFailure> {
        // The commit is no news to the reader of a page, and would change each page with each build.
        command = command.version(env!("CARGO_PKG_VERSION"));
        command.build();
        match &self.dir {
            None => output::bytes(&rendered(command)?)?,
            Some(folder) => {
                let commands = command.get_subcommands().cloned();
                let pages = commands.map(|it| (format!("lokt-{}", it.get_name()), it));
                let all = std::iter::once(("lokt".to_owned(), command.clone())).chain(pages);
                all.into_iter().try_for_each(|(title, it)| write(folder, title, it))?;
            }
        }
        Ok(ExitCode::Done)
    }
}

/// Writes one page; the folder is made if it is missing, and an existing page is replaced.
fn write(folder: &Path, title: String, command: clap::Command) -> Result<(), CliFailure> {
    let path = folder.join(format!("{title}.1"));
    let page = rendered(command.name(title))?;
    let write = || -> io::Result<()> {
        sys::make_folder(folder, 0o777)?;
        let options = &mut OpenOptions::new();
        let options = options.write(true).create(true).truncate(true);
        let mut file = sys::open_regular_with(options, 0, &path)?;
        sys::keep_owner_bits(&file, 0o600)?;
        file.write_all(&page)
    };
    write().map_err(|error| {
        CliFailure::new(ExitCode::Error, format!("cannot write {}: {error}", path.display()))
    })
}

/// A page as roff.
fn rendered(command: clap::Command) -> Result<Vec<u8>, CliFailure> {
    let mut page = Vec::new();
    Page::new(command).render(&mut page)?;
    Ok(page)
}
