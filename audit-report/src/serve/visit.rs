//! One request: who asks for what, and how it is answered.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use audit_schema::browse::{self, Rights};
use audit_schema::metrics;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::PgConnection;

use super::form::Form;
use super::session::Session;
use super::{Site, guard, view};
use crate::page::Html;

/// A request.
pub(super) struct Visit {
    pub(super) site: Site,
    pub(super) path: String,
    pub(super) query: Form,
    /// Who signed in.
    pub(super) session: Option<Session>,
    /// What the address names: a number or an identity.
    pub(super) id: Option<String>,
}

impl FromRequestParts<Site> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Infallible> {
        let id = RawPathParams::from_request_parts(parts, site)
            .await
            .ok()
            .and_then(|params| {
                params
                    .iter()
                    .find(|(name, _)| *name == "id")
                    .map(|(_, value)| value.to_owned())
            });
        let session = guard::session_of(site, &parts.headers);
        Ok(Visit {
            site: site.clone(),
            path: parts.uri.path().to_owned(),
            query: Form::read(parts.uri.query().unwrap_or_default().as_bytes()),
            session,
            id,
        })
    }
}

/// What a page is made of, besides its frame.
pub(super) struct Page {
    pub(super) title: String,
    /// Which entry of the navigation it belongs to.
    pub(super) place: &'static str,
    /// The pages that lead here: their addresses and names.
    pub(super) crumbs: Vec<(String, String)>,
    /// What stands at the right of its title.
    pub(super) aside: Html,
    /// One sentence below the title.
    pub(super) about: String,
    pub(super) body: Html,
}

impl Page {
    pub(super) fn new(title: impl Into<String>, place: &'static str, body: Html) -> Self {
        Page {
            title: title.into(),
            place,
            crumbs: Vec::new(),
            aside: Html::new(),
            about: String::new(),
            body,
        }
    }

    pub(super) fn under(mut self, address: impl Into<String>, name: impl Into<String>) -> Self {
        self.crumbs.push((address.into(), name.into()));
        self
    }

    pub(super) fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// There is nothing at this address.
    NotFound,
    /// The request does not make sense.
    Bad(String),
    /// Whoever asks may not.
    Forbidden(String),
    /// It was asked for too often.
    TooOften,
    /// It does not fit the state that things are in.
    Conflict(String),
    /// A row can not be released, for these reasons.
    Refused(Vec<String>),
    /// Reading failed.
    Failed(crate::Error),
}

impl<E: Into<crate::Error>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Trouble::Failed(error.into())
    }
}

/// What a view is told.
pub(super) struct Reader<'a> {
    pub(super) visit: &'a Visit,
    /// The time zone in which times are shown.
    pub(super) zone: Tz,
    pub(super) rights: Rights,
}

impl Reader<'_> {
    pub(super) fn time(&self, time: DateTime<Utc>) -> String {
        time.with_timezone(&self.zone)
            .format("%-d %b %Y %H:%M:%S")
            .to_string()
    }

    /// The number in the address.
    pub(super) fn number(&self) -> Result<i32, Trouble> {
        self.visit
            .id
            .as_deref()
            .and_then(|id| id.parse().ok())
            .ok_or(Trouble::NotFound)
    }

    /// The identity in the address.
    pub(super) fn identity(&self) -> Result<uuid::Uuid, Trouble> {
        self.visit
            .id
            .as_deref()
            .and_then(|id| id.parse().ok())
            .ok_or(Trouble::NotFound)
    }

    /// Which page of a list is asked for.
    pub(super) fn page(&self) -> Result<browse::Page, Trouble> {
        let number: Option<i64> = self.visit.query.parsed("page", "a number")?;
        let number = number.unwrap_or(1);
        if !(1..=view::LAST_PAGE).contains(&number) {
            return Err(Trouble::Bad(format!(
                "`page` is {number}; expected a number from 1 to {}",
                view::LAST_PAGE
            )));
        }
        Ok(browse::Page {
            number,
            size: view::PAGE,
        })
    }

    pub(super) fn query(&self) -> &Form {
        &self.visit.query
    }
}

/// A view: reads, in one read-only snapshot, and makes a page of it.
pub(super) type View = fn(&Reader<'_>, &mut PgConnection) -> Result<Page, Trouble>;

impl Visit {
    /// Answers with a view.
    pub(super) async fn read(self, view: View) -> Response {
        let site = self.site.clone();
        let asked = Instant::now();
        blocking(&site, move |site| {
            let answer = site.0.pool.get().map_err(audit_schema::Error::from);
            let mut connection = match answer {
                Ok(connection) => connection,
                Err(error) => return self.trouble(Trouble::Failed(error.into()), None),
            };
            let read = metrics::in_one_snapshot(&mut connection, |connection| {
                let rights = browse::rights(connection)?;
                if !rights.installed || !rights.read {
                    return Ok(view::trouble::no_rights(&self, &rights));
                }
                let mark = browse::mark(connection, None)?.digest();
                let reader = Reader {
                    visit: &self,
                    zone: site.zone(connection)?,
                    rights,
                };
                let page = view(&reader, connection)?;
                Ok(html(StatusCode::OK, view::frame(&self, &page, Some(&mark))))
            });
            match read {
                Ok(answer) => answer,
                Err(trouble) => {
                    let rights = browse::rights(&mut connection).ok();
                    let late = asked.elapsed() >= site.0.options.statement_timeout;
                    if late && matches!(trouble, Trouble::Failed(_)) {
                        return view::trouble::late(&self);
                    }
                    self.trouble(trouble, rights.as_ref())
                }
            }
        })
        .await
    }

    /// Answers that something is in the way.
    pub(super) fn trouble(&self, trouble: Trouble, rights: Option<&Rights>) -> Response {
        view::trouble::show(self, trouble, rights)
    }
}

impl Site {
    pub(super) fn zone(&self, connection: &mut PgConnection) -> crate::Result<Tz> {
        Ok(match self.0.options.zone {
            Some(zone) => zone,
            None => metrics::time_zone(connection)?
                .and_then(|name| name.parse().ok())
                .unwrap_or(Tz::UTC),
        })
    }
}

/// How long a request waits for its turn.
const TURN: Duration = Duration::from_secs(5);

/// Does something that waits for the database, away from the threads that answer. As many run at a time as there are
/// connections; a request that waits too long for its turn is told to come back.
pub(super) async fn blocking(
    site: &Site,
    work: impl FnOnce(Site) -> Response + Send + 'static,
) -> Response {
    let turn = tokio::time::timeout(TURN, site.0.slots.clone().acquire_owned()).await;
    let Ok(Ok(turn)) = turn else {
        return guard::plain(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many requests at a time; try again in a moment.\n",
        );
    };
    let site = site.clone();
    let done = tokio::task::spawn_blocking(move || {
        let answer = work(site);
        drop(turn);
        answer
    });
    done.await.unwrap_or_else(|_| {
        guard::plain(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong here; the log of the server has more.\n",
        )
    })
}

/// A page as an answer.
pub(super) fn html(status: StatusCode, text: String) -> Response {
    (
        status,
        [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        )],
        text,
    )
        .into_response()
}
