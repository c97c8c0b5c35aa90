//! A policy on the disk: several files, variables of the environment, and its schema.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use audit_schema::testing::{Database, database};
use diesel::connection::SimpleConnection;

/// A folder that is gone at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("audit-{name}-{}", std::process::id()));
        for (file, text) in files {
            let file = path.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What `audit` says in a folder, and whether it ended well.
fn audit(folder: &Path, database: &Database, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_audit"))
        .args(arguments)
        .current_dir(folder)
        .env("DATABASE_URL", database.url())
        .env("TEAM", "ops@example.com")
        .env_remove("NOBODY")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn a_policy_of_several_files_is_applied_with_the_variables_of_the_environment() {
    let database = database();
    let create = "create table orders (id integer primary key, total numeric)";
    database.connect().batch_execute(create).unwrap();
    let folder = Folder::new(
        "files",
        &[
            ("audit.yml", "version: 1\ninclude: tables/*.yml\n"),
            (
                "tables/orders.yml",
                "tables: { public.orders: { owner: '${TEAM}', rules: [{ not_null: total }] } }\n",
            ),
        ],
    );
    let (well, text) = audit(&folder.0, &database, &["apply"]);
    assert!(well, "{text}");
    let (_, text) = audit(&folder.0, &database, &["plan"]);
    assert!(text.contains("nothing to do"), "{text}");

    fs::write(
        folder.0.join("tables/more.yml"),
        "tables: { public.b: { owner: '${NOBODY}' } }\n",
    )
    .unwrap();
    let (well, text) = audit(&folder.0, &database, &["plan"]);
    assert!(!well);
    assert!(
        text.contains("tables/more.yml:1:31: the variable `NOBODY` is not set"),
        "{text}"
    );
    let (well, text) = audit(&folder.0, &database, &["plan", "nowhere.yml"]);
    assert!(!well);
    assert!(text.contains("nowhere.yml: cannot be read"), "{text}");
}

#[test]
fn the_schema_is_printed_or_written() {
    let database = database();
    let folder = Folder::new("schema", &[("audit.yml", "version: 1\n")]);
    let (well, printed) = audit(&folder.0, &database, &["schema"]);
    assert!(well, "{printed}");
    let schema: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(schema, audit_core::policy::schema());
    let (well, text) = audit(
        &folder.0,
        &database,
        &["schema", "--out", "audit.schema.json"],
    );
    assert!(well, "{text}");
    assert!(
        text.contains("# yaml-language-server: $schema=audit.schema.json"),
        "{text}"
    );
    assert_eq!(
        fs::read_to_string(folder.0.join("audit.schema.json")).unwrap(),
        printed
    );
}
