//! Prints a page of the reference from the definitions in the code:
//! `cargo run --example reference flags > docs/reference/flags.md`, or `metrics`.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    let page = match std::env::args().nth(1).as_deref() {
        None | Some("flags") => sidekick::config::reference(),
        Some("metrics") => sidekick::metrics::reference(),
        Some(other) => return Err(io::Error::other(format!("no page `{other}`"))),
    };
    io::stdout().write_all(page.as_bytes())
}
