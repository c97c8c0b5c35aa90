//! Connections to a database, single and pooled.

use std::time::Duration;

use diesel::r2d2::ConnectionManager;
use diesel::{Connection, PgConnection};

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
