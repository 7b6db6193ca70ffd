//! The program: arguments in, exit code out.

use std::io::Write as _;
use std::process::ExitCode;

use sidekick::app::{self, Outcome, Signals};
use sidekick::config::{self, Invocation};

/// A usage error, as `sysexits.h` numbers it.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    let invocation = match config::from_process() {
        Ok(invocation) => invocation,
        Err(error) => return fail(&error, error.exit_code()),
    };
    match invocation {
        Invocation::Run(config, arguments) => {
            match app::start(*config, Some(arguments), Signals::Obeyed) {
                Ok(running) => serve(running),
                Err(error) => fail(&error, 1),
            }
        }
        Invocation::Check(config) => match app::check(&config) {
            Ok(text) => print(text.as_bytes(), ExitCode::SUCCESS),
            Err(error) => fail(&error, 1),
        },
        Invocation::Help(text) | Invocation::Version(text) | Invocation::Completions(text) => {
            print(text.as_bytes(), ExitCode::SUCCESS)
        }
        Invocation::Man(page) => print(&page, ExitCode::SUCCESS),
        Invocation::NoSites(text) => print(text.as_bytes(), ExitCode::from(USAGE)),
    }
}

/// Says where it listens, and waits for the end.
fn serve(running: app::Running) -> ExitCode {
    if !running.has_table() {
        say(&format!(
            "listening on {}://{}",
            running.scheme(),
            running.address()
        ));
    }
    match running.wait() {
        Outcome::Drained => ExitCode::SUCCESS,
        Outcome::Cut | Outcome::Failed => ExitCode::FAILURE,
    }
}

fn fail(error: &impl std::fmt::Display, code: u8) -> ExitCode {
    say(&error.to_string());
    ExitCode::from(code)
}

/// One line to standard error. Whether anybody reads it changes nothing.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "sidekick: {line}");
}

/// A text to standard output, ended by a line end. A reader that has gone (`| head`) is no error.
fn print(text: &[u8], code: ExitCode) -> ExitCode {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text);
    if !text.ends_with(b"\n") {
        let _ = out.write_all(b"\n");
    }
    code
}
