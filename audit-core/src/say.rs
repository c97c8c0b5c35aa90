//! Sentences of alert policies: `{origin}: {cancelled} of {flights} departures cancelled`.

use serde_json::{Map, Value};

/// Fills the names in braces of a sentence with their values. A name that has no value stays as it is.
///
/// # Examples
///
/// ```
/// use audit_core::say::say;
///
/// let values = serde_json::json!({ "origin": "EWR", "cancelled": 112, "ratio": 0.36721 });
/// assert_eq!(
///     say("{origin}: {cancelled} cancelled ({ratio}), {other}", values.as_object().unwrap()),
///     "EWR: 112 cancelled (0.367), {other}"
/// );
/// ```
pub fn say(sentence: &str, values: &Map<String, Value>) -> String {
    let mut said = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some((before, name, after)) = next_name(rest) {
        said.push_str(before);
        match values.get(name) {
            Some(value) => said.push_str(&plain(value)),
            None => {
                said.push('{');
                said.push_str(name);
                said.push('}');
            }
        }
        rest = after;
    }
    said.push_str(rest);
    said
}

/// The names in braces of a sentence, in their order.
///
/// # Examples
///
/// ```
/// assert_eq!(audit_core::say::names("{cancelled} of {flights}"), ["cancelled", "flights"]);
/// ```
pub fn names(sentence: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = sentence;
    while let Some((_, name, after)) = next_name(rest) {
        names.push(name);
        rest = after;
    }
    names
}

fn next_name(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "nothing".to_owned(),
        // Three digits tell a ratio well enough; whole numbers are shown as they are.
        Value::Number(number) => match number.as_f64() {
            Some(float) if !number.is_i64() && !number.is_u64() => {
                let text = format!("{float:.3}");
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            }
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}
