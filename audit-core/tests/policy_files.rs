//! A policy in several files: what is included, and how errors in any of them are told.

mod shared;

use std::collections::BTreeMap;
use std::io;

use audit_core::Policy;
use audit_core::policy::{Disk, Loader};
use insta::assert_snapshot;

/// Files and variables that are in no disk and no environment.
#[derive(Default)]
struct Memory {
    files: BTreeMap<String, Vec<u8>>,
    variables: BTreeMap<String, String>,
}

impl Memory {
    fn file(mut self, name: &str, text: impl AsRef<[u8]>) -> Self {
        self.files.insert(name.to_owned(), text.as_ref().to_vec());
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    #[track_caller]
    fn policy(&self, file: &str) -> Policy {
        Policy::load(file, self).unwrap_or_else(|errors| panic!("{errors}"))
    }

    #[track_caller]
    fn errors(&self, file: &str) -> String {
        match Policy::load(file, self) {
            Ok(policy) => panic!("the policy was accepted: {policy:#?}"),
            Err(errors) => errors.to_string(),
        }
    }
}

impl Loader for Memory {
    fn read(&self, file: &str, _limit: u64) -> io::Result<Vec<u8>> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "no such file");
        self.files.get(file).cloned().ok_or_else(missing)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let below = self
            .files
            .keys()
            .filter_map(|name| name.strip_prefix(folder));
        let mut names: Vec<String> = below
            .map(|name| {
                name.split_inclusive('/')
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect();
        names.dedup();
        Ok(names)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }
}

fn tables(policy: &Policy) -> Vec<&str> {
    policy
        .tables
        .iter()
        .map(|table| table.name.as_str())
        .collect()
}

#[test]
fn what_is_included_is_put_together_in_the_order_of_names() {
    let files = Memory::default()
        .file(
            "conf/audit.yml",
            "version: 1\ninclude: [tables/*.yml, alerts.yml]\ndefaults: { owner: data@example.com }\ntables: { public.own: }\nroutes: [{ to: disk }]\n",
        )
        .file("conf/tables/b.yml", "tables: { public.b: }\n")
        .file("conf/tables/a.yml", "version: 1\ntables: { public.a: { rules: [{ not_null: x }] } }\nsummaries: { n: { from: public.b, measures: { rows: count } } }\n")
        .file("conf/tables/.hidden.yml", "tables: { public.hidden: }\n")
        .file("conf/tables/notes.txt", "no policy")
        .file("conf/alerts.yml", "include: channels/disk.yml\nalerts: { many: { on: n, when: rows > 1 } }\ndefaults: { fix_within: { low: 9d } }\n")
        .file("conf/channels/disk.yml", "channels: { disk: { file: { directory: mail } } }\n");
    let policy = files.policy("conf/audit.yml");
    assert_eq!(tables(&policy), ["public.own", "public.a", "public.b"]);
    assert_eq!(policy.tables[1].rules[0].owner, "data@example.com");
    assert_eq!(policy.alerts[0].name, "many");
    assert_eq!(policy.channels[0].name, "disk");
    assert_eq!(
        policy.files().collect::<Vec<_>>(),
        [
            "conf/audit.yml",
            "conf/tables/a.yml",
            "conf/tables/b.yml",
            "conf/alerts.yml",
            "conf/channels/disk.yml"
        ]
    );
}

#[test]
fn a_name_that_two_files_declare_is_told_with_both_places() {
    let files = Memory::default()
        .file("audit.yml", "version: 1\ninclude: [a.yml, b.yml]\nroutes: [{ to: disk }]\n")
        .file("a.yml", "tables:\n  public.flights:\nchannels: { disk: { file: { directory: mail } } }\n")
        .file("b.yml", "version: 3\ntables:\n  public.planes:\n  public.flights:\nroutes:\n  - { to: [disk] }\ndefaults: { onwer: x }\n");
    assert_snapshot!(files.errors("audit.yml"), @r"
    b.yml:1:10: this is version 3 of the policy language, and this program knows version 1
      |
    1 | version: 3
      |          ^
      = a newer program may know it; expected `version: 1`

    b.yml:4:3: `public.flights` is given twice
      |
    4 |   public.flights:
      |   ^^^^^^^^^^^^^^
      = the first one is in line 2 of a.yml

    b.yml:5:1: `routes` are given in two files
      |
    5 | routes:
      | ^^^^^^
      = the first ones are in line 3 of audit.yml; the first route that matches wins, so they stand in one file

    b.yml:7:13: unknown key `onwer` in `defaults`
      |
    7 | defaults: { onwer: x }
      |             ^^^^^
      = did you mean `owner`?

    4 errors; nothing was applied
    ");
}

#[test]
fn what_cannot_be_included_is_told_where_it_is_named() {
    let files = Memory::default()
        .file(
            "audit.yml",
            "version: 1\ninclude:\n  - alert.yml\n  - tabels/*.yml\n  - a.yml\n  - ./a.yml\n  - '../*.yml'\n  - ${WHERE}/x.yml\n  - audit.yml\n",
        )
        .file("alerts.yml", "")
        .file("a.yml", "include: [b.yml]\n")
        .file("b.yml", "include: a.yml\n")
        .variable("WHERE", "/etc");
    assert_snapshot!(files.errors("audit.yml"), @r"
    audit.yml:3:5: `alert.yml` cannot be read
      |
    3 |   - alert.yml
      |     ^^^^^^^^^
      = did you mean `alerts.yml`?

    audit.yml:4:5: no file is named like `tabels/*.yml`
      |
    4 |   - tabels/*.yml
      |     ^^^^^^^^^^^^
      = it is looked for in `tabels/`

    audit.yml:6:5: `./a.yml` is included twice
      |
    6 |   - ./a.yml
      |     ^^^^^^^
      = the first time is in line 5

    audit.yml:7:5: `../*.yml` leads out of the folder of the policy
      |
    7 |   - '../*.yml'
      |     ^^^^^^^^^^
      = write such a path out, without a pattern and without a variable

    audit.yml:8:5: `/etc/x.yml` leads out of the folder of the policy
      |
    8 |   - ${WHERE}/x.yml
      |     ^^^^^^^^^^^^^^
      = write such a path out, without a pattern and without a variable

    audit.yml:9:5: `audit.yml` includes itself
      |
    9 |   - audit.yml
      |     ^^^^^^^^^
      = it is read already: audit.yml → audit.yml

    b.yml:1:10: `a.yml` includes itself
      |
    1 | include: a.yml
      |          ^^^^^
      = it is read already: audit.yml → a.yml → b.yml → a.yml

    7 errors; nothing was applied
    ");
    assert_snapshot!(shared::errors("version: 1\ninclude: a.yml\n"), @r"
    audit.yml:2:10: nothing can be included here
      |
    2 | include: a.yml
      |          ^^^^^
      = a text that is read by itself has no folder

    1 error; nothing was applied
    ");
    assert_snapshot!(
        Memory::default().errors("nowhere.yml"),
        @r"
    nowhere.yml: cannot be read: no such file

    1 error; nothing was applied
    "
    );
}

#[test]
fn a_path_that_is_written_out_may_lead_anywhere() {
    let files = Memory::default()
        .file(
            "team/audit.yml",
            "version: 1\ninclude: [../shared/channels.yml, /etc/audit/tables.yml]\n",
        )
        .file(
            "shared/channels.yml",
            "channels: { disk: { file: { directory: mail } } }\n",
        )
        .file("/etc/audit/tables.yml", "tables: { public.a: }\n");
    assert_eq!(files.policy("team/audit.yml").files().count(), 3);
}

#[test]
fn a_pattern_means_the_files_that_nothing_else_names() {
    let files = Memory::default()
        .file("audit.yml", "version: 1\ninclude: ['z.yml', '*.yml']\n")
        .file("a.yml", "tables: { public.a: }\n")
        .file("z.yml", "tables: { public.z: }\n");
    assert_eq!(tables(&files.policy("audit.yml")), ["public.z", "public.a"]);
}

#[test]
fn a_file_that_is_no_yaml_hides_no_error_of_the_others_and_makes_none() {
    let files = Memory::default()
        .file("audit.yml", "version: 1\ninclude: [channels.yml, tables.yml]\nroutes: [{ to: ops }]\nalerts: { late: { on: departures, whn: x } }\n")
        .file("channels.yml", "channels: { ops: [ }\n")
        .file("tables.yml", "tables: { public.a: { rules: [{ not_nul: x }] } }\n");
    assert_snapshot!(files.errors("audit.yml"), @r"
    audit.yml:4:11: an alert needs `when`
      |
    4 | alerts: { late: { on: departures, whn: x } }
      |           ^^^^

    audit.yml:4:35: unknown key `whn` in an alert
      |
    4 | alerts: { late: { on: departures, whn: x } }
      |                                   ^^^
      = did you mean `when`?

    channels.yml:1:18: mismatched bracket '[' closed by '}'
      |
    1 | channels: { ops: [ }
      |                  ^

    tables.yml:1:33: unknown kind of rule `not_nul`
      |
    1 | tables: { public.a: { rules: [{ not_nul: x }] } }
      |                                 ^^^^^^^
      = did you mean `not_null`?

    4 errors; nothing was applied
    ");
}

#[test]
fn variables_are_filled_in_and_have_the_type_that_they_look_like() {
    let files = Memory::default()
        .file(
            "audit.yml",
            "
version: 1
tables:
  public.a:
    owner: ${TEAM}@${DOMAIN:-example.com}
    why: costs $5, and $${TEAM} is no variable
    rules:
      - range:
          x: { min: \"${LOW}\", max: '${HIGH}' }
          y:
            max: ${HIGH}
          z: { max: '${EXACT}' }
        owner: ${HIGH}
        shadow: ${TRIAL:-true}
        fix_within: ${SOON:-2h}
",
        )
        .variable("TEAM", "ops")
        .variable("LOW", "1")
        .variable("HIGH", "20")
        .variable("EXACT", "0.12345678901234567890");
    let policy = files.policy("audit.yml");
    let table = &policy.tables[0];
    assert_eq!(table.owner, "ops@example.com");
    assert_eq!(table.why, "costs $5, and ${TEAM} is no variable");
    let ranges: Vec<String> = table
        .rules
        .iter()
        .map(|rule| rule.kind.definition().to_string())
        .collect();
    assert_snapshot!(ranges.join("\n"), @r#"
    {"column":"x","max":20,"min":1}
    {"column":"y","max":20}
    {"column":"z","max":"0.12345678901234567890"}
    "#);
    assert!(table.rules[0].shadow);
    assert_eq!(table.rules[0].owner, "20");
    assert_eq!(table.rules[0].fix_within.unwrap().to_string(), "2 hours");
}

#[test]
fn a_variable_that_is_not_set_is_told_where_it_stands() {
    let files = Memory::default().file(
        "audit.yml",
        "version: 1\ntables:\n  public.${SCHEMA}:\n  public.a:\n    owner: the ${TEAM} team\n    why: ${}\n    rules:\n      - not_null: ${A:-${B}}\nchannels: { ops: { slack: { url: '${HOOK}' } } }\n",
    ).variable("HOOK", "https://hooks.example.com/secret");
    let errors = files.errors("audit.yml");
    assert_snapshot!(shared::errors("version: 1\ntables: { public.a: { owner: ${A:-x} } }\n"), @r#"
    audit.yml:2:31: while parsing a flow mapping, did not find expected ',' or '}'
      |
    2 | tables: { public.a: { owner: ${A:-x} } }
      |                               ^
      = between `{ }` and `[ ]` a variable needs quotes: `"${NAME}"`

    1 error; nothing was applied
    "#);
    assert!(!errors.contains("hooks.example.com"));
    assert_snapshot!(errors, @r"
    audit.yml:3:3: a variable cannot stand in a key
      |
    3 |   public.${SCHEMA}:
      |   ^^^^^^^^^^^^^^^^
      = what a policy declares has the same names everywhere

    audit.yml:5:16: the variable `TEAM` is not set
      |
    5 |     owner: the ${TEAM} team
      |                ^^^^^^^
      = set it, or write `${TEAM:-…}` with what holds if it is not

    audit.yml:6:10: this is not a variable of the environment
      |
    6 |     why: ${}
      |          ^^^
      = expected `${NAME}` or `${NAME:-default}`; write `$${` for a `${` that is no variable

    audit.yml:8:19: this is not a variable of the environment
      |
    8 |       - not_null: ${A:-${B}}
      |                   ^^^^^^^^^
      = expected `${NAME}` or `${NAME:-default}`; write `$${` for a `${` that is no variable

    audit.yml:9:34: `url` is a secret and must not stand in the policy
      |
    9 | channels: { ops: { slack: { url: ********* } } }
      |                                  ^^^^^^^^^
      = expected `{ env: NAME }` or `{ file: /path }`; consider the one that stood here as known to others

    5 errors; nothing was applied
    ");
}

#[test]
fn an_anchor_is_written_once_and_merged_where_it_is_needed() {
    let policy = Policy::parse(
        "
version: 1
x-strict: &strict { severity: critical, action: reject, owner: billing@example.com }
x-both: [&late { fix_within: 1h }, &early { fix_within: 2h, why: early }]
tables:
  public.a:
    rules:
      - <<: *strict
        not_null: x
      - <<: *strict
        not_null: y
        action: flag
      - { not_null: z, <<: [*late, *early] }
",
        "audit.yml",
    )
    .unwrap_or_else(|errors| panic!("{errors}"));
    let rules: Vec<String> = policy.tables[0]
        .rules
        .iter()
        .map(|rule| {
            format!(
                "{} {} {} {:?} {:?} {}",
                rule.name,
                rule.severity,
                rule.action,
                rule.owner,
                rule.fix_within.map(|p| p.to_string()),
                rule.why
            )
        })
        .collect();
    assert_snapshot!(rules.join("\n"), @r#"
    not_null_x critical reject "billing@example.com" Some("4 hours") 
    not_null_y critical flag "billing@example.com" Some("4 hours") 
    not_null_z normal flag "" Some("1 hour") early
    "#);
}

#[test]
fn errors_in_what_an_alias_stands_for_are_told_where_it_is_used() {
    assert_snapshot!(shared::errors("
version: 1
x-key: &key sk_live_0123456789
x-wrong: &wrong { severty: low }
tables:
  public.a:
    rules:
      - { <<: *wrong, not_null: b }
channels:
  ops: { resend: { from: a@example.com, to: b@example.com, api_key: *key } }
"), @r"
    audit.yml:8:15: unknown key `severty` in a rule
      |
    8 |       - { <<: *wrong, not_null: b }
      |               ^^^^^^
      = did you mean `severity`?

    audit.yml:10:69: `api_key` is a secret and must not stand in the policy
       |
    10 |   ops: { resend: { from: a@example.com, to: b@example.com, api_key: **** } }
       |                                                                     ^^^^
       = expected `{ env: NAME }` or `{ file: /path }`; consider the one that stood here as known to others

    2 errors; nothing was applied
    ");
}

#[test]
fn the_files_of_this_machine_are_read_with_the_variables_that_are_given() {
    let folder = std::env::temp_dir().join(format!("audit-policy-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("tables/more")).unwrap();
    let main = folder.join("audit.yml");
    std::fs::write(&main, "version: 1\ninclude: tables/*\n").unwrap();
    std::fs::write(
        folder.join("tables/a.yml"),
        "tables: { public.a: { owner: '${OWNER}' } }\n",
    )
    .unwrap();
    let owner = |name: &str| (name == "OWNER").then(|| "ops".to_owned());
    let policy = Policy::load(main.to_str().unwrap(), &Disk::new(owner));
    let folder_itself = Policy::load(folder.to_str().unwrap(), &Disk::new(owner));
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(policy.unwrap().tables[0].owner, "ops");
    assert!(
        folder_itself
            .unwrap_err()
            .to_string()
            .contains("cannot be read")
    );
}

/// The first line of what a person reads about a file of bytes.
fn first_error(bytes: impl AsRef<[u8]>) -> String {
    let files = Memory::default().file("audit.yml", bytes);
    files.errors("audit.yml").lines().next().unwrap().to_owned()
}

#[test]
fn hostile_files_are_refused_with_a_place() {
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", b"".to_vec()),
        (
            "a NUL, which must not end the file",
            b"version: 1\ntables: {}\n\0\nroutes: nonsense\n".to_vec(),
        ),
        ("an escape", b"version: 1\n# \x1b[2J\n".to_vec()),
        (
            "a NUL that is written as an escape",
            b"version: 1\ntables: { public.a: { rules: [{ one_of: { x: [\"a\\0b\"] } }] } }\n"
                .to_vec(),
        ),
        (
            "a NUL in a key",
            b"version: 1\ntables: { \"public.a\\0\": }\n".to_vec(),
        ),
        ("no UTF-8", b"version: 1\r\n# caf\xe9\r\n".to_vec()),
        ("UTF-16", b"\xff\xfev\0e\0r\0".to_vec()),
        ("tabs", b"version: 1\ntables:\n\tpublic.a:\n".to_vec()),
        ("old line ends", b"version: 1\rtabels: {}\r".to_vec()),
        ("two documents", b"version: 1\n---\nversion: 1\n".to_vec()),
        (
            "an alias to itself",
            b"version: 1\ntables: &a { public.a: *a }\n".to_vec(),
        ),
        ("an alias to nothing", b"version: 1\ntables: *a\n".to_vec()),
        (
            "a merge of itself",
            b"version: 1\ntables: &a { <<: *a }\n".to_vec(),
        ),
        ("a merge of a text", b"version: 1\n<<: x\n".to_vec()),
        ("a tag", b"version: !!python/object:os.system 1\n".to_vec()),
        ("a huge number", b"version: 1e999\n".to_vec()),
        (
            "a number too many",
            b"version: 99999999999999999999999999\n".to_vec(),
        ),
        (
            "a mapping as a key",
            b"version: 1\n? { a: b }\n: c\n".to_vec(),
        ),
        (
            "many keys",
            format!(
                "version: 1\ntables:\n{}",
                (0..300_000)
                    .map(|n| format!("  t{n}:\n"))
                    .collect::<String>()
            )
            .into_bytes(),
        ),
        (
            "one long line",
            format!(
                "version: 1\ntables: {{ public.a: {{ owner: '{}",
                "x".repeat(4 << 20)
            )
            .into_bytes(),
        ),
        ("too large", vec![b'#'; (16 << 20) + 1]),
    ];
    let lines: Vec<String> = cases
        .iter()
        .map(|(what, bytes)| format!("{what}: {}", first_error(bytes)))
        .collect();
    assert_snapshot!(lines.join("\n"), @r"
    nothing: audit.yml:1:1: the policy is empty
    a NUL, which must not end the file: audit.yml:3:1: the character U+0000 must not stand in a policy
    an escape: audit.yml:2:3: the character U+001B must not stand in a policy
    a NUL that is written as an escape: audit.yml:2:47: no text may contain the character U+0000
    a NUL in a key: audit.yml:2:11: no text may contain the character U+0000
    no UTF-8: audit.yml:2:6: the file is not text in UTF-8
    UTF-16: audit.yml:1:1: the file is not text in UTF-8
    tabs: audit.yml:3:2: tabs disallowed within this context (block indentation)
    old line ends: audit.yml:2:1: unknown key `tabels` in a policy
    two documents: audit.yml:3:1: a policy is one YAML document, and here a second one begins
    an alias to itself: audit.yml:2:24: an anchor must not contain itself
    an alias to nothing: audit.yml:2:9: alias references unknown anchor
    a merge of itself: audit.yml:2:18: an anchor must not contain itself
    a merge of a text: audit.yml:2:5: YAML merge value must be mapping or sequence of mappings
    a tag: audit.yml:1:36: unsupported tag `!!python/object:os.system`
    a huge number: audit.yml:1:10: a number must be finite
    a number too many: audit.yml:1:10: this is version 1e+26 of the policy language, and this program knows version 1
    a mapping as a key: audit.yml:2:3: a key must be a text, and this is a mapping
    many keys: audit.yml:100000:9: larger than any policy needs to be, after its anchors are followed
    one long line: audit.yml:2:30: unclosed quote
    too large: audit.yml:1:1: the file is larger than any policy needs to be
    ");
}

#[test]
fn the_marks_of_other_systems_change_nothing() {
    let plain = "version: 1\ntables:\n  public.a:\n    why: |\n      two\n      lines\n    rules:\n      - not_nul: x\n";
    let place = |text: String| {
        let files = Memory::default().file("audit.yml", text);
        let errors = Policy::load("audit.yml", &files).unwrap_err();
        (
            errors.problems[0].location.unwrap(),
            errors.problems[0].source_line.clone(),
        )
    };
    let expected = place(plain.to_owned());
    assert_eq!((expected.0.line, expected.0.column), (8, 9));
    assert_eq!(place(format!("\u{feff}{plain}")), expected);
    assert_eq!(place(plain.replace('\n', "\r\n")), expected);
    assert_eq!(place(plain.replace('\n', "\r")), expected);
}

#[test]
fn a_file_of_nothing_but_errors_is_told_within_bounds() {
    let many = |start: &str, of: &dyn Fn(u32) -> String, end: &str| {
        let items: Vec<String> = (0..60_000).map(of).collect();
        format!("version: 1\n{start}{}{end}\n", items.join(", "))
    };
    let keys = many(
        "tables: { public.a: { rules: [{ one_of: { x: [",
        &|n| format!("{n}.5"),
        ", y] }, nme: x }] } }",
    );
    let unknown = many("{ tables: {", &|n| format!("t{n}: 1"), "} }")
        .replace("version: 1\n{", "{ version: 1,");
    let names = many(
        "tables: { public.a: { rules: [{ not_null: [",
        &|n| format!("c{n}"),
        "] }, { not_nul: x }] } }",
    );
    for (text, count) in [(keys, 1), (unknown, 1_001), (names, 1)] {
        let errors = Policy::parse(&text, "audit.yml").unwrap_err();
        assert_eq!(errors.problems.len(), count, "{}", errors.problems[0]);
    }
}
