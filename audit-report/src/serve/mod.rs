//! The live page: the dashboard, kept up to date, and everything that it leads to, down to the history of a row.
//!
//! It only reads, in read-only transactions, as whatever role `database_url` names; `audit_reader` is enough. People can act
//! on alerts and on quarantine only where a token is configured, and only after they signed in with it and with their name.
//! What they do then goes through the functions of the pipeline, which record the name.
//!
//! ```no_run
//! use audit_report::serve::{Options, Site};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let site = Site::open(Options::new("postgresql:///flights"))?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! site.serve(listener, std::future::pending()).await?;
//! # Ok(())
//! # }
//! ```

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use audit_core::SecretValue;
use audit_schema::Pool;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use chrono_tz::Tz;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

mod act;
mod form;
mod gauges;
mod guard;
mod live;
mod session;
mod view;
mod visit;

use crate::error::{Error, Result};
use session::Sessions;
use visit::Visit;

/// How the live page is served.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The database, as libpq takes it.
    pub database_url: String,
    /// The address that people use where a reverse proxy stands before it, for example `https://audit.example.com`.
    pub public_url: Option<String>,
    /// Other names under which it may be called; IP addresses and `localhost` always may.
    pub hosts: Vec<String>,
    /// What people sign in with to act. Without it nobody can.
    pub token: Option<SecretValue>,
    /// The time zone in which times are shown; by default that of the summaries, else UTC.
    pub zone: Option<Tz>,
    /// How many connections to the database it opens at most.
    pub connections: u32,
    /// How long a statement may take.
    pub statement_timeout: Duration,
    /// How many pages may wait for news at a time.
    pub listeners: usize,
}

impl Options {
    /// Read-only, with bounds that suit a few dozen people.
    pub fn new(database_url: impl Into<String>) -> Self {
        Options {
            database_url: database_url.into(),
            public_url: None,
            hosts: Vec::new(),
            token: None,
            zone: None,
            connections: 6,
            statement_timeout: Duration::from_secs(10),
            listeners: 200,
        }
    }
}

/// How long requests under way may take after it was told to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// How large a form may be: an edited row fits.
const LARGEST_FORM: usize = 1 << 20;

/// The live page of a database.
#[derive(Clone)]
pub struct Site(Arc<Inner>);

struct Inner {
    options: Options,
    origins: guard::Origins,
    pool: Pool,
    /// One for each connection: a request that gets none waits here and not in a thread.
    slots: Arc<Semaphore>,
    sessions: Mutex<Sessions>,
    live: live::Live,
}

impl std::fmt::Debug for Site {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Site").finish_non_exhaustive()
    }
}

impl Site {
    /// Prepares the live page. The database need not be there yet.
    ///
    /// # Errors
    /// If the public address is none, or the token is too short to be safe.
    pub fn open(options: Options) -> Result<Self> {
        let origins = guard::Origins::new(&options)?;
        if let Some(token) = &options.token
            && token.reveal().len() < session::SHORTEST_TOKEN
        {
            return Err(Error::Serve {
                reason: format!(
                    "the token is shorter than {} characters; make one with `openssl rand -hex 32`",
                    session::SHORTEST_TOKEN
                ),
            });
        }
        let pool = audit_schema::pool::bounded(
            &options.database_url,
            &audit_schema::pool::Bounds {
                connections: options.connections,
                wait: Duration::from_secs(3),
                statement_timeout: options.statement_timeout,
                application_name: "audit-report",
            },
        );
        Ok(Site(Arc::new(Inner {
            origins,
            pool,
            // A thread that looks for news keeps one connection to itself.
            slots: Arc::new(Semaphore::new(
                usize::try_from(options.connections.saturating_sub(1).max(1)).unwrap_or(1),
            )),
            sessions: Mutex::default(),
            live: live::Live::default(),
            options,
        })))
    }

    /// Answers requests until `stop` is over, then finishes those under way.
    ///
    /// # Errors
    /// If the listener breaks.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let (stopping, mut stopped) = watch::channel(false);
        let site = Arc::clone(&self.0);
        let looking = tokio::spawn(live::look(Arc::clone(&site)));
        let service = router(self.clone()).into_make_service_with_connect_info::<SocketAddr>();
        let finish = axum::serve(listener, service).with_graceful_shutdown(async move {
            stop.await;
            site.live.end();
            let _ = stopping.send(true);
        });
        let patience = async {
            let _ = stopped.wait_for(|stopping| *stopping).await;
            tokio::time::sleep(PATIENCE).await;
        };
        let ended = tokio::select! {
            ended = finish.into_future() => ended,
            // Whoever keeps a connection open and says nothing does not keep it running.
            () = patience => Ok(()),
        };
        looking.abort();
        ended
    }
}

/// Every address that there is.
fn router(site: Site) -> Router {
    let pages = Router::new()
        .route("/", get(|visit: Visit| visit.read(view::dashboard::show)))
        .route(
            "/tables",
            get(|visit: Visit| visit.read(view::tables::list)),
        )
        .route(
            "/tables/{id}",
            get(|visit: Visit| visit.read(view::tables::show)),
        )
        .route(
            "/tables/{id}/row",
            get(|visit: Visit| visit.read(view::history::show)),
        )
        .route("/rules", get(|visit: Visit| visit.read(view::rules::list)))
        .route(
            "/rules/{id}",
            get(|visit: Visit| visit.read(view::rules::show)),
        )
        .route(
            "/findings",
            get(|visit: Visit| visit.read(view::findings::list)),
        )
        .route(
            "/findings/{id}",
            get(|visit: Visit| visit.read(view::findings::show)),
        )
        .route(
            "/alerts",
            get(|visit: Visit| visit.read(view::alerts::list)),
        )
        .route(
            "/alerts/{id}",
            get(|visit: Visit| visit.read(view::alerts::show)),
        )
        .route(
            "/quarantine",
            get(|visit: Visit| visit.read(view::quarantine::list)),
        )
        .route(
            "/quarantine/{id}",
            get(|visit: Visit| visit.read(view::quarantine::show)),
        )
        .route(
            "/search",
            get(|visit: Visit| visit.read(view::search::show)),
        )
        .route(
            "/pipeline",
            get(|visit: Visit| visit.read(view::pipeline::show)),
        )
        .route("/metrics", get(gauges::prometheus))
        .route("/healthz", get(gauges::health))
        .route("/sign-in", get(act::sign_in_form).post(act::sign_in))
        .route("/sign-out", post(act::sign_out))
        .route("/alerts/{id}/acknowledge", post(act::acknowledge))
        .route("/alerts/{id}/snooze", post(act::snooze))
        .route("/alerts/{id}/resolve", post(act::resolve))
        .route("/quarantine/{id}/edit", post(act::edit))
        .route("/quarantine/{id}/release", post(act::release))
        .route("/quarantine/{id}/discard", post(act::discard))
        .route("/style.css", get(guard::style_sheet))
        .route("/live.js", get(guard::script))
        .route("/icon.svg", get(guard::icon))
        .route("/regular.ttf", get(guard::regular))
        .route("/bold.ttf", get(guard::bold))
        .fallback(|visit: Visit| visit.read(|_, _| Err(visit::Trouble::NotFound)))
        .method_not_allowed_fallback(guard::method_not_allowed)
        .layer(middleware::from_fn_with_state(site.clone(), guard::in_time));
    pages
        .route("/events", get(live::events))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(middleware::from_fn_with_state(
            site.clone(),
            guard::at_the_door,
        ))
        .with_state(site)
}
