//! The guide's page about the policy: its examples are applied.
#![cfg(feature = "embedded")]

mod shared;

use std::fs;

use audit_core::Policy;
use audit_core::policy::Disk;
use audit_schema::{apply, export, plan, testing};
use shared::run;

const PAGE: &str = include_str!("../../docs/guide/policy.md");

fn blocks() -> Vec<&'static str> {
    let blocks = PAGE.split("```yaml\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap())
        .collect()
}

#[test]
fn the_examples_of_the_page_are_applied_one_after_the_other() {
    let database = testing::database();
    let mut connection = database.connect();
    run(
        &mut connection,
        "create table customers (id integer primary key);
         create table orders (
             id integer primary key, customer integer, total numeric, note text, country text, status text,
             ordered_at timestamptz, paid_at timestamptz, shipped_at timestamptz
         );",
    );
    let folder = std::env::temp_dir().join(format!("audit-guide-{}", std::process::id()));
    let conf = folder.join("conf");
    let mut applied = 0;
    let mut apply_it = |policy: &Policy| {
        apply(&mut connection, policy).unwrap_or_else(|error| panic!("{error}"));
        assert!(plan(&mut connection, policy).unwrap().is_empty());
        let written = export(&mut connection).unwrap().to_yaml();
        let read =
            Policy::parse(&written, "written.yml").unwrap_or_else(|errors| panic!("{errors}"));
        assert!(
            plan(&mut connection, &read).unwrap().is_empty(),
            "{written}"
        );
        applied += 1;
    };
    for block in blocks() {
        // The parts of the policy that has several files say which.
        let file = block.lines().next().unwrap().strip_prefix("# ");
        match file.filter(|file| file.ends_with(".yml")) {
            Some(file) => {
                let path = conf.join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, block).unwrap();
            }
            None => {
                let policy = Policy::parse(block, "policy.md");
                apply_it(&policy.unwrap_or_else(|errors| panic!("{errors}")));
            }
        }
    }
    let main = conf.join("audit.yml");
    let policy = Policy::load(main.to_str().unwrap(), &Disk::new(|_| None));
    fs::remove_dir_all(&folder).unwrap();
    let policy = policy.unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(policy.tables[0].owner, "data@example.com");
    apply_it(&policy);
    assert_eq!(applied, 4);
}
