//! Installs the pipeline in a database, and brings an older one up to date.
//!
//! Two kinds of text are applied. `migrations/` holds what has state: tables, roles. Each runs once and is never
//! edited. `sql/` holds what has none: functions and views, one a file. It is applied again as a whole whenever a
//! migration ran or its text differs from what the database has. All of it happens in one transaction under a lock,
//! so any number of processes may call [`migrate`] when they start.

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Nullable, Text};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::source;

/// What [`migrate`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MigrationReport {
    /// The migrations that ran, in their order; none when the database was up to date.
    pub migrations: Vec<String>,
    /// Whether the functions and views were applied.
    pub source_applied: bool,
}

impl MigrationReport {
    /// Whether there was anything to do.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.source_applied || !self.migrations.is_empty()
    }
}

/// Installs the pipeline in the database, or brings it up to date. Calling it again changes nothing, and is cheap.
///
/// The role must be a superuser, or may create roles and schemas, or be a member of `audit_owner` in a database where
/// the roles exist. It keeps its books in the schema `audit`, so migrations of the application are not disturbed.
///
/// # Examples
///
/// ```no_run
/// let mut connection = audit_schema::connect("postgresql://localhost/app")?;
/// let report = audit_schema::migrate(&mut connection)?;
/// assert!(!audit_schema::migrate(&mut connection)?.changed());
/// # Ok::<(), audit_schema::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::ServerTooOld`], [`Error::ForeignSchema`], [`Error::NoRight`] and [`Error::NewerSchema`] before anything
/// was touched; [`Error::Migration`] and [`Error::Source`] after everything was taken back. The connection must not be
/// inside a transaction.
pub fn migrate(connection: &mut PgConnection) -> Result<MigrationReport> {
    let migrations = embedded_migrations()?;
    let digest = source::digest();
    if Work::outstanding(connection, &migrations, &digest)?.is_none() {
        return Ok(MigrationReport::default());
    }
    // Read committed, so that the second look sees what another process did while this one waited for the lock.
    connection
        .build_transaction()
        .read_committed()
        .read_write()
        .run(|connection| {
            lock(connection)?;
            match Work::outstanding(connection, &migrations, &digest)? {
                Some(work) => work.carry_out(connection, &digest),
                None => Ok(MigrationReport::default()),
            }
        })
}

/// Makes sure that the pipeline in the database is one that this version of the program can work with.
///
/// # Errors
///
/// [`Error::NewerSchema`] if a newer version of the program migrated it, [`Error::OlderSchema`] if [`migrate`] has
/// something to do first.
pub fn check_version(connection: &mut PgConnection) -> Result<()> {
    let known: Vec<String> = embedded_migrations()?.iter().map(version).collect();
    let applied = applied_versions(connection)?;
    if let Some(version) = applied.iter().find(|version| !known.contains(version)) {
        return Err(Error::NewerSchema {
            version: version.clone(),
        });
    }
    match known.iter().find(|version| !applied.contains(version)) {
        Some(version) => Err(Error::OlderSchema {
            version: version.clone(),
        }),
        None => Ok(()),
    }
}

/// Removes the pipeline from the database, with its log. The roles stay, because they belong to the whole cluster.
///
/// # Errors
///
/// As [`migrate`].
pub fn uninstall(connection: &mut PgConnection) -> Result<()> {
    let migrations = embedded_migrations()?;
    connection
        .build_transaction()
        .read_committed()
        .read_write()
        .run(|connection| {
            lock(connection)?;
            if !Installation::look(connection)?.is_ours {
                return Ok(());
            }
            connection.batch_execute(SETTINGS)?;
            connection.batch_execute("set local role audit_owner")?;
            let applied = applied_versions(connection)?;
            connection.batch_execute(DROP_SOURCE)?;
            for migration in migrations
                .iter()
                .rev()
                .filter(|migration| applied.contains(&version(migration)))
            {
                migration
                    .revert(connection)
                    .map_err(|source| failed(migration, source))?;
            }
            Ok(())
        })
}

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

