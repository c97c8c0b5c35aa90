//! `row_condition` of Great Expectations as SQL: its own little language, that of pandas, or SQL itself.

use serde_json::Value;

use crate::import::sql::{literal, literals};
use crate::policy::identifier;
use crate::policy::node::Node;

/// Conditions of people are not nested deeper.
const MOST_LEVELS: usize = 32;

/// Reads a condition, or says why it can not be read.
pub(super) fn read(node: &Node, parser: Option<&str>) -> Result<String, String> {
    if node.is_map() {
        return structured(node, 0);
    }
    let Some(text) = node.text() else {
        return Err("it is neither a text nor a mapping".to_owned());
    };
    if parser == Some("spark") {
        return Ok(text.to_owned());
    }
    let mut reader = Reader {
        tokens: tokens(text)?,
        place: 0,
    };
    let condition = reader.either(0)?;
    match reader.tokens.get(reader.place) {
        None => Ok(condition),
        Some(token) => Err(format!("`{}` is not expected there", token.shown())),
    }
}

/// A condition as newer versions write it.
fn structured(node: &Node, level: usize) -> Result<String, String> {
    if level > MOST_LEVELS {
        return Err("it is nested too deep".to_owned());
    }
    let column = || {
        let name = node.get("column").and_then(|column| {
            column
                .text()
                .or_else(|| column.get("name").and_then(Node::text))
        });
        name.map(identifier)
            .ok_or_else(|| "it names no column".to_owned())
    };
    match node.get("type").and_then(Node::text) {
        Some(kind @ ("and" | "or")) => {
            let parts = node.get("conditions").map_or(&[][..], Node::items);
            let parts: Vec<String> = parts
                .iter()
                .map(|part| structured(part, level + 1))
                .collect::<Result<_, _>>()?;
            if parts.is_empty() {
                return Err("it has no parts".to_owned());
            }
            Ok(format!("({})", parts.join(&format!(" {kind} "))))
        }
        Some("nullity") => {
            let is_null = node.get("is_null").and_then(Node::truth).unwrap_or(true);
            Ok(format!(
                "{} is {}null",
                column()?,
                if is_null { "" } else { "not " }
            ))
        }
        Some("comparison") | None => {
            let operator = node
                .get("operator")
                .and_then(Node::text)
                .unwrap_or_default();
            let parameter = node.get("parameter").or_else(|| node.get("value"));
            let Some(parameter) = parameter else {
                return Err("it is compared with nothing".to_owned());
            };
            compared(&column()?, operator, &parameter.to_json())
        }
        Some(kind) => Err(format!("the kind `{kind}` is not known")),
    }
}

