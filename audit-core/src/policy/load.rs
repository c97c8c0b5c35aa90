//! Reading the files of a policy into one tree, with their variables filled in.
//!
//! What is wrong with one file does not keep the others from being read.

use std::collections::HashMap;

use super::include::{self, Loader};
use super::node::{self, Node, Tree};
use super::read::Reader;
use super::suggest::nearest;
use super::variable;
use super::{Location, Policy, PolicyErrors, Problem, SourceFile};

/// A policy of this size has some hundred thousand rules.
const LARGEST_FILE: usize = 16 << 20;
/// More files than that are a loop that names its files in ever new ways.
const MOST_FILES: usize = 1_000;
/// Deeper than any team nests its folders.
const MOST_LEVELS: usize = 16;
/// What of each file becomes part of the whole.
const PARTS: [&str; 6] = [
    "defaults",
    "tables",
    "summaries",
    "alerts",
    "channels",
    "silences",
];

/// The files of a policy as they are read.
pub(super) struct Files<'l> {
    loader: Option<&'l dyn Loader>,
    /// The folder of the file that was named.
    root: String,
    /// The top of each file that could be read.
    parts: Vec<Node>,
    /// The files that were read or tried, and where each was named first.
    seen: HashMap<String, Option<Location>>,
    /// The files that include each other, from the one that was named.
    chain: Vec<String>,
}

/// Reads the file that was named, and what it includes.
pub(super) fn load(file: &str, loader: &dyn Loader) -> Result<Policy, PolicyErrors> {
    match loader.read(file, LARGEST_FILE as u64 + 1) {
        Ok(text) => super::read::read(&text, file, Some(loader)),
        Err(error) => Err(PolicyErrors::new(vec![Problem {
            file: file.to_owned(),
            location: None,
            source_line: String::new(),
            skipped: 0,
            message: format!("cannot be read: {error}"),
            help: None,
        }])),
    }
}

impl<'l> Files<'l> {
    /// `loader` leads to files and variables, if there are any.
    pub(super) fn new(file: &str, loader: Option<&'l dyn Loader>) -> Self {
        Files {
            loader,
            root: include::folder(file).to_owned(),
            parts: Vec::new(),
            seen: HashMap::new(),
            chain: Vec::new(),
        }
    }

    /// Reads a file and all that it includes. `text` is what it holds.
    pub(super) fn read(
        &mut self,
        reader: &mut Reader,
        file: &str,
        named: Option<Location>,
        text: &[u8],
    ) {
        let number = reader.source.files.len();
        self.seen.insert(include::resolved("", file), named);
        let Some(text) = reader.text_of(file, text) else {
            return;
        };
        let mut root = match node::read(&text) {
            Ok(root) => root,
            Err(error) => {
                let at = error.at.unwrap_or(Location {
                    line: 1,
                    column: 1,
                    ..Location::default()
                });
                let at = Location { file: number, ..at };
                let line = reader.source.line(at).unwrap_or_default();
                let help = (line.contains("${") && line.contains(['{', '[']))
                    .then_some("between `{ }` and `[ ]` a variable needs quotes: `\"${NAME}\"`");
                reader.refuse(at, error.message, help);
                reader.is_incomplete = true;
                return;
            }
        };
        let loader = self.loader;
        let environment = |name: &str| loader?.variable(name);
        // Whether a path was written out matters, so those variables are filled in later.
        let mut includes = Vec::new();
        if let Tree::Map(entries) = &mut root.value {
            for (key, value) in std::mem::take(entries) {
                if matches!(&key.value, Tree::Text(name) if name == "include") {
                    includes.push((key, value));
                } else {
                    entries.push((key, value));
                }
            }
        }
        reader.prepare(&mut root, number, &environment);
        let mut includes = includes.into_iter();
        let first = includes.next();
        for (mut key, _) in includes {
            key.at.file = number;
            reader.refuse(
                key.at,
                "`include` is given twice",
                "make one list of the two",
            );
        }
        self.parts.push(root);
        if let Some((mut key, mut value)) = first {
            reader.mark(&mut key, number);
            reader.mark(&mut value, number);
            self.chain.push(file.to_owned());
            self.include(reader, file, &value, &environment);
            self.chain.pop();
        }
    }