type EmbeddedMigration = Box<dyn Migration<Pg>>;

/// The oldest server that is supported, as `server_version_num` has it.
const OLDEST_SERVER: i32 = 140_000;

/// Neither the caller's session nor the database's defaults may change what the text means or cut it short.
const SETTINGS: &str = "
    set local search_path = pg_catalog, pg_temp;
    set local standard_conforming_strings = on;
    set local check_function_bodies = off;
    set local client_min_messages = warning;
    set local statement_timeout = 0;
    set local idle_in_transaction_session_timeout = 0;
    set local default_tablespace = '';
    set local xmloption = content;
    set local row_security = off";

/// Generated tables go first: a partition or a base table may use a function. Event triggers go first of all, or they would
/// follow the rest.
const DROP_SOURCE: &str = "
    do $$
    declare
        command text;
    begin
        foreach command in array array(
            select format('drop routine if exists %s cascade', p.oid::regprocedure)
            from pg_proc p
            where p.pronamespace = 'audit'::regnamespace and p.prorettype = 'event_trigger'::regtype
        ) loop
            execute command;
        end loop;
        foreach command in array array(
            select format('drop %s if exists %s cascade', case when c.relkind = 'v' then 'view' else 'table' end, c.oid::regclass)
            from pg_class c
            where c.relnamespace = 'audit_compiled'::regnamespace and c.relkind in ('v', 'r', 'p')
                or c.relnamespace = 'audit'::regnamespace and c.relkind = 'v'
        ) loop
            execute command;
        end loop;
        foreach command in array array(
            select format('drop routine if exists %s cascade', p.oid::regprocedure)
            from pg_proc p
            where p.pronamespace in ('audit'::regnamespace, 'audit_compiled'::regnamespace)
        ) loop
            execute command;
        end loop;
    end;
    $$";

fn embedded_migrations() -> Result<Vec<EmbeddedMigration>> {
    let mut migrations: Vec<EmbeddedMigration> =
        MIGRATIONS.migrations().map_err(|source| Error::Migration {
            name: "migrations".to_owned(),
            source,
        })?;
    migrations.sort_by_key(version);
    Ok(migrations)
}

fn version(migration: &EmbeddedMigration) -> String {
    migration.name().version().to_string()
}

fn failed(
    migration: &EmbeddedMigration,
    source: Box<dyn std::error::Error + Send + Sync>,
) -> Error {
    Error::Migration {
        name: migration.name().to_string(),
        source,
    }
}

/// One process at a time, until the transaction ends. The number is arbitrary: the first bytes of "audit_sc".
fn lock(connection: &mut PgConnection) -> Result<()> {
    connection.batch_execute("select pg_advisory_xact_lock(x'61756469745f7363'::bigint)")?;
    Ok(())
}

/// What is left to do.
struct Work<'a> {
    migrations: Vec<&'a EmbeddedMigration>,
    installed: bool,
}

impl<'a> Work<'a> {
    /// None when the database is up to date.
    fn outstanding(
        connection: &mut PgConnection,
        migrations: &'a [EmbeddedMigration],
        digest: &str,
    ) -> Result<Option<Self>> {
        let installation = Installation::look(connection)?;
        if !installation.is_ours {
            installation.check_rights_to_install()?;
            return Ok(Some(Self {
                migrations: migrations.iter().collect(),
                installed: false,
            }));
        }
        let applied = applied_versions(connection)?;
        let known: Vec<String> = migrations.iter().map(version).collect();
        if let Some(version) = applied.iter().find(|version| !known.contains(version)) {
            return Err(Error::NewerSchema {
                version: version.clone(),
            });
        }
        let outstanding: Vec<_> = migrations
            .iter()
            .filter(|migration| !applied.contains(&version(migration)))
            .collect();
        if outstanding.is_empty() && applied_digest(connection)?.as_deref() == Some(digest) {
            return Ok(None);
        }
        installation.check_right_to_upgrade()?;
        Ok(Some(Self {
            migrations: outstanding,
            installed: true,
        }))
    }

