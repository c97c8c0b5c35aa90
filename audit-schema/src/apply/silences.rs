//! Silences that the policy declares, and how long any silence may last.

use audit_core::SilencePolicy;
use audit_core::policy::{Declared as At, Part};
use diesel::RunQueryDsl;
use diesel::sql_types::{Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};

use super::Work;
use crate::plan::{Object, Planned, Verb};
use crate::words::differs;
use crate::{Result, alert, declared};

impl Work<'_> {
    pub(super) fn silences(&mut self) -> Result<()> {
        self.longest_silence()?;
        let clock = alert::clock(self.connection)?;
        for stored in &self.declared.silences {
            let declared = &self.policy.silences;
            if declared.iter().all(|silence| silence.name != stored.name) {
                diesel::sql_query("select audit.retire_silence($1, $2)")
                    .bind::<SqlUuid, _>(stored.silence_id)
                    .bind::<Timestamptz, _>(clock)
                    .execute(self.connection)?;
                self.drop_object(Object::Silence, &stored.name, None);
            }
        }
        for silence in &self.policy.silences {
            let definition = silence.definition();
            let stored = self
                .declared
                .silences
                .iter()
                .find(|stored| stored.name == silence.name);
            if stored.is_some_and(|stored| stored.definition == definition) {
                continue;
            }
            let declared = self.attempt(|connection| {
                diesel::sql_query("select audit.declare_silence($1, $2, $3)")
                    .bind::<Text, _>(&silence.name)
                    .bind::<Jsonb, _>(&definition)
                    .bind::<Timestamptz, _>(clock)
                    .execute(connection)
            });
            if let Err(error) = declared {
                let at = At::Silence(silence.name.clone());
                self.refused(&at, |_| Part::Name, error)?;
                continue;
            }
            let mut differences = Vec::new();
            if let Some(stored) = stored {
                let before = serde_json::from_value(stored.definition.clone());
                let before = before.map_or_else(|_| [const { String::new() }; 6], parts);
                let names = ["match", "from", "until", "hours", "why", "owner"];
                for ((name, before), after) in
                    names.into_iter().zip(before).zip(parts(silence.clone()))
                {
                    differs(&mut differences, name, &before, &after);
                }
            }
            self.plan.changes.push(Planned {
                verb: if stored.is_some() {
                    Verb::Change
                } else {
                    Verb::Create
                },
                object: Object::Silence,
                name: silence.name.clone(),
                table: None,
                what: if stored.is_some() {
                    String::new()
                } else {
                    in_words(silence)
                },
                severity: None,
                action: None,
                differences,
                failing: None,
                cost: None,
                notes: Vec::new(),
            });
        }
        Ok(())
    }

    /// How long a silence may last, for everybody.
    fn longest_silence(&mut self) -> Result<()> {
        let wanted = self
            .policy
            .defaults
            .longest_silence
            .map(|period| period.to_string());
        let stored = &self.declared.longest_silence;
        let lengths: Vec<String> = wanted.iter().chain(stored).cloned().collect();
        let seconds = declared::seconds(self.connection, &lengths)?;
        let length =
            |text: &Option<String>| text.as_ref().and_then(|text| seconds.get(text).copied());
        if length(&wanted) == length(stored) {
            return Ok(());
        }
        diesel::sql_query("select audit.limit_silences($1::interval)")
            .bind::<Nullable<Text>, _>(&wanted)
            .execute(self.connection)?;
        let any_length = || "any length".to_owned();
        let mut differences = Vec::new();
        differs(
            &mut differences,
            "longest",
            &stored.clone().unwrap_or_else(any_length),
            &wanted.unwrap_or_else(any_length),
        );
        self.plan.changes.push(Planned {
            verb: Verb::Change,
            object: Object::Silence,
            name: "of any kind".to_owned(),
            table: None,
            what: String::new(),
            severity: None,
            action: None,
            differences,
            failing: None,
            cost: None,
            notes: Vec::new(),
        });
        Ok(())
    }
}

/// What a silence consists of, in words.
fn parts(silence: SilencePolicy) -> [String; 6] {
    let time = |time: chrono::DateTime<chrono::Utc>| time.format("%Y-%m-%d %H:%M UTC").to_string();
    [
        silence.matchers.to_string(),
        silence.from.map(time).unwrap_or_default(),
        time(silence.until),
        silence
            .hours
            .map(|hours| hours.to_string())
            .unwrap_or_default(),
        silence.why,
        silence.owner,
    ]
}

/// A silence that is new, in one line.
fn in_words(silence: &SilencePolicy) -> String {
    let [what, from, until, hours, why, _] = parts(silence.clone());
    let from = match from.as_str() {
        "" => String::new(),
        from => format!(" from {from}"),
    };
    let hours = match hours.as_str() {
        "" => String::new(),
        hours => format!(" at {hours}"),
    };
    format!("{what}{hours}{from} until {until}: {why}")
}