    fn include(
        &mut self,
        reader: &mut Reader,
        file: &str,
        node: &Node,
        environment: &dyn Fn(&str) -> Option<String>,
    ) {
        let Some(paths) = reader.texts(node, "`include`") else {
            reader.is_incomplete = true;
            return;
        };
        let Some(loader) = self.loader else {
            let help = "a text that is read by itself has no folder";
            reader.refuse(node.at, "nothing can be included here", help);
            reader.is_incomplete = true;
            return;
        };
        for (written, at) in paths {
            let path = match variable::filled(&written, environment) {
                Ok(path) => path,
                Err(error) => {
                    reader.refuse(at, error.message, error.help.as_str());
                    reader.is_incomplete = true;
                    continue;
                }
            };
            let resolved = include::resolved(include::folder(file), &path);
            let is_pattern = include::is_pattern(&path);
            let is_plain = !is_pattern && path == written;
            if !is_plain && !include::is_below(&self.root, &resolved) {
                reader.refuse(
                    at,
                    format!("`{path}` leads out of the folder of the policy"),
                    "write such a path out, without a pattern and without a variable",
                );
                reader.is_incomplete = true;
                continue;
            }
            if is_pattern {
                let found = include::matching(loader, &resolved);
                if found.is_empty() {
                    let help = format!(
                        "it is looked for in `{}`",
                        shown(include::folder(&resolved))
                    );
                    reader.refuse(at, format!("no file is named like `{path}`"), help.as_str());
                    reader.is_incomplete = true;
                }
                for found in found {
                    // A pattern means the rest: the file itself is no part of it, nor what is named elsewhere.
                    if !self.seen.contains_key(&found) {
                        self.open(reader, loader, &found, at);
                    }
                }
            } else if let Some(first) = self.seen.get(&resolved).copied() {
                let is_open = self
                    .chain
                    .iter()
                    .any(|open| include::resolved("", open) == resolved);
                let (message, help) = match (is_open, first) {
                    (true, _) => (
                        format!("`{path}` includes itself"),
                        format!(
                            "it is read already: {} → {resolved}",
                            self.chain.join(" → ")
                        ),
                    ),
                    (false, Some(first)) => (
                        format!("`{path}` is included twice"),
                        format!("the first time is in {}", reader.place_of(first, at)),
                    ),
                    (false, None) => (format!("`{path}` is included twice"), String::new()),
                };
                reader.refuse(at, message, help.as_str());
            } else {
                self.open(reader, loader, &resolved, at);
            }
        }
    }

    fn open(&mut self, reader: &mut Reader, loader: &dyn Loader, file: &str, at: Location) {
        if self.chain.len() >= MOST_LEVELS || self.seen.len() >= MOST_FILES {
            let help = "does a folder lead back to itself?";
            reader.refuse(at, format!("`{file}` is one file too many"), help);
            reader.is_incomplete = true;
            return;
        }
        match loader.read(file, LARGEST_FILE as u64 + 1) {
            Ok(text) => self.read(reader, file, Some(at), &text),
            Err(error) => {
                self.seen.insert(file.to_owned(), Some(at));
                let folder = include::folder(file);
                let names = loader.list(folder).unwrap_or_default();
                let meant = nearest(
                    &file[folder.len()..],
                    names
                        .iter()
                        .map(String::as_str)
                        .filter(|name| !name.ends_with('/')),
                );
                let help = match (error.kind(), meant) {
                    (std::io::ErrorKind::NotFound, Some(meant)) => {
                        format!("did you mean `{folder}{meant}`?")
                    }
                    _ => error.to_string(),
                };
                reader.refuse(at, format!("`{file}` cannot be read"), help.as_str());
                reader.is_incomplete = true;
            }
        }
    }

