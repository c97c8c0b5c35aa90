//! Writes the list of the files below `sql/`, in the order in which they are applied, for `src/source.rs`.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

/// Later folders may use what earlier ones define. Views and SQL functions must; PL/pgSQL looks names up when it runs.
const FOLDERS: [&str; 22] = [
    "watch",
    "capture",
    "privacy",
    "compile",
    "rule",
    "quarantine",
    "reject",
    "summary",
    "counter",
    "time",
    "tick",
    "seal",
    "history",
    "retention",
    "verify",
    "declare",
    "alert",
    "outbox",
    "doctor",
    "views",
    "check",
    "suggest",
];

#[expect(
    clippy::disallowed_methods,
    reason = "Cargo speaks to build scripts through the environment"
)]
fn main() {
    // The migrations are read by a macro, which Cargo does not know to run again.
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=sql");

    let root = Path::new(&env::var_os("CARGO_MANIFEST_DIR").expect("Cargo sets it")).join("sql");
    for name in names(&root) {
        let known = FOLDERS.contains(&name.as_str())
            || ["grants.sql", "settings.sql"].contains(&name.as_str());
        assert!(
            known,
            "`sql/{name}` is not among the folders that build.rs applies"
        );
    }

    let mut list = String::from("&[\n");
    for folder in FOLDERS {
        for name in names(&root.join(folder)) {
            add(&mut list, &format!("{folder}/{name}"));
        }
    }
    add(&mut list, "grants.sql");
    add(&mut list, "settings.sql");
    list.push(']');

    let out = Path::new(&env::var_os("OUT_DIR").expect("Cargo sets it")).join("source.rs");
    fs::write(out, list).expect("the output directory is writable");
}

/// The path is found when the crate is compiled, so that two checkouts may share a target directory.
fn add(list: &mut String, path: &str) {
    let file = format!("/sql/{path}");
    writeln!(
        list,
        "    File {{ path: {path:?}, text: include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {file:?})) }},"
    )
    .expect("a string takes everything");
}

/// What a folder holds, sorted by name; nothing if there is no such folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names
}
