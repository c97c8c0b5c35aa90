//! Finding a row by the first characters of its identity, as a person types them.

use diesel::prelude::*;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use uuid::Uuid;

use crate::{Error, Result};

/// The only row of a table whose identity begins with some characters. `what` is what people call such a row.
pub(crate) fn the_only(
    conn: &mut PgConnection,
    what: &'static str,
    table: &str,
    column: &str,
    id: &str,
) -> Result<Uuid> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = SqlUuid)]
        id: Uuid,
    }
    let digits: String = id
        .chars()
        .filter(|character| *character != '-')
        .flat_map(char::to_lowercase)
        .collect();
    let none = |several| Error::NotOne {
        what,
        id: id.to_owned(),
        several,
    };
    if !(1..=32).contains(&digits.len()) || !digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(none(false));
    }
    // A range, so that the primary key finds it.
    let mut found: Vec<Found> = diesel::sql_query(format!(
        "select {column} as id
        from {table}
        where {column} between rpad($1, 32, '0')::uuid and rpad($1, 32, 'f')::uuid
        limit 2"
    ))
    .bind::<Text, _>(digits)
    .load(conn)?;
    match (found.pop(), found.pop()) {
        (Some(only), None) => Ok(only.id),
        (several, _) => Err(none(several.is_some())),
    }
}
