//! Variables of the environment: `${NAME}` and `${NAME:-default}` in values.

use super::node::Tree;

/// What is wrong with a variable, and the characters of the text that say it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotAVariable<'t> {
    pub(super) written: &'t str,
    pub(super) message: String,
    pub(super) help: String,
}

/// Whether a text names a variable, or stands for one that is not to be looked up.
pub(super) fn has_variable(text: &str) -> bool {
    text.contains("${")
}

/// Fills in the variables of a text. `$${` stands for `${` itself, and a `$` that no `{` follows for itself.
pub(super) fn filled<'t>(
    text: &'t str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<String, NotAVariable<'t>> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let before = &rest[..start];
        let inside = &rest[start + 2..];
        if let Some(before) = before.strip_suffix('$') {
            result.push_str(before);
            result.push_str("${");
            rest = inside;
            continue;
        }
        result.push_str(before);
        let Some(end) = inside.find('}') else {
            return Err(NotAVariable {
                written: &rest[start..start + 2],
                message: "the variable has no end".to_owned(),
                help: "expected `${NAME}`; write `$${` for a `${` that is no variable".to_owned(),
            });
        };
        let written = &rest[start..start + 2 + end + 1];
        let (name, otherwise) = match inside[..end].split_once(":-") {
            Some((name, otherwise)) => (name, Some(otherwise)),
            None => (&inside[..end], None),
        };
        if !is_name(name) || otherwise.is_some_and(has_variable) {
            return Err(NotAVariable {
                written,
                message: "this is not a variable of the environment".to_owned(),
                help: "expected `${NAME}` or `${NAME:-default}`; write `$${` for a `${` that is no variable"
                    .to_owned(),
            });
        }
        let value = variable(name).filter(|value| otherwise.is_none() || !value.is_empty());
        match value.as_deref().or(otherwise) {
            Some(value) => result.push_str(value),
            None => {
                return Err(NotAVariable {
                    written,
                    message: format!("the variable `{name}` is not set"),
                    help: format!("set it, or write `${{{name}:-…}}` with what holds if it is not"),
                });
            }
        }
        rest = &inside[end + 1..];
    }
    result.push_str(rest);
    Ok(result)
}

/// Whether a text is one variable and nothing else: then its value may be a number or a truth value.
pub(super) fn is_only_a_variable(text: &str) -> bool {
    text.starts_with("${") && text.find('}') == Some(text.len() - 1)
}

/// What the value of a variable looks like, where it is all that stands there.
pub(super) fn value(text: &str) -> Tree {
    match text {
        "true" => Tree::Bool(true),
        "false" => Tree::Bool(false),
        // JSON's numbers are those of YAML that look like one to everybody: 0012 is a code.
        _ => match serde_json::from_str(text) {
            Ok(number) => Tree::Number(number),
            Err(_) => Tree::Text(text.to_owned()),
        },
    }
}

/// Whether a floating-point number has fewer digits than what was written.
pub(super) fn rounds(number: &serde_json::Number, written: &str) -> bool {
    number.is_f64() && written.chars().filter(char::is_ascii_digit).count() > 15
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> Result<String, String> {
        let environment = |name: &str| match name {
            "ZONE" => Some("Europe/London".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        filled(text, &environment).map_err(|error| error.message)
    }

    #[test]
    fn variables_are_filled_in_where_they_stand() {
        assert_eq!(
            fill("Mon 08:00-18:00 ${ZONE}").unwrap(),
            "Mon 08:00-18:00 Europe/London"
        );
        assert_eq!(fill("${A:-x}${EMPTY:-y}${EMPTY}${B:-}").unwrap(), "xy");
        assert_eq!(
            fill("^N[0-9]+$ costs $5, $${ZONE}, $$").unwrap(),
            "^N[0-9]+$ costs $5, ${ZONE}, $$"
        );
    }

    #[test]
    fn what_is_not_set_or_no_variable_is_an_error() {
        assert_eq!(
            fill("${NONE}").unwrap_err(),
            "the variable `NONE` is not set"
        );
        assert_eq!(fill("a ${ZONE").unwrap_err(), "the variable has no end");
        for text in ["${}", "${1A}", "${A B}", "${A:-${B}}", "${ZONE-x}"] {
            assert_eq!(
                fill(text).unwrap_err(),
                "this is not a variable of the environment",
                "{text}"
            );
        }
    }

    #[test]
    fn a_value_has_the_type_that_it_looks_like() {
        assert!(matches!(value("true"), Tree::Bool(true)));
        assert!(matches!(value("0.25"), Tree::Number(_)));
        assert!(matches!(value("0012"), Tree::Text(_)));
        assert!(matches!(value("[a, b]"), Tree::Text(_)));
    }
}