fn compared(column: &str, operator: &str, value: &Value) -> Result<String, String> {
    let operator = match operator.to_lowercase().as_str() {
        "==" | "=" => "=",
        "!=" | "<>" => "<>",
        ">" => ">",
        ">=" => ">=",
        "<" => "<",
        "<=" => "<=",
        "in" => "in",
        "not in" | "not_in" => "not in",
        other => return Err(format!("`{other}` is not known")),
    };
    match (operator, value) {
        ("in" | "not in", Value::Array(values)) if !values.is_empty() => {
            Ok(format!("{column} {operator} {}", literals(values)))
        }
        ("in" | "not in", _) | (_, Value::Array(_) | Value::Object(_)) => {
            Err("it is compared with what is no constant".to_owned())
        }
        ("=", Value::Null) => Ok(format!("{column} is null")),
        ("<>", Value::Null) => Ok(format!("{column} is not null")),
        (_, value) => Ok(format!("{column} {operator} {}", literal(value))),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A word without quotes, which may be a column.
    Word(String),
    /// A column between backticks.
    Name(String),
    Text(String),
    Number(serde_json::Number),
    Sign(&'static str),
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Token::Word(text) | Token::Name(text) | Token::Text(text) => text.clone(),
            Token::Number(number) => number.to_string(),
            Token::Sign(sign) => (*sign).to_owned(),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    const SIGNS: [&str; 19] = [
        "==", "!=", "<=", ">=", "<>", "&&", "||", "<", ">", "=", "&", "|", "~", "(", ")", "[", "]",
        ",", ".",
    ];
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '"' || first == '\'' || first == '`' {
            let inner = &rest[1..];
            let end = inner.find(first).ok_or("a text in it has no end")?;
            let inside = inner[..end].to_owned();
            tokens.push(if first == '`' {
                Token::Name(inside)
            } else {
                Token::Text(inside)
            });
            rest = &inner[end + 1..];
        } else if first.is_ascii_digit()
            || (first == '-' && rest[1..].starts_with(|next: char| next.is_ascii_digit()))
        {
            let end = rest[1..]
                .find(|next: char| !next.is_ascii_digit() && next != '.')
                .map_or(rest.len(), |end| end + 1);
            let number = rest[..end]
                .parse()
                .map_err(|_| format!("`{}` is no number", &rest[..end]))?;
            tokens.push(Token::Number(number));
            rest = &rest[end..];
        } else if first.is_alphabetic() || first == '_' {
            let end = rest
                .find(|next: char| !next.is_alphanumeric() && next != '_')
                .unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else {
            return Err(format!("`{first}` is not known"));
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

struct Reader {
    tokens: Vec<Token>,
    place: usize,
}

impl Reader {
    fn either(&mut self, level: usize) -> Result<String, String> {
        self.joined(level, "or", &["|", "||"], Self::both)
    }

    fn both(&mut self, level: usize) -> Result<String, String> {
        self.joined(level, "and", &["&", "&&"], Self::single)
    }

    fn joined(
        &mut self,
        level: usize,
        word: &str,
        signs: &[&str],
        part: fn(&mut Self, usize) -> Result<String, String>,
    ) -> Result<String, String> {
        let mut parts = vec![part(self, level)?];
        while self.eat_word(word) || signs.iter().any(|sign| self.eat(sign)) {
            parts.push(part(self, level)?);
        }
        Ok(parts.join(&format!(" {word} ")))
    }

    fn single(&mut self, level: usize) -> Result<String, String> {
        if level > MOST_LEVELS {
            return Err("it is nested too deep".to_owned());
        }
        if self.eat("~") || self.eat_word("not") {
            return Ok(format!("not ({})", self.single(level + 1)?));
        }
        if self.eat("(") {
            let inner = self.either(level + 1)?;
            self.expect(")")?;
            return Ok(format!("({inner})"));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<String, String> {
        let column = self.column()?;
        if self.eat(".") {
            let method = self.word()?;
            self.expect("(")?;
            let condition = match method.to_lowercase().as_str() {
                "isnull" | "is_null" | "isna" => format!("{column} is null"),
                "notnull" | "is_not_null" | "not_null" | "notna" => format!("{column} is not null"),
                "isin" | "is_in" => compared(&column, "in", &self.list()?)?,
                "is_not_in" => compared(&column, "not in", &self.list()?)?,
                _ => return Err(format!("`{method}` is not known")),
            };
            self.expect(")")?;
            return Ok(condition);
        }
        if self.eat_word("in") {
            return compared(&column, "in", &self.list()?);
        }
        if self.eat_word("not") {
            if !self.eat_word("in") {
                return Err("`not` stands where `not in` is expected".to_owned());
            }
            return compared(&column, "not in", &self.list()?);
        }
        let Some(Token::Sign(operator)) = self.next() else {
            return Err(format!("{column} is compared with nothing"));
        };
        match self.next() {
            Some(Token::Word(word)) => match word.to_lowercase().as_str() {
                "true" => compared(&column, operator, &Value::Bool(true)),
                "false" => compared(&column, operator, &Value::Bool(false)),
                "none" | "null" => compared(&column, operator, &Value::Null),
                "col" => {
                    self.place -= 1;
                    let other = self.column()?;
                    columns(&column, operator, &other)
                }
                "date" | "datetime" | "timestamp" => Err(format!("`{word}` is no constant")),
                _ => columns(&column, operator, &identifier(&word)),
            },
            Some(Token::Name(name)) => columns(&column, operator, &identifier(&name)),
            Some(Token::Text(text)) => compared(&column, operator, &Value::String(text)),
            Some(Token::Number(number)) => compared(&column, operator, &Value::Number(number)),
            _ => Err(format!("{column} is compared with nothing")),
        }
    }

    /// `col("status")`, `status` or a name between backticks.
    fn column(&mut self) -> Result<String, String> {
        match self.next() {
            Some(Token::Name(name)) => Ok(identifier(&name)),
            Some(Token::Word(word)) if word == "col" && self.eat("(") => {
                let Some(Token::Text(name)) = self.next() else {
                    return Err("`col` needs the name of a column".to_owned());
                };
                self.expect(")")?;
                Ok(identifier(&name))
            }
            Some(Token::Word(word)) => Ok(identifier(&word)),
            Some(token) => Err(format!(
                "`{}` stands where a column is expected",
                token.shown()
            )),
            None => Err("it ends where a column is expected".to_owned()),
        }
    }

    fn list(&mut self) -> Result<Value, String> {
        let close = if self.eat("[") {
            "]"
        } else {
            self.expect("(")?;
            ")"
        };
        let mut values = Vec::new();
        while !self.eat(close) {
            values.push(match self.next() {
                Some(Token::Text(text)) => Value::String(text),
                Some(Token::Number(number)) => Value::Number(number),
                _ => return Err("a list of it has what is no constant".to_owned()),
            });
            if !self.eat(",") && self.tokens.get(self.place) != Some(&Token::Sign(close)) {
                return Err("a list of it has no end".to_owned());
            }
        }
        Ok(Value::Array(values))
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.place).cloned();
        self.place += 1;
        token
    }

    fn word(&mut self) -> Result<String, String> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word),
            _ => Err("it ends where a word is expected".to_owned()),
        }
    }

    fn eat(&mut self, sign: &str) -> bool {
        let found =
            matches!(self.tokens.get(self.place), Some(Token::Sign(found)) if *found == sign);
        self.place += usize::from(found);
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.place), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word));
        self.place += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.eat(sign) {
            return Ok(());
        }
        Err(format!("`{sign}` is missing"))
    }
}

fn columns(column: &str, operator: &str, other: &str) -> Result<String, String> {
    let operator = match operator {
        "==" | "=" => "=",
        "!=" | "<>" => "<>",
        known @ (">" | ">=" | "<" | "<=") => known,
        other => return Err(format!("`{other}` is not known")),
    };
    Ok(format!("{column} {operator} {other}"))
}
