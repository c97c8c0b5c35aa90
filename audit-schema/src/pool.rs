//! Connections to a database, single and pooled.

use std::time::Duration;

use diesel::r2d2::ConnectionManager;
use diesel::sql_types::{Integer, Text};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};

use crate::error::{Error, Result};

/// A pool of connections.
pub type Pool = r2d2::Pool<ConnectionManager<PgConnection>>;

/// Opens a connection.
///
/// `url` is whatever libpq takes: `postgresql://…`, or `host=… dbname=…`.
///
/// # Examples
///
/// ```no_run
/// let mut connection = audit_schema::connect("postgresql://localhost/app")?;
/// # Ok::<(), audit_schema::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Connect`]. Its text holds no password.
pub fn connect(url: &str) -> Result<PgConnection> {
    PgConnection::establish(url).map_err(Error::Connect)
}

/// Introduces a program to the server: gives the connection a name, if there is one to give and it has none, and lets the
/// server end what it runs when the program is gone, where it can notice. Gives the process of the server, for
/// [`cancel`].
///
/// # Errors
///
/// When the database does not answer.
pub fn introduce(connection: &mut PgConnection, program: Option<&str>) -> Result<i32> {
    #[derive(QueryableByName)]
    struct Backend {
        #[diesel(sql_type = Integer)]
        pid: i32,
    }
    let backend: Backend = diesel::sql_query(
        "select pg_backend_pid() as pid
         from (
             select case when $1 <> '' and current_setting('application_name') = '' then set_config('application_name', $1, false) end
             offset 0
         ) named",
    )
    .bind::<Text, _>(program.unwrap_or_default())
    .get_result(connection)?;
    // A server on a system that does not tell of closed sockets refuses.
    let _ = diesel::sql_query("set client_connection_check_interval = '2s'").execute(connection);
    Ok(backend.pid)
}

/// Ends what a process of the server runs at the moment, as Ctrl-C in psql does. Its transaction is rolled back.
///
/// # Errors
///
/// When the database does not answer, or the process belongs to another role.
pub fn cancel(url: &str, pid: i32) -> Result<()> {
    diesel::sql_query("select pg_cancel_backend($1)")
        .bind::<Integer, _>(pid)
        .execute(&mut connect(url)?)?;
    Ok(())
}

/// Opens a pool of up to ten connections, which are made when they are needed.
///
/// # Errors
///
/// [`Error::Connect`] at once when the database can not be reached; [`Error::Pool`] later, from `get`, when no
/// connection became free within ten seconds.
pub fn pool(url: &str) -> Result<Pool> {
    connect(url)?;
    Ok(r2d2::Pool::builder()
        .max_size(10)
        .min_idle(Some(0))
        .connection_timeout(Duration::from_secs(10))
        .build_unchecked(ConnectionManager::new(url)))
}

/// What a pool may take, for a program that many people ask at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How many connections it opens at most.
    pub connections: u32,
    /// How long to wait for one.
    pub wait: Duration,
    /// How long a statement may take, and a transaction may do nothing.
    pub statement_timeout: Duration,
    /// The name under which the server lists the connections.
    pub application_name: &'static str,
}

/// Opens a pool within bounds. The database need not be there yet, and may come and go: a connection is tried before it is
/// handed out.
pub fn bounded(url: &str, bounds: &Bounds) -> Pool {
    r2d2::Pool::builder()
        .max_size(bounds.connections.max(1))
        .min_idle(Some(0))
        .connection_timeout(bounds.wait)
        .connection_customizer(Box::new(*bounds))
        .build_unchecked(ConnectionManager::new(url))
}

impl r2d2::CustomizeConnection<PgConnection, diesel::r2d2::Error> for Bounds {
    fn on_acquire(&self, connection: &mut PgConnection) -> Result<(), diesel::r2d2::Error> {
        use diesel::RunQueryDsl;
        use diesel::sql_types::Text;
        let milliseconds = self.statement_timeout.as_millis().to_string();
        diesel::sql_query(
            "select
                set_config('statement_timeout', $1, false),
                set_config('idle_in_transaction_session_timeout', $1, false),
                set_config('application_name', $2, false),
                -- Compiling a statement of a page takes longer than running it.
                set_config('jit', 'off', false)",
        )
        .bind::<Text, _>(milliseconds)
        .bind::<Text, _>(self.application_name)
        .execute(connection)
        .map(drop)
        .map_err(diesel::r2d2::Error::QueryError)
    }
}
