//! What people do: they sign in, and act on alerts and on rows in quarantine. Every act needs a session, the secret of that
//! session in the form, and a form that was sent by this page; it is recorded under the name that the person signed in with.

use std::net::SocketAddr;

use audit_schema::context::{self, Context};
use audit_schema::quarantine::{self, Edit, Filter, Handled, Outcome, Release};
use audit_schema::{alert, browse};
use axum::body::Bytes;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use diesel::{Connection, PgConnection};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::form::Form;
use super::session::{COOKIE, LASTS, Session, same};
use super::visit::{Trouble, Visit, blocking};
use super::{guard, view};

/// The longest reason and the longest name.
const LONGEST_REASON: usize = 500;
const LONGEST_NAME: usize = 100;

/// Something that is done, and the word that the next page says of it.
type Act = fn(&mut PgConnection, Uuid, &Form) -> Result<&'static str, Trouble>;

pub(super) async fn acknowledge(visit: Visit, headers: HeaderMap, body: Bytes) -> Response {
    act(visit, &headers, &body, "alerts", |connection, id, form| {
        let clock = alert::clock(connection)?;
        alert::acknowledge(connection, id, &reason(form)?, clock)?;
        Ok("acknowledged")
    })
    .await
}

pub(super) async fn snooze(visit: Visit, headers: HeaderMap, body: Bytes) -> Response {
    act(visit, &headers, &body, "alerts", |connection, id, form| {
        let hours: i64 = form.parsed("for", "a number of hours")?.unwrap_or(1);
        if !(1..=24 * 31).contains(&hours) {
            return Err(Trouble::Bad(
                "`for` is a number of hours, up to 744".to_owned(),
            ));
        }
        let clock = alert::clock(connection)?;
        let until = clock + TimeDelta::hours(hours);
        alert::snooze(connection, id, until, &reason(form)?, clock)?;
        Ok("snoozed")
    })
    .await
}

pub(super) async fn resolve(visit: Visit, headers: HeaderMap, body: Bytes) -> Response {
    act(visit, &headers, &body, "alerts", |connection, id, form| {
        let clock = alert::clock(connection)?;
        alert::resolve(connection, id, &reason(form)?, clock)?;
        Ok("resolved")
    })
    .await
}

pub(super) async fn release(visit: Visit, headers: HeaderMap, body: Bytes) -> Response {
    act(
        visit,
        &headers,
        &body,
        "quarantine",
        |connection, id, form| {
            let options = Release {
                reason: Some(reason(form)?).filter(|reason| !reason.is_empty()),
                overwrite: form.is_on("overwrite"),
                dry_run: false,
            };
            came_of(&quarantine::release(
                connection,
                &Filter::one(id.to_string()),
                &options,
            )?)
        },
    )
    .await
}

pub(super) async fn discard(visit: Visit, headers: HeaderMap, body: Bytes) -> Response {
    act(
        visit,
        &headers,
        &body,
        "quarantine",
        |connection, id, form| {
            let filter = Filter::one(id.to_string());
            came_of(&quarantine::discard(
                connection,
                &filter,
                &reason(form)?,
                false,
            )?)
        },
    )
    .await
}

pub(super) async fn edit(visit: Visit, headers: HeaderMap, body: Bytes) -> Response {
    act(
        visit,
        &headers,
        &body,
        "quarantine",
        |connection, id, form| {
            let patch = patch(form);
            if patch.is_empty() {
                return Ok("unchanged");
            }
            let options = Edit {
                reason: Some(reason(form)?).filter(|reason| !reason.is_empty()),
                dry_run: false,
            };
            let filter = Filter::one(id.to_string());
            came_of(&quarantine::edit(
                connection,
                &filter,
                &Value::Object(patch),
                &options,
            )?)
        },
    )
    .await
}

/// The fields that the person changed: what differs from what the form was filled with.
fn patch(form: &Form) -> Map<String, Value> {
    let mut patch = Map::new();
    for place in 0.. {
        let field = |letter: &str| form.exact(&format!("{letter}{place}"));
        let Some(name) = field("n") else {
            // A field too long to be edited has no name here; the next one may.
            if place > 2_000 {
                break;
            }
            continue;
        };
        let (was, is) = (
            field("w").unwrap_or_default(),
            field("f").unwrap_or_default(),
        );
        let (was_null, is_null) = (field("z").is_some(), field("o").is_some());
        // Whoever types into a field that is null means what was typed.
        let typed = was != is;
        if is_null && !(was_null && typed) {
            if !was_null {
                patch.insert(name.to_owned(), Value::Null);
            }
        } else if typed || was_null {
            patch.insert(name.to_owned(), Value::String(is.to_owned()));
        }
    }
    patch
}

