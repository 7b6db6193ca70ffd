//! What the documents say is what the code says.

use std::fs;
use std::path::Path;

#[test]
fn the_readme_has_the_table_of_flags_as_the_code_defines_them() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(path).expect("the README is there");
    let table = readme
        .split_once("compared by a test -->\n")
        .and_then(|(_, rest)| rest.split_once("\n<!-- end of flags -->"))
        .map(|(table, _)| table)
        .expect("the README has a table of flags between its marks");
    assert_eq!(
        table.trim(),
        sidekick::config::flag_table().trim(),
        "\nthe README's table of flags is out of date: copy it from docs/reference/flags.md\n"
    );
}

#[test]
fn architecture_lists_every_room() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md is there");
    let map = fs::read_to_string(root.join("src/lib.rs")).expect("lib.rs is there");
    for room in map.lines().filter_map(|line| line.strip_prefix("pub mod ")) {
        let row = format!("| `{}` |", room.trim_end_matches(';'));
        assert!(text.contains(&row), "ARCHITECTURE.md has no row {row}");
    }
}
