//! `docs/internals/rfc9111.md` names tests that are there.

use std::fs;
use std::path::Path;

fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else {
            text.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_requirement_names_a_test_that_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/internals/rfc9111.md")).unwrap();
    let mut code = String::new();
    sources(&root.join("src/cache"), &mut code);
    sources(&root.join("src/http"), &mut code);
    let mut rows = 0;
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let Some(tests) = row.trim_end_matches('|').rsplit('|').next() else {
            continue;
        };
        for test in tests.split('`').skip(1).step_by(2) {
            rows += 1;
            assert!(code.contains(&format!("fn {test}(")), "{test}: {row}");
        }
    }
    assert!(rows > 60, "{rows}");
}
