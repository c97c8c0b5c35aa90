//! Channels, and the routes that lead to them.

use audit_core::Route;
use diesel::RunQueryDsl;
use diesel::sql_types::{Integer, Jsonb, Nullable, Text};
use serde_json::Value;

use super::Work;
use crate::Result;
use crate::plan::{Object, Planned, Verb};
use crate::words::{differs, in_words, provider_in_words, route_in_words};

impl Work<'_> {
    pub(super) fn channels(&mut self) -> Result<()> {
        for stored in &self.declared.channels {
            if self
                .policy
                .channels
                .iter()
                .all(|channel| channel.name != stored.name)
            {
                if self.stays(Object::Channel, stored.channel_id) {
                    let what = stored.provider.clone();
                    self.keep(
                        Object::Channel,
                        &stored.name,
                        None,
                        what,
                        &stored.origin,
                        None,
                    );
                    continue;
                }
                diesel::sql_query("select audit.retire_channel($1)")
                    .bind::<Integer, _>(stored.channel_id)
                    .execute(self.connection)?;
                self.drop_object(Object::Channel, &stored.name, None);
            }
        }
        for channel in &self.policy.channels {
            let definition = channel.provider.definition();
            let per_minute = i32::try_from(channel.per_minute).unwrap_or(i32::MAX);
            let per_second = channel
                .per_second
                .map(|count| i32::try_from(count).unwrap_or(i32::MAX));
            let stored = self
                .declared
                .channels
                .iter()
                .find(|stored| stored.name == channel.name);
            if stored.is_some_and(|stored| {
                stored.provider == channel.provider.name()
                    && stored.definition == definition
                    && stored.per_minute == per_minute
                    && stored.per_second == per_second
            }) {
                continue;
            }
            let differences = stored.map_or_else(Vec::new, |stored| {
                let mut differences = Vec::new();
                differs(
                    &mut differences,
                    "channel",
                    &in_words(&stored.definition),
                    &in_words(&definition),
                );
                differs(
                    &mut differences,
                    "per_minute",
                    &stored.per_minute.to_string(),
                    &per_minute.to_string(),
                );
                let in_words =
                    |count: Option<i32>| count.map_or("-".to_owned(), |count| count.to_string());
                differs(
                    &mut differences,
                    "per_second",
                    &in_words(stored.per_second),
                    &in_words(per_second),
                );
                differences
            });
            if let Some(stored) = stored
                && self.stays(Object::Channel, stored.channel_id)
            {
                let what = stored.provider.clone();
                self.keep(
                    Object::Channel,
                    &stored.name,
                    None,
                    what,
                    &stored.origin,
                    Some(differences),
                );
                continue;
            }
            diesel::sql_query("select audit.declare_channel($1, $2, $3, $4, $5)")
                .bind::<Text, _>(&channel.name)
                .bind::<Text, _>(channel.provider.name())
                .bind::<Jsonb, _>(&definition)
                .bind::<Integer, _>(per_minute)
                .bind::<Nullable<Integer>, _>(per_second)
                .execute(self.connection)?;
            let notes = match stored {
                Some(_) => None,
                None => self.taken_back(Object::Channel, None, &channel.name),
            };
            self.plan.changes.push(Planned {
                verb: if stored.is_some() {
                    Verb::Change
                } else {
                    Verb::Create
                },
                object: Object::Channel,
                name: channel.name.clone(),
                table: None,
                what: if stored.is_some() {
                    String::new()
                } else {
                    provider_in_words(&channel.provider)
                },
                severity: None,
                action: None,
                differences,
                failing: None,
                cost: None,
                notes: notes.into_iter().collect(),
            });
        }
        Ok(())
    }

    pub(super) fn routes(&mut self) -> Result<()> {
        let wanted: Vec<Value> = self.policy.routes.iter().map(Route::definition).collect();
        let mut is_same = true;
        let in_force: Vec<&Value> = self
            .declared
            .routes
            .values()
            .map(|route| &route.definition)
            .collect();
        let by_sql = self
            .declared
            .routes
            .values()
            .find(|route| self.stays(Object::Route, route.route_id));
        if let Some(route) = by_sql
            && in_force != wanted.iter().collect::<Vec<_>>()
        {
            let mut differences = Vec::new();
            let all = |routes: &[&Value]| {
                let words: Vec<String> = routes.iter().map(|route| in_words(route)).collect();
                words.join("; ")
            };
            let wanted: Vec<&Value> = wanted.iter().collect();
            differs(&mut differences, "routes", &all(&in_force), &all(&wanted));
            let differences = (!wanted.is_empty()).then_some(differences);
            let what = all(&in_force);
            self.keep(
                Object::Route,
                "routes",
                None,
                what,
                &route.origin,
                differences,
            );
            return Ok(());
        }
        for (position, route) in (1_i32..).zip(&self.policy.routes) {
            let definition = route.definition();
            let stored = self
                .declared
                .routes
                .get(&position)
                .map(|route| &route.definition);
            if stored == Some(&definition) {
                continue;
            }
            is_same = false;
            let mut differences = Vec::new();
            if let Some(stored) = stored {
                differs(
                    &mut differences,
                    "route",
                    &in_words(stored),
                    &in_words(&definition),
                );
            }
            self.plan.changes.push(Planned {
                verb: if stored.is_some() {
                    Verb::Change
                } else {
                    Verb::Create
                },
                object: Object::Route,
                name: position.to_string(),
                table: None,
                what: if stored.is_some() {
                    String::new()
                } else {
                    route_in_words(route)
                },
                severity: None,
                action: None,
                differences,
                failing: None,
                cost: None,
                notes: Vec::new(),
            });
        }
        for position in self.declared.routes.keys() {
            if usize::try_from(*position).is_ok_and(|position| position > wanted.len()) {
                is_same = false;
                self.drop_object(Object::Route, &position.to_string(), None);
            }
        }
        if !is_same {
            diesel::sql_query("select audit.declare_routes($1)")
                .bind::<Jsonb, _>(Value::Array(wanted))
                .execute(self.connection)?;
        }
        Ok(())
    }
}
