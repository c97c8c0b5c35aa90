//! Reading a policy: the file as a whole, and what all of its parts need.
//!
//! The reader never stops at the first error: what cannot be read is reported and left out, and the rest is read.

use std::collections::HashMap;

use super::include::Loader;
use super::load::Files;
use super::node::{Node, Tree};
use super::suggest::nearest;
use super::{Declared, Location, Part, Policy, PolicyErrors, Source};
use crate::{Period, Severity};

/// What a reader has found so far.
pub(super) struct Reader {
    pub(super) source: Source,
    /// Whether a file could not be read, so that what seems to be missing may be there.
    pub(super) is_incomplete: bool,
    /// The time zone of what names none.
    pub(super) time_zone: Option<String>,
    found: Vec<(Location, String, Option<String>)>,
}

/// The known entries of a mapping.
pub(super) struct Fields<'n> {
    pub(super) at: Location,
    entries: Vec<Entry<'n>>,
}

/// A key and its value.
#[derive(Clone, Copy)]
pub(super) struct Entry<'n> {
    pub(super) name: &'n str,
    pub(super) key: Location,
    pub(super) node: &'n Node,
}

/// Reads a policy, or finds everything that is wrong with it.
pub(super) fn read(
    text: &[u8],
    file: &str,
    loader: Option<&dyn Loader>,
) -> Result<Policy, PolicyErrors> {
    let mut reader = Reader {
        source: Source::default(),
        is_incomplete: false,
        time_zone: None,
        found: Vec::new(),
    };
    let mut files = Files::new(file, loader);
    files.read(&mut reader, file, None, text);
    let policy = files
        .whole(&mut reader)
        .and_then(|root| reader.policy(&root));
    match policy {
        Some(policy) if reader.found.is_empty() => Ok(Policy {
            source: reader.source,
            ..policy
        }),
        _ => Err(PolicyErrors::new(
            reader
                .found
                .into_iter()
                .map(|(at, message, help)| reader.source.problem(Some(at), message, help))
                .collect(),
        )),
    }
}

impl Reader {
    fn policy(&mut self, root: &Node) -> Option<Policy> {
        if matches!(root.value, Tree::Null) {
            self.refuse(
                root.at,
                "the policy is empty",
                "it begins with `version: 1`, then `tables:`",
            );
            return None;
        }
        let fields = self.fields(
            root,
            "a policy",
            &[
                "version",
                "include",
                "defaults",
                "tables",
                "summaries",
                "alerts",
                "channels",
                "routes",
                "silences",
            ],
            &["import"],
        )?;
        let version = self.version(&fields);
        let defaults = self.defaults(&fields);
        self.time_zone = defaults.time_zone.clone();
        let tables = self.tables(&fields, &defaults);
        let summaries = self.summaries(&fields, &tables);
        self.bounds_are_on_summaries(&tables, fields.get("summaries").map(|entry| entry.node));
        let alerts = self.alerts(&fields);
        let channels = self.channels(&fields);
        let routes = self.routes(&fields);
        let silences = self.silences(&fields, &defaults);
        Some(Policy {
            version,
            defaults,
            tables,
            summaries,
            alerts,
            channels,
            routes,
            silences,
            source: Source::default(),
        })
    }

    fn version(&mut self, fields: &Fields<'_>) -> u32 {
        let Some(entry) = fields.get("version") else {
            self.refuse(
                fields.at,
                "the policy does not say its version",
                "add the line `version: 1`",
            );
            return 1;
        };
        self.version_is_known(entry.node);
        1
    }

    /// Reports a version of the language that this reader does not know.
    pub(super) fn version_is_known(&mut self, node: &Node) {
        let (message, help) = match &node.value {
            Tree::Number(number) if number.as_u64() == Some(1) => return,
            Tree::Number(number) => (
                format!(
                    "this is version {number} of the policy language, and this program knows version 1"
                ),
                "a newer program may know it; expected `version: 1`",
            ),
            Tree::Text(text) if text == "1" => (
                "the version must be a number, and this is a text".to_owned(),
                "take the quotes away: `version: 1`",
            ),
            _ => (
                format!(
                    "the version must be a number, and this is {}",
                    node.article()
                ),
                "expected `version: 1`",
            ),
        };
        self.refuse(node.at, message, help);
    }

