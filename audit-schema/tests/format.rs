//! The formats: what each accepts and what it does not.
#![cfg(feature = "embedded")]

mod shared;

use audit_core::Format;
use shared::{rule, run, show, watched, wrong};

/// A format, what it accepts, and what it does not.
const FORMATS: &[(Format, &[&str], &[&str])] = &[
    (
        Format::Email,
        &["a.b+c@example.com", "x@localhost"],
        &["a@", "a b@example.com", "@x", "a@-b.com", "a@b..c"],
    ),
    (
        Format::Url,
        &["https://example.com/a?b=c", "HTTP://x.y"],
        &["example.com", "https://", "ftp://example.com", "http://a b"],
    ),
    (
        Format::Hostname,
        &["example.com", "a", "xn--bcher-kva.example", "1.2.example"],
        &[
            "-a.example",
            "a-.example",
            "a..b",
            "a_b",
            "",
            "example.com.",
        ],
    ),
    (
        Format::Ip,
        &[
            "10.0.0.255",
            "::1",
            "2001:db8::8a2e:370:7334",
            "::ffff:10.0.0.1",
        ],
        &["256.1.1.1", "1.2.3", ":::", "10.0.0.1/8"],
    ),
    (
        Format::Ipv4,
        &["0.0.0.0", "255.255.255.255"],
        &["::1", "1.2.3.4.5", "01.2.3.4", "1.2.3"],
    ),
    (
        Format::Ipv6,
        &["::", "FE80::1", "1:2:3:4:5:6:7:8"],
        &["1.2.3.4", "1:2:3:4:5:6:7:8:9", "1::2::3", "g::"],
    ),
    (
        Format::Cidr,
        &["10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "::/128"],
        &["10.0.0.0", "10.0.0.0/33", "::/129", "10.0.0.0/08"],
    ),
    (
        Format::Mac,
        &["00:1a:2B:3c:4d:5e", "00-1A-2B-3C-4D-5E"],
        &[
            "00:1a:2b:3c:4d",
            "00:1a-2b:3c:4d:5e",
            "001a2b3c4d5e",
            "0g:1a:2b:3c:4d:5e",
        ],
    ),
    (
        Format::Uuid,
        &["00000000-0000-0000-0000-00000000000A"],
        &["0000", "00000000000000000000000000000000"],
    ),
    (
        Format::Ulid,
        &["01ARZ3NDEKTSV4RRFFQ69G5FAV"],
        &[
            "81ARZ3NDEKTSV4RRFFQ69G5FAV",
            "01ARZ3NDEKTSV4RRFFQ69G5FAI",
            "01ARZ3NDEKTSV4RRFFQ69G5FA",
        ],
    ),
    (
        Format::IsoDate,
        &["2013-02-28", "2013-12-31"],
        &["2013-13-01", "2013-04-31", "8 Feb", "20130228", "2013-2-28"],
    ),
    (
        Format::IsoDatetime,
        &[
            "2013-02-08T09:30:00Z",
            "2013-02-08 09:30",
            "2013-02-08T09:30:00.123+02:00",
        ],
        &[
            "2013-02-08",
            "2013-02-08T24:00:00Z",
            "2013-02-08T09:60Z",
            "2013-02-30T09:30Z",
            "2013-02-08T09:30:00+2",
        ],
    ),
    (
        Format::Time,
        &["00:00", "23:59:60", "09:30:15.25"],
        &["24:00", "9:30", "09:60", "09:30:61"],
    ),
    (Format::Country, &["DE", "US"], &["XX", "de", "DEU"]),
    (Format::Currency, &["EUR", "USD"], &["EURO", "ABC", "eur"]),
    (Format::Language, &["de", "en"], &["DE", "xx", "deu"]),
    (
        Format::PhoneE164,
        &["+4930123456", "+12025550123"],
        &[
            "030123456",
            "+0123456789",
            "+49 30 123",
            "+1234567890123456",
        ],
    ),
    (
        Format::Iban,
        &[
            "DE89370400440532013000",
            "GB82WEST12345698765432",
            "NO9386011117947",
        ],
        &[
            "DE88370400440532013000",
            "GB82 WEST 1234 5698 7654 32",
            "DE89",
            "de89370400440532013000",
        ],
    ),
    (
        Format::Bic,
        &["DEUTDEFF", "DEUTDEFF500"],
        &["DEUTDEF", "DEUTDEFF5", "deutdeff", "DEUT1EFF"],
    ),
    (
        Format::Slug,
        &["red-shoes-2", "a"],
        &["Red-Shoes", "-a", "a-", "a--b", "a_b", ""],
    ),
    (
        Format::Semver,
        &["1.4.0", "0.0.1-rc.1+build.5", "1.0.0-alpha"],
        &["1.4", "v1.4.0", "01.4.0", "1.4.0-01", "1.4.0-"],
    ),
    (
        Format::HexColor,
        &["#1a2b3c", "#FFF", "#11223344"],
        &["1a2b3c", "#12345", "#ggg"],
    ),
    (
        Format::Base64,
        &["aGVsbG8=", "aGk=", "", "YWJj"],
        &["aGVsbG8", "a===", "aGVs bG8=", "-_=="],
    ),
    (Format::Hex, &["00ff", "DEADBEEF"], &["0", "0x00", "gg", ""]),
];

#[test]
fn each_format_accepts_and_refuses_what_it_should() {
    let tested: Vec<Format> = FORMATS.iter().map(|(format, ..)| *format).collect();
    assert_eq!(tested, Format::ALL);

    let (_database, mut db) = watched(
        "orders",
        "create table orders (id integer generated always as identity primary key, format text, note text)",
    );
    for (format, ..) in FORMATS {
        let name = format.name();
        rule(
            &mut db,
            &format!(
                r#"'{name}', 'format', '{{"column": "note", "format": "{name}"}}', condition => 'format = ''{name}'''"#
            ),
        );
    }
    for (format, accepted, refused) in FORMATS {
        let name = format.name();
        for text in accepted.iter().chain(*refused) {
            run(
                &mut db,
                &format!("insert into orders (format, note) values ('{name}', '{text}')"),
            );
        }
        run(
            &mut db,
            &format!("insert into orders (format, note) values ('{name}', null)"),
        );
    }
    let found = show(
        &mut db,
        "select r.name, o.note from audit.finding f join audit.rule r using (rule_id) join orders o on o.id::text = any (f.keys) order by o.id",
    );
    let expected: Vec<String> = FORMATS
        .iter()
        .flat_map(|(format, _, refused)| {
            refused.iter().map(|text| match *text {
                "" => format!("({},\"\")", format.name()),
                text if text.contains([' ', ',']) => format!("({},\"{text}\")", format.name()),
                text => format!("({},{text})", format.name()),
            })
        })
        .collect();
    assert_eq!(found, expected.join("\n"));
    assert_eq!(wrong(&mut db), "");
}
