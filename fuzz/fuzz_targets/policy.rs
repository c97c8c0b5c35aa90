//! Whatever bytes a policy and the file that it includes hold, the reader reads them or says what is wrong, and where.
//!
//! A line `%%%` divides the files: what follows is `tables/more.yml`.

#![no_main]

use std::io;

use audit_core::Policy;
use audit_core::policy::Loader;
use libfuzzer_sys::fuzz_target;

struct Files<'b> {
    main: &'b [u8],
    more: &'b [u8],
}

impl Loader for Files<'_> {
    fn read(&self, file: &str, limit: u64) -> io::Result<Vec<u8>> {
        let bytes = match file {
            "audit.yml" => self.main,
            "tables/more.yml" => self.more,
            _ => return Err(io::ErrorKind::NotFound.into()),
        };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(bytes[..bytes.len().min(limit)].to_vec())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        match folder {
            "" => Ok(vec!["audit.yml".to_owned(), "tables/".to_owned()]),
            "tables/" => Ok(vec!["more.yml".to_owned()]),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        match name {
            "TEAM" => Some("ops@example.com".to_owned()),
            "NUMBER" => Some("42".to_owned()),
            _ => None,
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    const BETWEEN: &[u8] = b"\n%%%\n";
    let between = bytes
        .windows(BETWEEN.len())
        .position(|window| window == BETWEEN);
    let files = match between {
        Some(at) => Files {
            main: &bytes[..at],
            more: &bytes[at + BETWEEN.len()..],
        },
        None => Files {
            main: bytes,
            more: b"tables: { public.more: }",
        },
    };
    match Policy::load("audit.yml", &files) {
        // What was read can be told and stored.
        Ok(policy) => {
            for rule in policy.tables.iter().flat_map(|table| &table.rules) {
                let _ = rule.kind.to_string();
                let again = audit_core::RuleKind::from_definition(rule.kind.name(), rule.kind.definition());
                assert_eq!(again.unwrap(), rule.kind);
            }
        }
        Err(errors) => {
            assert!(!errors.problems.is_empty());
            for problem in &errors.problems {
                let at = problem.location.expect("every error of a file has a place");
                assert!(at.line >= 1 && at.column >= 1);
            }
            let text = errors.to_string();
            assert!(text.contains("nothing was applied"));
            assert!(!text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
        }
    }
});
