//! The file as a tree, in which every value knows where it stands.

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Number;
use serde_saphyr::Spanned;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};

use super::Location;

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) at: Location,
    /// Where it is written out, which is elsewhere if an alias stands here.
    pub(crate) written: Location,
    /// The digits of a number that a floating-point number would round.
    pub(crate) exact: Option<String>,
    /// The value of a variable that looks like a number or a truth value, as the text that it may be meant to be.
    pub(crate) filled: Option<String>,
    pub(crate) value: Tree,
}

/// What YAML can hold.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// Why a text is not YAML, or is YAML that no policy needs.
#[derive(Debug)]
pub(crate) struct NotYaml {
    pub(crate) at: Option<Location>,
    pub(crate) message: String,
}

/// A policy of this many nodes has some ten thousand rules; a hostile one of a few lines can have billions.
const MOST_NODES: usize = 200_000;
/// The deepest legal nesting is: tables, a table, rules, a rule, a kind, a column, its list.
const MOST_LEVELS: usize = 24;

/// How large a text may be, after its anchors are followed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) nodes: usize,
    pub(crate) levels: usize,
}

/// Reads a policy into a tree. A text without anything in it is null.
pub(crate) fn read(text: &str) -> Result<Node, NotYaml> {
    let limits = Limits {
        nodes: MOST_NODES,
        levels: MOST_LEVELS,
    };
    read_within(text, limits)
}

/// Reads a text into a tree that is no larger than the limits.
pub(crate) fn read_within(text: &str, limits: Limits) -> Result<Node, NotYaml> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: limits.levels,
            flow_nesting_limit: limits.levels,
            max_nodes: limits.nodes,
            max_events: 2 * limits.nodes,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_recorded_anchor_events: limits.nodes,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: limits.nodes,
            max_replay_stack_depth: limits.levels,
            max_alias_expansions_per_anchor: 1_000,
        },
        // `on` is a key of alerts, and `NO` is a country.
        strict_booleans: true,
        // The reader reports every key that is given twice, and not only the first.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Merge,
        emit_comments: false,
        // 0012 is a code, not a number.
        leading_zero_numbers_as_strings: true,
        reject_unsupported_tags: true,
    };
    serde_saphyr::from_str_with_options::<Option<Spanned<Tree>>>(text, options)
        .map(|root| match root {
            Some(root) => Node::new(root),
            None => Node::nothing(Location {
                line: 1,
                column: 1,
                ..Location::default()
            }),
        })
        .map_err(|error| NotYaml {
            at: error
                .location()
                .map(location)
                .filter(|location| location.line > 0 && location.column > 0),
            message: reason(&error),
        })
}

impl Node {
    fn new(spanned: Spanned<Tree>) -> Self {
        Node {
            at: location(spanned.referenced),
            written: location(spanned.defined),
            exact: None,
            filled: None,
            value: spanned.value,
        }
    }

    fn nothing(at: Location) -> Self {
        Node::of(at, Tree::Null)
    }

    /// A value that stands where it is written.
    pub(crate) fn of(at: Location, value: Tree) -> Self {
        Node {
            at,
            written: at,
            exact: None,
            filled: None,
            value,
        }
    }

    /// What kind of thing it is, for messages.
    pub(crate) fn article(&self) -> &'static str {
        match &self.value {
            Tree::Null => "nothing",
            Tree::Bool(_) => "a truth value",
            Tree::Number(_) => "a number",
            Tree::Text(_) => "a text",
            Tree::List(_) => "a list",
            Tree::Map(_) => "a mapping",
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TreeVisitor;

        impl<'de> Visitor<'de> for TreeVisitor {
            type Value = Tree;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a value")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Tree, E> {
                Ok(Tree::Null)
            }

            fn visit_none<E: de::Error>(self) -> Result<Tree, E> {
                Ok(Tree::Null)
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
                Tree::deserialize(deserializer)
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Tree, E> {
                Ok(Tree::Bool(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Tree, E> {
                Ok(Tree::Number(value.into()))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Tree, E> {
                Ok(Tree::Number(value.into()))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Tree, E> {
                Number::from_f64(value)
                    .map(Tree::Number)
                    .ok_or_else(|| E::custom("a number must be finite"))
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Tree, E> {
                Ok(Tree::Text(value.to_owned()))
            }

            fn visit_string<E: de::Error>(self, value: String) -> Result<Tree, E> {
                Ok(Tree::Text(value))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element::<Spanned<Tree>>()? {
                    list.push(Node::new(item));
                }
                Ok(Tree::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
                let mut map = Vec::new();
                while let Some((key, value)) =
                    entries.next_entry::<Spanned<Tree>, Spanned<Tree>>()?
                {
                    map.push((Node::new(key), Node::new(value)));
                }
                Ok(Tree::Map(map))
            }
        }

        deserializer.deserialize_any(TreeVisitor)
    }
}

fn location(place: serde_saphyr::Location) -> Location {
    let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    Location {
        file: 0,
        line: number(place.line()),
        column: number(place.column()),
        width: number(place.span().len()),
    }
}

fn reason(error: &serde_saphyr::Error) -> String {
    let error = error.without_snippet();
    if let serde_saphyr::Error::MultipleDocuments { .. } = error {
        return "a policy is one YAML document, and here a second one begins".to_owned();
    }
    let text = error.render();
    // The place is told in our own way.
    let text = text
        .split_once(" at line ")
        .map_or(text.as_str(), |(reason, _)| reason);
    if text.contains("Depth {") || text.contains("recursion limit") {
        "nested deeper than any policy needs to be".to_owned()
    } else if text.contains("budget breached") || text.contains("alias") && text.contains("limit") {
        "larger than any policy needs to be, after its anchors are followed".to_owned()
    } else if text.contains("recursive references") {
        "an anchor must not contain itself".to_owned()
    } else if text.contains("non-finite") {
        "a number must be finite".to_owned()
    } else {
        text.trim_end_matches('.').to_owned()
    }
}
