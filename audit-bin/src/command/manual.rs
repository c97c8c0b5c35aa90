//! `audit completions` and `audit man`: what shells and `man` know about the three programs.

use std::fs;
use std::io;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Command, CommandFactory, ValueEnum};
use clap_complete::Shell;

use crate::cli::Audit;
use crate::command::Output;
use crate::command::image::AuditReport;
use crate::command::notify::AuditNotify;

/// The programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Program {
    #[default]
    Audit,
    AuditNotify,
    AuditReport,
}

impl Program {
    const ALL: [Self; 3] = [Self::Audit, Self::AuditNotify, Self::AuditReport];

    fn command(self) -> Command {
        match self {
            Self::Audit => Audit::command(),
            Self::AuditNotify => AuditNotify::command(),
            Self::AuditReport => AuditReport::command(),
        }
    }
}

/// The options of `audit completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  audit completions bash > /etc/bash_completion.d/audit
  audit completions zsh > \"${fpath[1]}/_audit\"
  audit completions fish --for audit-notify > ~/.config/fish/completions/audit-notify.fish")]
pub struct CompletionsOptions {
    /// The shell
    shell: Shell,
    /// The program that is completed
    #[arg(long = "for", value_enum, default_value_t, value_name = "PROGRAM")]
    program: Program,
}

/// The options of `audit man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  audit man --out /usr/local/share/man/man1
  audit man --out man && man man/audit-plan.1")]
pub struct ManOptions {
    /// The folder that they go to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// The completions of a shell, as text.
pub fn completions(options: &CompletionsOptions) -> Output {
    let mut command = options.program.command();
    let name = command.get_name().to_owned();
    let mut text = Vec::new();
    clap_complete::generate(options.shell, &mut command, name, &mut text);
    String::from_utf8_lossy(&text).into_owned().into()
}

/// Writes a page for each program and each of its commands.
///
/// # Errors
/// If a page can't be written.
pub fn man(options: &ManOptions) -> anyhow::Result<Output> {
    let out = &options.out;
    fs::create_dir_all(out).with_context(|| format!("cannot make `{}`", out.display()))?;
    let mut pages: usize = 0;
    for program in Program::ALL {
        let mut command = program.command();
        command.build();
        pages += write(command, "", out)
            .with_context(|| format!("cannot write into `{}`", out.display()))?;
    }
    Ok(format!("✓ {pages} pages in {}\n", out.display()).into())
}

/// Writes the page of a command and those of its own commands: `audit-quarantine-list.1`.
fn write(command: Command, before: &str, out: &std::path::Path) -> io::Result<usize> {
    let name = match before {
        "" => command.get_name().to_owned(),
        before => format!("{before}-{}", command.get_name()),
    };
    let mut pages = 1;
    for inner in command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set())
    {
        pages += write(inner.clone(), &name, out)?;
    }
    let command = command
        .display_name(name.clone())
        .version(env!("CARGO_PKG_VERSION"));
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text)?;
    fs::write(out.join(format!("{name}.1")), text)?;
    Ok(pages)
}