    /// Makes one tree of all files: what they declare is put together, and each name must be there once.
    pub(super) fn whole(self, reader: &mut Reader) -> Option<Node> {
        let mut parts = self.parts.into_iter();
        let mut whole = parts.next()?;
        for part in parts {
            let entries = match part.value {
                Tree::Map(entries) => entries,
                // A file in which everything is commented out.
                Tree::Null => continue,
                _ => {
                    // Says what a policy looks like.
                    reader.map(&part, "a policy");
                    continue;
                }
            };
            if matches!(whole.value, Tree::Null) {
                whole.value = Tree::Map(Vec::new());
            }
            let Tree::Map(all) = &mut whole.value else {
                continue;
            };
            for (key, value) in entries {
                let Tree::Text(name) = &key.value else {
                    all.push((key, value));
                    continue;
                };
                // Whatever else there is, is no part of a policy; it is told later.
                let is_known = ["version", "routes"].contains(&name.as_str())
                    || PARTS.contains(&name.as_str());
                let first = all
                    .iter_mut()
                    .take_while(|_| is_known)
                    .find(|(first, _)| matches!(&first.value, Tree::Text(other) if other == name));
                match first {
                    // Each file may say in which language it is written.
                    _ if name == "version" => reader.version_is_known(&value),
                    Some((first, _)) if first.at.file == key.at.file => all.push((key, value)),
                    Some((
                        _,
                        Node {
                            value: Tree::Map(known),
                            ..
                        },
                    )) if PARTS.contains(&name.as_str()) => match value.value {
                        Tree::Map(more) => known.extend(more),
                        Tree::Null => {}
                        _ => {
                            reader.map(&value, &format!("`{name}`"));
                        }
                    },
                    Some((_, first))
                        if PARTS.contains(&name.as_str()) && matches!(first.value, Tree::Null) =>
                    {
                        *first = value;
                    }
                    Some((first, _)) if name == "routes" => {
                        let first = reader.place_of(first.at, key.at);
                        let help = format!(
                            "the first ones are in {first}; the first route that matches wins, so they stand in one file"
                        );
                        reader.refuse(key.at, "`routes` are given in two files", help.as_str());
                    }
                    _ => all.push((key, value)),
                }
            }
        }
        Some(whole)
    }
}

