//! The help text, written from the list of flags.

use super::args::cache::{VARIABLES, Variable};
use super::args::{GROUPS, all};
use super::flag::{Flag, Kind, Reach};
use super::unavailable;

/// Column at which the explanation of a flag starts.
const COLUMN: usize = 35;
/// Longest line, in characters.
const WIDTH: usize = 100;

const HEAD: &str = "\
sidekick sends each HTTP or S3 request of one application to a live server of the first site that
can serve.

Usage: sidekick [FLAGS] SITE1 [SITE2..]
       sidekick completions bash|elvish|fish|powershell|zsh
       sidekick man

A SITE is the servers of one cluster, separated by commas: http://HOST[:PORT] or https://. {1...4}
stands for each of 1, 2, 3, 4. Sites are ordered by preference: the second serves while the first
cannot.
";

/// How values are written, and which place wins.
pub(crate) const DURATIONS: &str = "\
Durations are written 5s, 1m30s, 100ms or as plain seconds. A flag wins over its variable, that over
the file, that over the default. A switch is turned off again by --FLAG=false.";

const EXAMPLES: &str = "\
  One cluster of four servers:
    sidekick --health-path /minio/health/ready http://minio{1...4}:9000
  A second cluster for when the first is down; on this machine only:
    sidekick --address 127.0.0.1:8080 http://minio{1...4}:9000 http://backup{1...2}:9000
  A name with many addresses, each a backend:
    sidekick --rr-dns-mode http://minio.storage.svc.cluster.local:9000
  Whether a file is right, before the running process is told to read it:
    sidekick --check --config /etc/sidekick.toml
";

/// The whole text, ending with a line end.
pub(crate) fn text() -> String {
    let mut parts = vec![HEAD.to_owned()];
    for group in &GROUPS {
        let seen = group
            .flags
            .iter()
            .filter(|flag| !flag.hidden && !unavailable::is_refused(flag));
        let lines: String = seen.map(|flag| entry(flag)).collect();
        if !lines.is_empty() {
            parts.push(format!("\n{}:\n{lines}", group.title));
        }
    }
    let lines: String = VARIABLES.iter().map(variable).collect();
    parts.push(format!("\nThe shared cache, by variables alone:\n{lines}"));
    let later: Vec<String> = all()
        .filter(|flag| unavailable::is_refused(flag) && !flag.hidden)
        .map(|flag| format!("--{}", flag.name))
        .collect();
    if !later.is_empty() {
        let list = wrapped(&later.join(", "), WIDTH - 2).join("\n  ");
        parts.push(format!(
            "\nNot in this version yet, and refused:\n  {list}\n"
        ));
    }
    parts.push(format!("\n{DURATIONS}\n\nExamples:\n{EXAMPLES}"));
    parts.concat()
}

fn entry(flag: &Flag) -> String {
    let short = flag
        .short
        .map_or("    ".to_owned(), |short| format!("-{short}, "));
    let word = flag
        .value_word()
        .map(|word| format!(" {word}"))
        .unwrap_or_default();
    let head = format!("  {short}--{}{word}", flag.name);
    beside(&head, &explanation(flag))
}

fn variable(variable: &Variable) -> String {
    let explanation = match variable.default {
        "" => variable.help.to_owned(),
        default => format!("{} [default: {default}]", variable.help),
    };
    beside(&format!("  {}", variable.name), &explanation)
}

/// The first line stands beside what it explains, the others below it.
fn beside(head: &str, explanation: &str) -> String {
    let lines = wrapped(explanation, WIDTH - COLUMN);
    format!(
        "{head:COLUMN$}{}\n",
        lines.join(&format!("\n{:COLUMN$}", ""))
    )
}

/// What the flag does, its words, its default and its variable.
pub(crate) fn explanation(flag: &Flag) -> String {
    let mut parts = vec![flag.help.to_owned()];
    if let Kind::Choice(words) = flag.kind {
        parts.push(format!("[one of: {}]", words.join(" ")));
    }
    if let Some(default) = flag.default.or(flag.described_default) {
        parts.push(format!("[default: {default}]"));
    }
    if flag.reach != Reach::CommandLine {
        parts.push(format!("[env: {}]", flag.variable()));
    }
    parts.join(" ")
}

/// The words of `text` in lines of at most `width` characters; what stands in brackets stays whole.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut bracketed = false;
    let words = text.split(|c: char| {
        bracketed = c == '[' || bracketed && c != ']';
        c == ' ' && !bracketed
    });
    for word in words {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
