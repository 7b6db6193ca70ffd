//! The rules of the house, checked on the source text: which room may know which, how large a
//! file may grow, what has no place anywhere. Each failure prints the line and the rule.

#![expect(clippy::expect_used, reason = "a test says what it expected")]

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms in import order: a module imports only modules to its left.
const ROOMS: [&str; 19] = [
    "sys",
    "http",
    "config",
    "metrics",
    "balance",
    "topology",
    "event",
    "net",
    "upstream",
    "health",
    "discovery",
    "cache",
    "store",
    "fill",
    "admin",
    "proxy",
    "tui",
    "server",
    "app",
];

/// The rooms of values and deciders, which read no clock.
const TIMELESS: [&str; 5] = ["http", "config", "balance", "topology", "cache"];

/// Lines a file may have before its test module.
const LARGEST_FILE: usize = 500;

const NAMELESS: [&str; 7] = [
    "utils", "util", "common", "helpers", "misc", "types", "globals",
];
const SHARED_STATE: [&str; 3] = ["thread_local!", "LazyLock", "OnceLock"];
const UNFINISHED: [&str; 3] = ["todo!", "dbg!", "unimplemented!"];
const MAY_PRINT: [&str; 3] = ["main.rs", "tui", "event"];

struct Source {
    path: PathBuf,
    /// The first room of the path below `src`: a module's name, `lib.rs` or `main.rs`.
    room: String,
    lines: Vec<String>,
}

impl Source {
    /// The lines before the file's test module, numbered from one, comments and all.
    fn production(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines
            .iter()
            .enumerate()
            .map(|(index, line)| (index + 1, line.as_str()))
            .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
    }

    /// As [`Source::production`], without comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.production()
            .map(|(number, line)| (number, line.split("//").next().unwrap_or_default()))
            .filter(|(_, line)| !line.trim().is_empty())
    }

    fn breach(&self, number: usize, rule: &str) -> String {
        format!("{}:{number}: {rule}", self.path.display())
    }

    fn is_test(&self) -> bool {
        self.path.file_name().is_some_and(|name| name == "tests.rs")
            || self
                .path
                .components()
                .any(|part| part.as_os_str() == "tests")
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("src is readable") {
            let path = entry.expect("src is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(&root).expect("below src");
                let first = below.components().next().expect("a file has a name");
                let room = first
                    .as_os_str()
                    .to_string_lossy()
                    .trim_end_matches(".rs")
                    .to_owned();
                let room = if below.components().count() == 1 {
                    format!("{room}.rs")
                } else {
                    room
                };
                let text = fs::read_to_string(&path).expect("a source is text");
                found.push(Source {
                    path: Path::new("src").join(below),
                    room,
                    lines: text.lines().map(str::to_owned).collect(),
                });
            }
        }
    }
    assert!(!found.is_empty(), "no sources found");
    found
}

fn assert_none(breaches: &[String]) {
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

/// Every `crate::room` that a line names, also inside braces: `use crate::{http, net::Stream}`.
fn rooms_named(line: &str) -> Vec<&'static str> {
    let mut named = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + "crate::".len()..];
        let list = rest.strip_prefix('{').map_or(rest, |inner| inner);
        for part in if rest.starts_with('{') {
            list.split(',').collect()
        } else {
            vec![rest]
        } {
            let word: String = part
                .trim()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            named.extend(ROOMS.iter().copied().filter(|room| *room == word));
        }
    }
    named
}

#[test]
fn imports_point_left() {
    let place = |room: &str| ROOMS.iter().position(|known| *known == room);
    let mut breaches = Vec::new();
    for source in sources() {
        let Some(here) = place(&source.room) else {
            continue;
        };
        for (number, line) in source.code() {
            for room in rooms_named(line) {
                if place(room).is_some_and(|there| there > here) {
                    let rule = format!(
                        "`{}` must not know `{room}`: imports point left",
                        source.room
                    );
                    breaches.push(source.breach(number, &rule));
                }
            }
        }
    }
    assert_none(&breaches);
}

#[test]
fn every_room_is_on_the_map() {
    let mut breaches = Vec::new();
    for source in sources() {
        let known = ROOMS.contains(&source.room.as_str())
            || ["lib.rs", "main.rs"].contains(&source.room.as_str());
        if !known {
            breaches.push(source.breach(1, "this room is not on the list of rooms"));
        }
        let name = source
            .path
            .file_stem()
            .expect("a file has a name")
            .to_string_lossy();
        if NAMELESS.contains(&&*name) || NAMELESS.contains(&source.room.as_str()) {
            breaches.push(source.breach(1, "a module is named for what it does"));
        }
    }
    assert_none(&breaches);
}

#[test]
fn no_file_is_larger_than_a_reader_can_hold() {
    let mut breaches = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        let lines = source.production().count();
        if lines > LARGEST_FILE {
            let rule =
                format!("{lines} lines before the tests; at most {LARGEST_FILE}: split it by role");
            breaches.push(source.breach(lines, &rule));
        }
    }
    assert_none(&breaches);
}

#[test]
fn no_state_is_shared_behind_the_callers_back() {
    let mut breaches = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| source.room != "main.rs" && !source.is_test())
    {
        for (number, line) in source.code() {
            let mutable_static = line
                .trim_start()
                .trim_start_matches("pub ")
                .starts_with("static ")
                && ["Atomic", "Mutex", "RwLock", "Cell", "mut "]
                    .iter()
                    .any(|part| line.contains(part));
            if mutable_static || SHARED_STATE.iter().any(|part| line.contains(part)) {
                breaches
                    .push(source.breach(number, "state is a field of what owns it, passed down"));
            }
        }
    }
    assert_none(&breaches);
}

#[test]
fn deciders_get_the_time_as_an_argument() {
    let mut breaches = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| TIMELESS.contains(&source.room.as_str()) && !source.is_test())
    {
        for (number, line) in source.code() {
            if line.contains("Instant::now") || line.contains("SystemTime::now") {
                breaches.push(source.breach(number, "a decider gets the time as an argument"));
            }
        }
    }
    assert_none(&breaches);
}

#[test]
fn nothing_is_left_unfinished_or_printed_from_afar() {
    let mut breaches = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        for (number, line) in source.code() {
            if UNFINISHED.iter().any(|part| line.contains(part)) {
                breaches.push(source.breach(number, "finished, or not in the tree"));
            }
            let prints = line.contains("println!") || line.contains("print!(");
            if prints && !MAY_PRINT.contains(&source.room.as_str()) {
                breaches.push(source.breach(number, "output goes through `event`"));
            }
        }
    }
    assert_none(&breaches);
}

#[test]
fn the_import_rule_sees_through_braces() {
    assert_eq!(
        rooms_named("use crate::{http, proxy::Exchange};"),
        ["http", "proxy"]
    );
    assert_eq!(
        rooms_named("let x = crate::server::Worker::new();"),
        ["server"]
    );
    assert!(rooms_named("use std::net::IpAddr;").is_empty());
}
