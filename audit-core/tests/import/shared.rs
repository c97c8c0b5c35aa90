//! How the tests look at what was imported.

use audit_core::Policy;
use audit_core::import::{Imported, Verdict};

/// The fragment is a policy that says what the import says.
pub fn is_a_policy(imported: &Imported) {
    let fragment = imported.fragment();
    let policy = Policy::parse(&fragment, "fragment.yml")
        .unwrap_or_else(|errors| panic!("{errors}\n{fragment}"));
    assert_eq!(policy.tables, imported.tables, "{fragment}");
    assert_eq!(policy.summaries, imported.summaries);
    assert_eq!(policy.alerts, imported.alerts);
    for check in &imported.coverage {
        let says_why = check.verdict == Verdict::Imported || !check.notes.is_empty();
        assert!(
            says_why && check.rules.is_empty() == (check.verdict == Verdict::NotPossible),
            "{check}"
        );
    }
}

/// The report and the fragment, as a person gets them.
pub fn shown(imported: &Imported) -> String {
    is_a_policy(imported);
    let lines: Vec<String> = imported.coverage.iter().map(ToString::to_string).collect();
    format!(
        "{}\n\n{}\n\n{}",
        lines.join("\n"),
        imported.summary(),
        imported.fragment()
    )
}

/// Every one of these kinds of check is in the report.
pub fn covers(imported: &Imported, kinds: &[&str]) {
    for kind in kinds {
        let known = imported.coverage.iter().any(|check| {
            let of_check = check.check.rsplit(": ").next().unwrap_or_default();
            of_check.eq_ignore_ascii_case(kind) || of_check.rsplit('.').next() == Some(kind)
        });
        assert!(known, "no check of the kind {kind}");
    }
}