    fn carry_out(self, connection: &mut PgConnection, digest: &str) -> Result<MigrationReport> {
        connection.batch_execute(SETTINGS)?;
        if self.installed {
            connection.batch_execute("set local role audit_owner")?;
        }
        // The first migration makes the roles as whoever is logged in, and everything after it is made by the owner.
        for migration in &self.migrations {
            migration
                .run(connection)
                .map_err(|source| failed(migration, source))?;
            connection.batch_execute("set local role audit_owner")?;
        }
        for file in source::FILES {
            connection
                .batch_execute(file.text)
                .map_err(|source| Error::Source {
                    path: file.path.to_owned(),
                    source,
                })?;
        }
        for migration in &self.migrations {
            diesel::sql_query("insert into audit.migration (version, name) values ($1, $2)")
                .bind::<Text, _>(version(migration))
                .bind::<Text, _>(migration.name().to_string())
                .execute(connection)?;
        }
        diesel::sql_query(
            "insert into audit.source (digest) values ($1)
            on conflict (only_row) do update
            set digest = excluded.digest, applied_at = excluded.applied_at, applied_by = excluded.applied_by",
        )
        .bind::<Text, _>(digest)
        .execute(connection)?;
        Ok(MigrationReport {
            migrations: self
                .migrations
                .iter()
                .map(|migration| migration.name().to_string())
                .collect(),
            source_applied: true,
        })
    }
}

/// The database as it is found.
#[derive(QueryableByName)]
struct Installation {
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Text)]
    database: String,
    #[diesel(sql_type = Nullable<Text>)]
    foreign_schema: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    foreign_owner: Option<String>,
    #[diesel(sql_type = Bool)]
    is_ours: bool,
    #[diesel(sql_type = Bool)]
    may_read: bool,
    #[diesel(sql_type = Bool)]
    may_create_schemas: bool,
    #[diesel(sql_type = Bool)]
    may_create_roles: bool,
    #[diesel(sql_type = Bool)]
    roles_exist: bool,
    #[diesel(sql_type = Bool)]
    may_act_as_owner: bool,
    #[diesel(sql_type = Bool)]
    may_grant_owner: bool,
}

/// Ours is a schema `audit` that the owner has and that holds the list of migrations. Privileges are looked up by oid:
/// a name would raise an error where the role may not even use the schema.
const LOOK: &str = "
    with owner as (
        select r.oid from pg_catalog.pg_roles r where r.rolname = 'audit_owner'
    ), schema as (
        select n.oid, n.nspname, n.nspowner, n.nspowner = (select o.oid from owner o) is true as is_owned
        from pg_catalog.pg_namespace n
        where n.nspname in ('audit', 'audit_compiled')
    ), books as (
        select c.oid, s.oid as schema
        from schema s
        join pg_catalog.pg_class c on c.relnamespace = s.oid
        where s.nspname = 'audit' and s.is_owned and c.relname = 'migration' and c.relkind = 'r' and c.relowner = s.nspowner
    ), foreign_schema as (
        select s.nspname::text as name, pg_catalog.pg_get_userbyid(s.nspowner)::text as owner
        from schema s
        where not s.is_owned or not exists (select from books)
        order by s.nspname
        limit 1
    ), login as (
        select r.rolsuper, r.rolcreaterole, pg_catalog.current_setting('server_version_num')::integer as server
        from pg_catalog.pg_roles r
        where r.rolname = current_user
    )
    select
        current_user::text as role,
        pg_catalog.current_database()::text as database,
        (select f.name from foreign_schema f) as foreign_schema,
        (select f.owner from foreign_schema f) as foreign_owner,
        exists (select from books) as is_ours,
        coalesce((
            select pg_catalog.has_schema_privilege(b.schema, 'usage') and pg_catalog.has_table_privilege(b.oid, 'select')
            from books b
        ), false) as may_read,
        pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create') as may_create_schemas,
        l.rolsuper or l.rolcreaterole as may_create_roles,
        (
            select pg_catalog.count(*) = 4
            from pg_catalog.pg_roles r
            where r.rolname in ('audit_owner', 'audit_admin', 'audit_operator', 'audit_reader')
        ) as roles_exist,
        coalesce((
            select pg_catalog.pg_has_role(o.oid, case when l.server >= 160000 then 'set' else 'member' end)
            from owner o
        ), false) as may_act_as_owner,
        coalesce((
            select l.rolsuper
                or l.rolcreaterole and l.server < 160000
                or pg_catalog.pg_has_role(o.oid, 'member with admin option')
            from owner o
        ), false) as may_grant_owner
    from login l";