fn came_of(handled: &[Handled]) -> Result<&'static str, Trouble> {
    let Some(row) = handled.first() else {
        return Err(Trouble::NotFound);
    };
    match row.outcome {
        Outcome::Edited => Ok("edited"),
        Outcome::Unchanged => Ok("unchanged"),
        Outcome::Released => Ok("released"),
        Outcome::Discarded => Ok("discarded"),
        Outcome::Unknown => Err(Trouble::NotFound),
        Outcome::Refused => {
            let reasons: Vec<String> = row
                .reasons
                .iter()
                .map(|reason| format!("{}: {}", reason.name, reason.message))
                .collect();
            Err(Trouble::Refused(reasons))
        }
        other => Err(Trouble::Conflict(format!("The row was {}.", other.name()))),
    }
}

fn reason(form: &Form) -> Result<String, Trouble> {
    let reason = form.get("reason").unwrap_or_default();
    if reason.chars().count() > LONGEST_REASON || reason.contains('\0') {
        return Err(Trouble::Bad(format!(
            "a reason has {LONGEST_REASON} letters at most"
        )));
    }
    Ok(reason.to_owned())
}

/// Checks that whoever sends a form may, does it under the name of the person, and leads back to what it was done with.
async fn act(
    visit: Visit,
    headers: &HeaderMap,
    body: &Bytes,
    what: &'static str,
    act: Act,
) -> Response {
    let (session, form) = match allowed(&visit, headers, body) {
        Ok(allowed) => allowed,
        Err(trouble) => return visit.trouble(trouble, None),
    };
    let site = visit.site.clone();
    blocking(&site, move |site| {
        let Some(id) = visit.id.as_deref().and_then(|id| id.parse::<Uuid>().ok()) else {
            return visit.trouble(Trouble::NotFound, None);
        };
        let mut connection = match site.0.pool.get().map_err(audit_schema::Error::from) {
            Ok(connection) => connection,
            Err(error) => return visit.trouble(Trouble::Failed(error.into()), None),
        };
        let rights = match browse::rights(&mut connection) {
            Ok(rights) => rights,
            Err(error) => return visit.trouble(Trouble::Failed(error.into()), None),
        };
        let may = match what {
            "alerts" => rights.act_on_alerts,
            _ => rights.act_on_quarantine,
        };
        if !may {
            let why = format!(
                "The role {}, as which this page works, may only read; it needs audit_operator.",
                rights.role
            );
            return visit.trouble(Trouble::Forbidden(why), None);
        }
        let mut refused = None;
        let done = connection.transaction(|connection| {
            context::set(
                connection,
                &Context {
                    actor: Some(session.name.clone()),
                    ..Context::default()
                },
            )?;
            match act(connection, id, &form) {
                // That a release was refused is part of the record, so it is kept.
                Err(Trouble::Refused(reasons)) => {
                    refused = Some(reasons);
                    Ok("refused")
                }
                other => other,
            }
        });
        match (done, refused) {
            (Ok(_), Some(reasons)) => visit.trouble(
                Trouble::Conflict(format!(
                    "The row stays where it is.\n{}",
                    reasons.join("\n")
                )),
                Some(&rights),
            ),
            (Ok(word), None) => {
                tracing::info!(person = session.name, %id, word, "somebody acted");
                see(&format!("/{what}/{id}?done={word}"))
            }
            (Err(trouble), _) => visit.trouble(trouble, Some(&rights)),
        }
    })
    .await
}