impl Reader {
    /// The text of a file, which from now on errors can show; none if it is not text.
    fn text_of(&mut self, file: &str, bytes: &[u8]) -> Option<String> {
        let number = self.source.files.len();
        let is_too_long = bytes.len() > LARGEST_FILE;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let (text, rest) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, &[][..]),
            Err(error) => {
                let (text, rest) = bytes.split_at(error.valid_up_to());
                // The first part was found to be text.
                (std::str::from_utf8(text).unwrap_or_default(), rest)
            }
        };
        let shown = format!(
            "{text}{}",
            String::from_utf8_lossy(&rest[..rest.len().min(200)])
        );
        self.source.files.push(SourceFile {
            name: file.to_owned(),
            lines: lines(&shown).map(str::to_owned).collect(),
        });
        let start = Location {
            file: number,
            line: 1,
            column: 1,
            width: 0,
        };
        let wrong = text
            .char_indices()
            .find(|(_, character)| !is_printable(*character));
        let problem = if is_too_long {
            Some((
                start,
                "the file is larger than any policy needs to be".to_owned(),
                "16 MB are read at most",
            ))
        } else if let Some((position, character)) = wrong {
            let message = format!(
                "the character U+{:04X} must not stand in a policy",
                u32::from(character)
            );
            Some((
                place(number, text, position),
                message,
                "take it out; between double quotes it can be written as `\\u….`, if it must be",
            ))
        } else if !rest.is_empty() {
            let help = match bytes {
                [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it looks like UTF-16: save it as UTF-8",
                _ => "save it as UTF-8",
            };
            Some((
                place(number, text, text.len()),
                "the file is not text in UTF-8".to_owned(),
                help,
            ))
        } else {
            None
        };
        match problem {
            None => Some(text.to_owned()),
            Some((at, message, help)) => {
                self.refuse(at, message, help);
                self.is_incomplete = true;
                None
            }
        }
    }

    /// Says of all nodes in which file they are.
    fn mark(&mut self, node: &mut Node, file: usize) {
        node.at.file = file;
        node.written.file = file;
        match &mut node.value {
            Tree::List(items) => items.iter_mut().for_each(|item| self.mark(item, file)),
            Tree::Map(entries) => {
                for (key, value) in entries {
                    self.mark(key, file);
                    self.mark(value, file);
                }
            }
            _ => {}
        }
    }

    /// Says of all nodes in which file they are, fills in their variables, and reports what no text may hold.
    fn prepare(
        &mut self,
        node: &mut Node,
        file: usize,
        environment: &dyn Fn(&str) -> Option<String>,
    ) {
        node.at.file = file;
        node.written.file = file;
        match &mut node.value {
            Tree::List(items) => {
                for item in items {
                    self.prepare(item, file, environment);
                }
            }
            Tree::Map(entries) => {
                for (key, value) in entries {
                    self.mark(key, file);
                    if let Tree::Text(name) = &key.value {
                        self.is_text(key.at, name);
                        if variable::has_variable(name) {
                            let help = "what a policy declares has the same names everywhere";
                            self.refuse(key.at, "a variable cannot stand in a key", help);
                        }
                    }
                    self.prepare(value, file, environment);
                }
            }
            Tree::Number(number) => {
                if number.is_f64() {
                    let written = self.source.written(node.written, &mut self.cursor);
                    node.exact = variable::rounds(number, &written).then_some(written);
                }
            }
            Tree::Text(text) => {
                self.is_text(node.at, text);
                if !variable::has_variable(text) {
                    return;
                }
                match variable::filled(text, environment) {
                    Ok(filled) => {
                        if !variable::is_only_a_variable(text) {
                            node.value = Tree::Text(filled);
                            return;
                        }
                        node.value = variable::value(&filled);
                        match &node.value {
                            Tree::Number(number) if variable::rounds(number, &filled) => {
                                node.exact = Some(filled.clone());
                                node.filled = Some(filled);
                            }
                            Tree::Text(_) => {}
                            _ => node.filled = Some(filled),
                        }
                    }
                    Err(error) => {
                        let at = self.source.within(node.at, error.written);
                        self.refuse(at, error.message, error.help.as_str());
                    }
                }
            }
            Tree::Null | Tree::Bool(_) => {}
        }
    }

    /// PostgreSQL knows no such character, and no text of a policy needs it.
    fn is_text(&mut self, at: Location, text: &str) {
        if text.contains('\0') {
            self.refuse(at, "no text may contain the character U+0000", None);
        }
    }
}

/// The lines of a text, as YAML counts them.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        match text.find(['\n', '\r']) {
            Some(end) => {
                let skip = if text[end..].starts_with("\r\n") {
                    2
                } else {
                    1
                };
                rest = Some(&text[end + skip..]);
                Some(&text[..end])
            }
            None => {
                rest = None;
                Some(text)
            }
        }
    })
}

fn place(file: usize, text: &str, position: usize) -> Location {
    let before: Vec<&str> = lines(&text[..position]).collect();
    Location {
        file,
        line: before.len().max(1),
        column: before.last().map_or(0, |line| line.chars().count()) + 1,
        width: 1,
    }
}

/// The characters of YAML.
fn is_printable(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{85}' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn shown(folder: &str) -> String {
    if folder.is_empty() {
        "./".to_owned()
    } else {
        folder.to_owned()
    }
}