    /// Reports an error.
    pub(super) fn refuse<'h>(
        &mut self,
        at: Location,
        message: impl Into<String>,
        help: impl Into<Option<&'h str>>,
    ) {
        self.found
            .push((at, message.into(), help.into().map(str::to_owned)));
    }

    /// Reports that a key is not known in its place, and which one was probably meant.
    pub(super) fn unknown_key(&mut self, at: Location, place: &str, word: &str, known: &[&str]) {
        let help = meant_or_expected(word, known);
        self.refuse(
            at,
            format!("unknown key `{}` in {place}", shortened(word)),
            help.as_str(),
        );
    }

    /// Reports that a word is not known, and which one was probably meant.
    pub(super) fn unknown(&mut self, at: Location, what: &str, word: &str, known: &[&str]) {
        let help = meant_or_expected(word, known);
        self.refuse(
            at,
            format!("unknown {what} `{}`", shortened(word)),
            help.as_str(),
        );
    }

    /// Remembers where a part of a declaration stands.
    pub(super) fn note(&mut self, declared: &Declared, part: Part, at: Location) {
        self.source.places.insert((declared.clone(), part), at);
    }

    /// Reports that a name is not declared, and which one was probably meant. It may be, in a file that could not be read.
    pub(super) fn undeclared(&mut self, at: Location, what: &str, word: &str, known: &[&str]) {
        if !self.is_incomplete {
            self.unknown(at, what, word, known);
        }
    }

    /// A place for a person who looks at another one: its line, and its file if that is another one.
    pub(super) fn place_of(&self, place: Location, from: Location) -> String {
        let line = format!("line {}", place.line);
        if place.file == from.file {
            return line;
        }
        format!("{line} of {}", self.source.name_of(place.file))
    }

    /// The entries of a mapping, of which `known` names all that may be there. What is in `later` is refused as not
    /// built yet.
    pub(super) fn fields<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        known: &[&str],
        later: &[&str],
    ) -> Option<Fields<'n>> {
        #[cfg(test)]
        asked::keys(what, known);
        let mut fields = self.map(node, what)?;
        fields.entries.retain(|entry| {
            if known.contains(&entry.name) {
                return true;
            }
            if later.contains(&entry.name) {
                self.not_yet(entry.key, entry.name);
            } else if what == "a policy" && entry.name.starts_with("x-") {
                // A place for what is only there to be referred to by its anchor.
            } else {
                self.unknown_key(entry.key, what, entry.name, known);
            }
            false
        });
        Some(fields)
    }

    /// Reports a key that exists in the language but is not built yet: it must not look as if it had an effect.
    pub(super) fn not_yet(&mut self, at: Location, name: &str) {
        self.refuse(
            at,
            format!("`{name}` is not supported yet"),
            "take it out; nothing would check it",
        );
    }

    /// The entries of a mapping whose keys are names that the author chose.
    pub(super) fn map<'n>(&mut self, node: &'n Node, what: &str) -> Option<Fields<'n>> {
        let Tree::Map(map) = &node.value else {
            self.refuse(
                node.at,
                format!("{what} must be a mapping, and this is {}", node.article()),
                "expected lines such as `key: value`",
            );
            return None;
        };
        let mut entries: Vec<Entry<'n>> = Vec::with_capacity(map.len());
        let mut first: HashMap<&str, Location> = HashMap::new();
        for (key, node) in map {
            let Tree::Text(name) = &key.value else {
                self.refuse(
                    key.at,
                    format!("a key must be a text, and this is {}", key.article()),
                    "put it in quotes",
                );
                continue;
            };
            if let Some(first) = first.get(name.as_str()) {
                let help = format!("the first one is in {}", self.place_of(*first, key.at));
                let message = format!("`{}` is given twice", shortened(name));
                self.refuse(key.at, message, help.as_str());
                continue;
            }
            first.insert(name, key.at);
            entries.push(Entry {
                name,
                key: key.at,
                node,
            });
        }
        Some(Fields {
            at: node.at,
            entries,
        })
    }

    /// The items of a list that must not be empty.
    pub(super) fn list<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Node]> {
        match &node.value {
            Tree::List(items) if items.is_empty() => {
                self.refuse(node.at, format!("{what} must not be empty"), None);
                None
            }
            Tree::List(items) => Some(items),
            _ => {
                self.refuse(
                    node.at,
                    format!("{what} must be a list, and this is {}", node.article()),
                    "expected `[a, b]`, or lines that begin with `- `",
                );
                None
            }
        }
    }

    /// One text or a list of them, each with its place.
    pub(super) fn texts(&mut self, node: &Node, what: &str) -> Option<Vec<(String, Location)>> {
        if let Tree::List(_) = node.value {
            let items = self.list(node, what)?;
            let mut texts: Vec<(String, Location)> = Vec::with_capacity(items.len());
            for item in items {
                if let Some(text) = self.text(item, what) {
                    if texts.iter().any(|(other, _)| *other == text) {
                        self.refuse(item.at, format!("`{text}` is given twice"), None);
                    } else {
                        texts.push((text, item.at));
                    }
                }
            }
            return (texts.len() == items.len()).then_some(texts);
        }
        self.text(node, what).map(|text| vec![(text, node.at)])
    }

    /// A text that is not empty.
    pub(super) fn text(&mut self, node: &Node, what: &str) -> Option<String> {
        if let Some(filled) = &node.filled {
            return Some(filled.clone());
        }
        match &node.value {
            Tree::Text(text) if text.trim().is_empty() => {
                self.refuse(node.at, format!("{what} must not be empty"), None);
                None
            }
            Tree::Text(text) => Some(text.trim_end_matches('\n').to_owned()),
            Tree::Number(_) | Tree::Bool(_) => {
                self.refuse(
                    node.at,
                    format!("{what} must be a text, and this is {}", node.article()),
                    "put it in quotes",
                );
                None
            }
            _ => {
                self.refuse(
                    node.at,
                    format!("{what} must be a text, and this is {}", node.article()),
                    None,
                );
                None
            }
        }
    }

    /// The text of an entry that need not be there.
    pub(super) fn optional_text(&mut self, fields: &Fields<'_>, name: &str) -> Option<String> {
        let entry = fields.get(name)?;
        self.text(entry.node, &format!("`{name}`"))
    }

    /// The text of an entry that must be there.
    pub(super) fn required_text(
        &mut self,
        fields: &Fields<'_>,
        name: &str,
        of: &str,
        at: Location,
    ) -> Option<String> {
        if fields.get(name).is_none() {
            self.missing(at, name, of);
        }
        self.optional_text(fields, name)
    }

    /// Reports a key that is not there.
    pub(super) fn missing(&mut self, at: Location, name: &str, of: &str) {
        self.refuse(at, format!("{of} needs `{name}`"), None);
    }

    /// One word of a closed list.
    pub(super) fn word<T: Copy>(
        &mut self,
        node: &Node,
        what: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        #[cfg(test)]
        asked::words(what, words.iter().map(|(word, _)| *word));
        let written = match &node.value {
            Tree::Text(text) => text.as_str(),
            _ => {
                self.text(node, &format!("`{what}`"))?;
                return None;
            }
        };
        let found = words.iter().find(|(word, _)| *word == written);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.unknown(node.at, what, written, &known);
        }
        found.map(|(_, value)| *value)
    }

    /// The word of an entry that need not be there.
    pub(super) fn optional_word<T: Copy>(
        &mut self,
        fields: &Fields<'_>,
        name: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let entry = fields.get(name)?;
        self.word(entry.node, name, words)
    }

    /// `true` or `false`.
    pub(super) fn truth(&mut self, node: &Node, what: &str) -> Option<bool> {
        if let Tree::Bool(value) = node.value {
            return Some(value);
        }
        self.refuse(
            node.at,
            format!(
                "{what} must be `true` or `false`, and this is {}",
                node.article()
            ),
            None,
        );
        None
    }

    /// A severity.
    pub(super) fn severity(&mut self, node: &Node) -> Option<Severity> {
        self.word(
            node,
            "severity",
            &Severity::ALL.map(|severity| (severity.name(), severity)),
        )
    }

    /// A length of time.
    pub(super) fn period(&mut self, node: &Node, what: &str) -> Option<Period> {
        const EXPECTED: &str = "expected a length of time such as `10m`, `4h`, `7d` or `1 day`";
        let text = match &node.value {
            Tree::Text(text) => text.clone(),
            Tree::Number(number) => number.to_string(),
            _ => {
                self.refuse(
                    node.at,
                    format!(
                        "{what} must be a length of time, and this is {}",
                        node.article()
                    ),
                    EXPECTED,
                );
                return None;
            }
        };
        match text.parse::<Period>() {
            Ok(period) => Some(period),
            Err(_) => {
                self.refuse(
                    node.at,
                    format!("`{text}` is not a length of time"),
                    EXPECTED,
                );
                None
            }
        }
    }

    /// The length of time of an entry that need not be there.
    pub(super) fn optional_period(&mut self, fields: &Fields<'_>, name: &str) -> Option<Period> {
        let entry = fields.get(name)?;
        self.period(entry.node, &format!("`{name}`"))
    }

    /// How long a failure may last: a length of time, or `none`.
    pub(super) fn fix_within(&mut self, node: &Node) -> Option<Option<Period>> {
        match &node.value {
            Tree::Text(text) if text == "none" => Some(None),
            Tree::Null => Some(None),
            _ => {
                let period = self.period(node, "`fix_within`")?;
                if period.count() == 0 {
                    self.refuse(
                        node.at,
                        "nothing can be fixed in no time",
                        "expected a length of time, or `none` if nobody has to fix it",
                    );
                    return None;
                }
                Some(Some(period))
            }
        }
    }

    /// Whether a name can be a column of a view and a word in a condition without quotes around it.
    pub(super) fn plain_name(&mut self, at: Location, name: &str, what: &str) -> bool {
        let plain = is_plain_name(name);
        if !plain {
            self.refuse(
                at,
                format!("`{name}` cannot be the name of {what}"),
                "expected lower-case letters, digits and `_`, at most 63, not beginning with a digit",
            );
        }
        plain
    }
}

