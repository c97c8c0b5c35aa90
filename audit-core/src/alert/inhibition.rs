//! Inhibition: alerts that nobody needs to hear of while another one fires, because that one explains them.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

/// An alert that fires, as far as it can inhibit others or be inhibited.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Its policy.
    pub policy: &'a str,
    /// The table that it is about.
    pub table: Option<&'a str>,
    /// Whether its policy looks at all tables, so that the table tells its alerts apart as a group does.
    pub one_of_many_tables: bool,
    /// Its group.
    pub group: &'a Map<String, Value>,
    /// What inhibits it: names of policies, tables as `schema.table`, or `parents`.
    pub inhibited_by: &'a [String],
    /// The tables that its own one refers to, which is what `parents` means.
    pub parents: &'a [String],
}

/// For each alert the one that inhibits it, if there is any.
///
/// One alert inhibits another if the other's policy says so, by the name of its policy or of the table that it is about,
/// and if no value of their groups differs: an alert about EWR says nothing about JFK. Of two policies that look at all
/// tables, one inhibits the other for the same table. Alerts that would inhibit each other, be it in a circle, are all told:
/// whatever happens, an alert that is not inhibited explains every one that is.
///
/// # Examples
///
/// ```
/// use audit_core::alert::{Standing, inhibitors};
///
/// let (nothing, group) = (vec![], Default::default());
/// let by = vec!["feed_stopped".to_owned()];
/// let stopped = Standing {
///     policy: "feed_stopped",
///     table: None,
///     one_of_many_tables: false,
///     group: &group,
///     inhibited_by: &nothing,
///     parents: &nothing,
/// };
/// let late = Standing { policy: "late", inhibited_by: &by, ..stopped };
/// assert_eq!(inhibitors(&[late, stopped]), [Some(1), None]);
/// ```
pub fn inhibitors(alerts: &[Standing<'_>]) -> Vec<Option<usize>> {
    // A name is that of a policy, without a dot in it, or of a table.
    let mut named: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, alert) in alerts.iter().enumerate() {
        for name in [Some(alert.policy), alert.table].into_iter().flatten() {
            named.entry(name).or_default().push(place);
        }
    }
    let candidates = |place: usize| {
        let alert = &alerts[place];
        let names = alert.inhibited_by.iter().flat_map(|name| {
            if name == "parents" {
                alert.parents
            } else {
                std::slice::from_ref(name)
            }
        });
        names
            .flat_map(|name| {
                let places = named.get(name.as_str()).into_iter().flatten();
                places.map(move |other| (name.as_str(), *other))
            })
            .filter(|(name, other)| *other != place && explains(name, &alerts[*other], alert))
            .map(|(_, other)| other)
            .collect::<Vec<usize>>()
    };
    // Whether one alert leads back to another through what inhibits it.
    let leads_to = |from: usize, to: usize| {
        let mut seen = HashSet::from([from]);
        let mut open = vec![from];
        while let Some(place) = open.pop() {
            if place == to {
                return true;
            }
            open.extend(
                candidates(place)
                    .into_iter()
                    .filter(|next| seen.insert(*next)),
            );
        }
        false
    };
    (0..alerts.len())
        .map(|place| {
            candidates(place)
                .into_iter()
                .find(|parent| !leads_to(*parent, place))
        })
        .collect()
}

/// Whether an alert that goes by this name explains another one: nothing tells that they are about different things.
fn explains(name: &str, parent: &Standing<'_>, child: &Standing<'_>) -> bool {
    let told_apart = parent.policy == name && parent.one_of_many_tables && child.one_of_many_tables;
    (!told_apart || parent.table == child.table)
        && child
            .group
            .iter()
            .all(|(name, value)| parent.group.get(name).is_none_or(|found| found == value))
}
