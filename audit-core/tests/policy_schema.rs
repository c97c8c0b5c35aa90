//! The JSON Schema and the reader: what the reader accepts, the schema accepts, and what the schema can know, it refuses.

use std::path::{Path, PathBuf};

use audit_core::Policy;
use jsonschema::Validator;
use serde_json::Value;

fn schema() -> Validator {
    let schema = audit_core::policy::schema();
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

/// A policy as programs see it that know nothing of it but that it is YAML.
fn value(text: &str) -> Value {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).unwrap()
}

/// The policies of a folder of this workspace, each with its name.
fn policies(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found: Vec<(PathBuf, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yml"))
        .map(|path| (path.clone(), std::fs::read_to_string(path).unwrap()))
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

/// The policies in documents: blocks of YAML that begin with a version.
fn in_documents() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let guide = std::fs::read_dir(root.join("docs/guide")).unwrap();
    let mut found = Vec::new();
    for path in guide
        .map(|entry| entry.unwrap().path())
        .chain([root.join("README.md")])
    {
        let text = std::fs::read_to_string(&path).unwrap();
        for block in text.split("```yaml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            if block.lines().any(|line| line == "version: 1") && !block.contains("\ninclude:") {
                found.push((path.clone(), block.to_owned()));
            }
        }
    }
    assert!(found.len() > 3);
    found
}

#[test]
fn every_policy_of_the_repository_is_accepted_by_the_reader_and_by_the_schema() {
    let schema = schema();
    let all = [
        policies("tests/policies/accepted"),
        policies("../examples/flights"),
        in_documents(),
    ];
    for (path, text) in all.into_iter().flatten() {
        if let Err(errors) = Policy::parse(&text, &path.display().to_string()) {
            panic!("{errors}");
        }
        let value = value(&text);
        let errors: Vec<String> = schema
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
    }
}

#[test]
fn what_the_reader_refuses_the_schema_refuses_if_it_can_know() {
    let schema = schema();
    let mut wrong = Vec::new();
    for (path, text) in policies("tests/policies/refused") {
        let path = path.display().to_string();
        assert!(Policy::parse(&text, "audit.yml").is_err(), "{path}");
        let by = text
            .lines()
            .next()
            .unwrap()
            .strip_prefix("# refused by: ")
            .unwrap();
        assert!(["both", "reader"].contains(&by), "{path}");
        if schema.is_valid(&value(&text)) != (by == "reader") {
            wrong.push(path);
        }
    }
    assert_eq!(wrong, [""; 0]);
}
