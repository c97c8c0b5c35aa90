//! The pipeline's roles.

use diesel::sql_types::{Bool, Integer, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl};

use super::Role;
use crate::Result;

pub(super) fn roles(connection: &mut PgConnection) -> Result<Vec<Role>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = Bool)]
        can_login: bool,
        #[diesel(sql_type = Integer)]
        owns: i32,
    }
    let rows: Vec<Row> = diesel::sql_query(
        "select
            r.rolname::text as name,
            r.rolcanlogin as can_login,
            (
                (
                    select count(*)
                    from pg_class as c
                    where c.relowner = r.oid
                        and c.relkind in ('r', 'p', 'v')
                        and not c.relispartition
                        and c.relnamespace in ('audit'::regnamespace, 'audit_compiled'::regnamespace)
                ) + (
                    select count(*)
                    from pg_proc as f
                    where f.proowner = r.oid
                        and f.pronamespace in ('audit'::regnamespace, 'audit_compiled'::regnamespace)
                )
            )::integer as owns
        from pg_roles as r
        where r.rolname in ('audit_owner', 'audit_admin', 'audit_operator', 'audit_reader')
        order by array_position(array['audit_owner', 'audit_admin', 'audit_operator', 'audit_reader'], r.rolname::text)",
    )
    .load(connection)?;
    Ok(rows
        .into_iter()
        .map(|row| Role {
            name: row.name,
            can_login: row.can_login,
            owns: row.owns,
        })
        .collect())
}
