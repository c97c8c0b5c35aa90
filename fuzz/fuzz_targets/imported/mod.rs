//! What holds of every importer, whatever it reads.

use audit_core::import::{Imported, Options, Verdict};
use audit_core::{Error, Policy};

/// The fragment is a policy with the rules that the import says, every check has its verdict, and no text steers a terminal.
pub fn holds(importer: fn(&str, &str, &Options) -> Result<Imported, Error>, bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let shown = match importer(text, "file", &Options::default()) {
        Ok(imported) => {
            let fragment = imported.fragment();
            let policy = Policy::parse(&fragment, "fragment.yml").unwrap_or_else(|errors| panic!("{errors}\n{fragment}"));
            assert_eq!(policy.tables, imported.tables);
            assert_eq!(policy.summaries, imported.summaries);
            assert_eq!(policy.alerts, imported.alerts);
            for check in &imported.coverage {
                assert_eq!(check.rules.is_empty(), check.verdict == Verdict::NotPossible);
                assert!(check.verdict == Verdict::Imported || !check.notes.is_empty());
            }
            let report: String = imported.coverage.iter().map(ToString::to_string).collect();
            fragment + &report
        }
        Err(error) => error.to_string(),
    };
    assert!(!shown.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
}