impl<'n> Fields<'n> {
    /// The entry with a name.
    pub(super) fn get(&self, name: &str) -> Option<Entry<'n>> {
        self.entries
            .iter()
            .find(|entry| entry.name == name)
            .copied()
    }

    /// All entries, in the order of the file.
    pub(super) fn iter(&self) -> impl Iterator<Item = Entry<'n>> + '_ {
        self.entries.iter().copied()
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// Whether SQL needs no quotes around a name.
pub(super) fn is_plain_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name.chars().all(|character| {
            character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_'
        })
        && name.len() <= 63
}

fn meant_or_expected(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.is_empty() => "none is declared".to_owned(),
        None => format!("expected {}", one_of(known)),
    }
}

/// A word for a message: a hostile file may hold long ones.
fn shortened(word: &str) -> String {
    const LONGEST: usize = 80;
    match word.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &word[..end]),
        None => word.to_owned(),
    }
}

/// Words as a person lists them: `a`, `b` or `c`.
pub(super) fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// What a reader asked for: tests hold it against the schema.
#[cfg(test)]
pub(super) mod asked {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    type Asked = BTreeSet<(String, Vec<String>)>;

    thread_local! {
        pub(in super::super) static KEYS: RefCell<Asked> = const { RefCell::new(BTreeSet::new()) };
        pub(in super::super) static WORDS: RefCell<Asked> = const { RefCell::new(BTreeSet::new()) };
    }

    pub(in super::super) fn keys(what: &str, known: &[&str]) {
        let mut known: Vec<String> = known.iter().map(|key| (*key).to_owned()).collect();
        known.sort();
        KEYS.with_borrow_mut(|asked| asked.insert((what.to_owned(), known)));
    }

    pub(super) fn words<'w>(what: &str, words: impl Iterator<Item = &'w str>) {
        let words = words.map(str::to_owned).collect();
        WORDS.with_borrow_mut(|asked| asked.insert((what.to_owned(), words)));
    }
}
