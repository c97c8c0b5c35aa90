//! Which columns tell the rows of a table apart, besides a number that was made for it.

use super::decide::nameable;
use super::{Class, Column, Profile};
use crate::Result;

/// A table of fewer rows is told apart by anything.
const FEWEST_ROWS: i64 = 100;
/// Pairs are tried among so many columns, those with the most different values.
const MOST_CANDIDATES: usize = 6;
/// A key of more columns is hardly meant as one.
const LONGEST: usize = 4;

/// The smallest set of columns, up to four, in which no two rows agree; only of a table that was looked at whole, and that
/// has no such key already. It begins with the pair that tells most rows apart, and adds the column of the fewest values
/// that does the rest, because keys are made of names and times and not of measurements.
pub(super) fn find(
    profile: &Profile,
    duplicates: &mut dyn FnMut(&[&str]) -> Result<i64>,
) -> Result<Option<Vec<String>>> {
    let numbered = |name: &str| {
        profile
            .columns
            .iter()
            .any(|column| column.name == name && column.numbered)
    };
    let has_key = profile
        .keys
        .iter()
        .any(|key| !matches!(key.as_slice(), [only] if numbered(only)));
    if !profile.whole || profile.rows() < FEWEST_ROWS || has_key {
        return Ok(None);
    }
    let usable = |column: &&Column| {
        column.seen.present == column.seen.rows
            && column.seen.distinct > 1
            && !column.numbered
            && nameable(&column.name)
            && matches!(
                column.class,
                Class::Integer | Class::Text | Class::Time | Class::Uuid
            )
    };
    let mut columns: Vec<&Column> = profile.columns.iter().filter(usable).collect();
    // One column by itself is suggested as unique anyway.
    if columns.iter().any(|column| column.is_unique()) {
        return Ok(None);
    }
    columns.sort_by_key(|column| std::cmp::Reverse(column.seen.distinct));

    let mut best: Option<(i64, Vec<&str>)> = None;
    let candidates = &columns[..columns.len().min(MOST_CANDIDATES)];
    for (place, first) in candidates.iter().enumerate() {
        for second in &candidates[place + 1..] {
            if first.seen.distinct.saturating_mul(second.seen.distinct) < profile.rows() / 50 {
                continue;
            }
            let pair = vec![first.name.as_str(), second.name.as_str()];
            let repeated = duplicates(&pair)?;
            if best.as_ref().is_none_or(|(fewest, _)| repeated < *fewest) {
                best = Some((repeated, pair));
            }
        }
    }
    let Some((mut repeated, mut key)) = best else {
        return Ok(None);
    };
    while repeated > 0 && key.len() < LONGEST {
        let mut next: Option<(i64, &str)> = None;
        for column in columns.iter().rev() {
            if key.contains(&column.name.as_str()) {
                continue;
            }
            let longer: Vec<&str> = key.iter().copied().chain([column.name.as_str()]).collect();
            let left = duplicates(&longer)?;
            if next.is_none_or(|(fewest, _)| left < fewest) {
                next = Some((left, column.name.as_str()));
            }
            if left == 0 {
                break;
            }
        }
        let Some((left, name)) = next else {
            return Ok(None);
        };
        (repeated, key) = (left, [key, vec![name]].concat());
    }
    if repeated > 0 {
        return Ok(None);
    }
    // What was needed for the first pair may not be needed any more.
    for name in key.clone() {
        let without: Vec<&str> = key.iter().copied().filter(|other| *other != name).collect();
        if without.len() > 1 && duplicates(&without)? == 0 {
            key = without;
        }
    }
    let in_order = profile.columns.iter().map(|column| column.name.clone());
    Ok(Some(
        in_order
            .filter(|name| key.contains(&name.as_str()))
            .collect(),
    ))
}
