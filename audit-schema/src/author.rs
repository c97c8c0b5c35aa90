//! Who wrote, as queries return it.

use audit_core::Author;
use diesel::QueryableByName;
use diesel::sql_types::{Nullable, Text};

/// The columns that say who wrote, under the names that they have everywhere.
#[derive(QueryableByName)]
pub(crate) struct AuthorRow {
    #[diesel(sql_type = Text)]
    session_role: String,
    #[diesel(sql_type = Nullable<Text>)]
    actor: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    application: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    client: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    request_id: Option<String>,
}

impl From<AuthorRow> for Author {
    fn from(row: AuthorRow) -> Self {
        Self {
            session_role: row.session_role,
            actor: row.actor,
            application: row.application,
            client: row.client,
            request_id: row.request_id,
        }
    }
}
