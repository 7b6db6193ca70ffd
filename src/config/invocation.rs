//! What the process was called for.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use clap_complete::Shell;

use super::args::run;
use super::arguments::Arguments;
use super::command_line::{self, Purpose, command, texts};
use super::error::{Error, ErrorKind, shown};
use super::{Config, help};

/// What the process was called for.
#[derive(Debug)]
pub enum Invocation {
    /// Serve. The arguments are kept for [`Arguments::build`] on reload.
    Run(Box<Config>, Arguments),
    /// Say what would run, and end.
    Check(Box<Config>),
    /// Print this text and end well.
    Help(String),
    /// Print this line and end well.
    Version(String),
    /// No SITE was given: print this help text and end with [`Error::exit_code`] 64.
    NoSites(String),
    /// Print this completion script and end well.
    Completions(String),
    /// Print this manual page (roff) and end well.
    Man(Vec<u8>),
}

/// Reads the arguments after the program's name, the environment through `variable`, and the file
/// they name through `read_file`.
pub fn parse(
    args: impl Iterator<Item = OsString>,
    variable: &impl Fn(&str) -> Option<OsString>,
    read_file: &impl Fn(&Path) -> io::Result<String>,
) -> Result<Invocation, Error> {
    let args = texts(args)?;
    if let Some(answer) = word(&args)? {
        return Ok(answer);
    }
    let typed = command_line::read(args.into_iter().map(OsString::from))?;
    if typed.settings.switch(&run::HELP)? {
        return Ok(Invocation::Help(help::text()));
    }
    if typed.settings.switch(&run::VERSION)? {
        return Ok(version());
    }
    let check = typed.settings.switch(&run::CHECK)?;
    let arguments = Arguments::new(typed, variable)?;
    match arguments.build(read_file) {
        Ok(config) if check => Ok(Invocation::Check(Box::new(config))),
        Ok(config) => Ok(Invocation::Run(Box::new(config), arguments)),
        Err(error) if error.kind() == ErrorKind::NoSites => Ok(Invocation::NoSites(help::text())),
        Err(error) => Err(error),
    }
}

/// [`parse`] with the arguments, the environment and the files of this process.
pub fn from_process() -> Result<Invocation, Error> {
    parse(
        std::env::args_os().skip(1),
        &|name| std::env::var_os(name),
        &read_file,
    )
}

/// Reads a file of this machine: the `read_file` of a real process.
pub fn read_file(path: &Path) -> io::Result<String> {
    std::fs::read_to_string(path)
}

/// A first argument that is no SITE (those hold `://`) and no flag asks for something else.
fn word(args: &[String]) -> Result<Option<Invocation>, Error> {
    let rest = args.get(1..).unwrap_or_default();
    let alone = |answer: Invocation| match rest.first() {
        None => Ok(Some(answer)),
        Some(extra) => Err(Error::usage(format!(
            "`{}` is one argument too many",
            shown(extra)
        ))),
    };
    match args.first().map(String::as_str) {
        Some("completions") => completions(rest).map(Some),
        Some("man") => alone(Invocation::Man(manual()?)),
        Some("help") => alone(Invocation::Help(help::text())),
        Some("version") => alone(version()),
        _ => Ok(None),
    }
}

fn version() -> Invocation {
    Invocation::Version(format!("sidekick {}", env!("CARGO_PKG_VERSION")))
}

fn completions(rest: &[String]) -> Result<Invocation, Error> {
    let names = "bash, elvish, fish, powershell or zsh";
    let [shell] = rest else {
        return Err(Error::usage(format!(
            "`completions` needs one shell: {names}"
        )));
    };
    let shell: Shell = shell.parse().map_err(|_| {
        Error::usage(format!(
            "`completions {}`: the shells are {names}",
            shown(shell)
        ))
    })?;
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(Purpose::Show), "sidekick", &mut script);
    Ok(Invocation::Completions(
        String::from_utf8_lossy(&script).into_owned(),
    ))
}

fn manual() -> Result<Vec<u8>, Error> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command(Purpose::Show))
        .render(&mut page)
        .map_err(|cause| Error::usage(format!("the manual page cannot be written: {cause}")))?;
    Ok(page)
}