impl Installation {
    fn look(connection: &mut PgConnection) -> Result<Self> {
        // Asked first and alone: an older server might not even understand the rest.
        let server: i32 = diesel::select(diesel::dsl::sql::<Integer>(
            "pg_catalog.current_setting('server_version_num')::integer",
        ))
        .get_result(connection)?;
        if server < OLDEST_SERVER {
            let found = diesel::select(diesel::dsl::sql::<Text>(
                "pg_catalog.current_setting('server_version')::text",
            ))
            .get_result(connection)?;
            return Err(Error::ServerTooOld { found });
        }
        let installation: Self = diesel::sql_query(LOOK).get_result(connection)?;
        installation.check()
    }

    fn check(self) -> Result<Self> {
        if let (Some(schema), Some(owner)) = (&self.foreign_schema, &self.foreign_owner) {
            return Err(Error::ForeignSchema {
                schema: schema.clone(),
                owner: owner.clone(),
            });
        }
        if self.is_ours && !self.may_read {
            return Err(self.no_right(
                "read the schema `audit`",
                format!(
                    "a member of audit_owner can run: grant audit_reader to {}",
                    quoted(&self.role)
                ),
            ));
        }
        Ok(self)
    }

    fn check_rights_to_install(&self) -> Result<()> {
        let role = quoted(&self.role);
        if !self.may_create_schemas {
            return Err(self.no_right(
                &format!("create a schema in the database `{}`", self.database),
                format!(
                    "its owner can run: grant create on database {} to {role}",
                    quoted(&self.database)
                ),
            ));
        }
        if !self.roles_exist && !self.may_create_roles {
            return Err(self.no_right(
                "create the roles of the pipeline",
                format!("a superuser can run: alter role {role} createrole"),
            ));
        }
        if self.roles_exist {
            self.check_right_to_upgrade_or(self.may_grant_owner)?;
        }
        Ok(())
    }

    fn check_right_to_upgrade(&self) -> Result<()> {
        self.check_right_to_upgrade_or(false)
    }

    fn check_right_to_upgrade_or(&self, otherwise: bool) -> Result<()> {
        if self.may_act_as_owner || otherwise {
            return Ok(());
        }
        Err(self.no_right(
            "act as `audit_owner`",
            format!(
                "a superuser can run: grant audit_owner to {}",
                quoted(&self.role)
            ),
        ))
    }

    fn no_right(&self, action: &str, hint: String) -> Error {
        Error::NoRight {
            role: self.role.clone(),
            action: action.to_owned(),
            hint,
        }
    }
}

fn applied_versions(connection: &mut PgConnection) -> Result<Vec<String>> {
    Ok(
        diesel::dsl::sql::<Text>("select version from audit.migration order by version")
            .load(connection)?,
    )
}

fn applied_digest(connection: &mut PgConnection) -> Result<Option<String>> {
    Ok(diesel::dsl::sql::<Text>("select digest from audit.source")
        .get_result(connection)
        .optional()?)
}

/// An identifier as it stands in a statement that somebody may copy.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