/// Whose form it is, if it may be acted on.
fn allowed(visit: &Visit, headers: &HeaderMap, body: &[u8]) -> Result<(Session, Form), Trouble> {
    if visit.site.0.options.token.is_none() {
        return Err(Trouble::Forbidden(
            "This page is read-only: it was started without a token.".to_owned(),
        ));
    }
    let form = own_form(visit, headers, body)?;
    let session = visit
        .session
        .clone()
        .ok_or_else(|| Trouble::Forbidden("Sign in first.".to_owned()))?;
    if !same(form.exact("secret").unwrap_or_default(), &session.secret) {
        return Err(Trouble::Forbidden(
            "The form belongs to another session. Load the page again.".to_owned(),
        ));
    }
    Ok((session, form))
}

fn own_form(visit: &Visit, headers: &HeaderMap, body: &[u8]) -> Result<Form, Trouble> {
    if !visit.site.0.origins.is_own(headers) {
        return Err(Trouble::Forbidden(
            "The form was not sent by this page.".to_owned(),
        ));
    }
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(Trouble::Bad("That is no form.".to_owned()));
    }
    Ok(Form::read(body))
}

pub(super) async fn sign_in_form(visit: Visit) -> Response {
    if visit.site.0.options.token.is_none() {
        return visit.trouble(
            Trouble::Forbidden(
                "This page is read-only: it was started without a token.".to_owned(),
            ),
            None,
        );
    }
    view::sign_in::show(&visit, StatusCode::OK, "")
}

pub(super) async fn sign_in(
    visit: Visit,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let site = visit.site.clone();
    let Some(token) = &site.0.options.token else {
        return sign_in_form(visit).await;
    };
    let form = match own_form(&visit, &headers, &body) {
        Ok(form) => form,
        Err(trouble) => return visit.trouble(trouble, None),
    };
    let name = form.get("name").unwrap_or_default().to_owned();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control)
    {
        return view::sign_in::show(
            &visit,
            StatusCode::BAD_REQUEST,
            "Say who you are, in one line of up to 100 letters.",
        );
    }
    let Ok(mut sessions) = site.0.sessions.lock() else {
        return guard::plain(StatusCode::INTERNAL_SERVER_ERROR, "Nobody can sign in.\n");
    };
    if !sessions.may_try(peer.ip()) {
        drop(sessions);
        return visit.trouble(Trouble::TooOften, None);
    }
    if !same(form.exact("token").unwrap_or_default(), token.reveal()) {
        sessions.has_failed(peer.ip());
        drop(sessions);
        tracing::warn!(%peer, "somebody tried a wrong token");
        return view::sign_in::show(&visit, StatusCode::FORBIDDEN, "That is not the token.");
    }
    let id = sessions.begin(&name);
    drop(sessions);
    tracing::info!(person = name, %peer, "somebody signed in");
    let mut answer = see("/?done=signed-in");
    set_cookie(
        &mut answer,
        &id,
        LASTS.as_secs(),
        site.0.origins.is_secure(&headers),
    );
    answer
}

pub(super) async fn sign_out(visit: Visit, headers: HeaderMap, body: Bytes) -> Response {
    if let Err(trouble) = allowed(&visit, &headers, &body) {
        return visit.trouble(trouble, None);
    }
    if let (Some(id), Ok(mut sessions)) = (guard::cookie(&headers), visit.site.0.sessions.lock()) {
        sessions.end(id);
    }
    let mut answer = see("/?done=signed-out");
    set_cookie(&mut answer, "", 0, visit.site.0.origins.is_secure(&headers));
    answer
}

fn set_cookie(answer: &mut Response, id: &str, seconds: u64, secure: bool) {
    let secure = if secure { "; Secure" } else { "" };
    let cookie =
        format!("{COOKIE}={id}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        answer.headers_mut().insert(header::SET_COOKIE, value);
    }
}

/// Leads to another page, which is then asked for and not sent to.
fn see(address: &str) -> Response {
    match HeaderValue::from_str(address) {
        Ok(address) => (StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response(),
        Err(_) => StatusCode::SEE_OTHER.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changed_fields_are_patched() {
        let form = Form::read(
            b"n0=id&w0=1&f0=1&n1=amount&w1=-5&f1=5&n2=note&w2=&f2=&z2=on&o2=on&n3=day&w3=x&f3=x&o3=on&n4=gone&w4=&f4=y&z4=on&o4=on",
        );
        assert_eq!(
            Value::Object(patch(&form)),
            serde_json::json!({ "amount": "5", "day": null, "gone": "y" })
        );
    }
}
