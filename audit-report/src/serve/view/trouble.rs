//! Pages for when there is nothing else to show: each says what is the case, and what to do.

use audit_schema::browse::Rights;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::super::visit::{Page, Trouble, Visit, html};
use super::frame;
use crate::page::Html;

fn page(visit: &Visit, status: StatusCode, title: &'static str, words: &[&str]) -> Response {
    let mut body = Html::new();
    body.put("<div class=\"empty\">", &[]);
    for line in words {
        body.put("<p>", &[]).lines(line).put("</p>", &[]);
    }
    body.put("</div>\n", &[]);
    // An open page finds out by itself when the database is back.
    let mark = (status == StatusCode::SERVICE_UNAVAILABLE).then_some("none");
    let mut answer = html(status, frame(visit, &Page::new(title, "", body), mark));
    if matches!(
        status,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
    ) {
        answer
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    answer
}

/// The role that this page logs in as may not read.
pub(in super::super) fn no_rights(visit: &Visit, rights: &Rights) -> Response {
    if !rights.installed {
        return page(
            visit,
            StatusCode::SERVICE_UNAVAILABLE,
            "The pipeline is not installed",
            &["This database has no pipeline. Install it with `audit migrate`."],
        );
    }
    let name = &rights.role;
    page(
        visit,
        StatusCode::FORBIDDEN,
        "A right is missing",
        &[
            &format!("The role {name}, as which this page reads, may not read the pipeline."),
            &format!(
                "Somebody who may should run: grant audit_reader to \"{}\";",
                name.replace('"', "\"\"")
            ),
        ],
    )
}

/// A statement took longer than it may.
pub(in super::super) fn late(visit: &Visit) -> Response {
    page(
        visit,
        StatusCode::GATEWAY_TIMEOUT,
        "That took too long",
        &[
            "The database did not answer in time. Ask for less, for example for one table, or try again.",
        ],
    )
}

pub(in super::super) fn show(visit: &Visit, trouble: Trouble, rights: Option<&Rights>) -> Response {
    match trouble {
        Trouble::NotFound => page(
            visit,
            StatusCode::NOT_FOUND,
            "There is nothing here",
            &[
                "What was here may no longer be watched or in force. The search finds what there is.",
            ],
        ),
        Trouble::Bad(why) => page(
            visit,
            StatusCode::BAD_REQUEST,
            "That can not be asked",
            &[&why],
        ),
        Trouble::Forbidden(why) => {
            page(visit, StatusCode::FORBIDDEN, "That is not allowed", &[&why])
        }
        Trouble::TooOften => page(
            visit,
            StatusCode::TOO_MANY_REQUESTS,
            "Too many attempts",
            &["A wrong token was tried too often. Wait five minutes."],
        ),
        Trouble::Conflict(why) => page(visit, StatusCode::CONFLICT, "It was not done", &[&why]),
        Trouble::Refused(why) => page(
            visit,
            StatusCode::CONFLICT,
            "It was not done",
            &[&why.join("\n")],
        ),
        Trouble::Failed(error) => failed(visit, &error, rights),
    }
}

fn failed(visit: &Visit, error: &crate::Error, rights: Option<&Rights>) -> Response {
    use audit_schema::Error as Database;
    if let crate::Error::Database(Database::Refused {
        message,
        detail,
        hint,
        ..
    }) = error
    {
        let words: Vec<&str> = [Some(message), detail.as_ref(), hint.as_ref()]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        return page(visit, StatusCode::CONFLICT, "The database refused", &words);
    }
    let Some(rights) = rights else {
        tracing::warn!(error = %chain(error), "the database can not be reached");
        return page(
            visit,
            StatusCode::SERVICE_UNAVAILABLE,
            "The database does not answer",
            &["This page tries again by itself."],
        );
    };
    if !rights.installed || !rights.read {
        return no_rights(visit, rights);
    }
    let chain = chain(error);
    tracing::error!(error = %chain, path = visit.path, "a page could not be made");
    page(
        visit,
        StatusCode::INTERNAL_SERVER_ERROR,
        "Something went wrong here",
        &[
            "The log of this server says more. If a right is missing, grant it and try again.",
            &format!("It reads as the role {}.", rights.role),
        ],
    )
}

fn chain(error: &crate::Error) -> String {
    std::iter::successors(Some(error as &dyn std::error::Error), |error| {
        error.source()
    })
    .map(ToString::to_string)
    .collect::<Vec<_>>()
    .join(": ")
}
