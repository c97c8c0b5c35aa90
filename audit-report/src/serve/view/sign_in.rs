//! The form with which people sign in.

use axum::http::StatusCode;
use axum::response::Response;

use super::super::visit::{Page, Visit, html};
use super::frame;
use crate::page::Html;

pub(in super::super) fn show(visit: &Visit, status: StatusCode, wrong: &str) -> Response {
    let mut body = Html::new();
    if !wrong.is_empty() {
        body.put(
            "<div class=\"notice tone-critical\" role=\"alert\">{}</div>\n",
            &[&wrong],
        );
    }
    body.put(
        "<form class=\"narrow-form\" method=\"post\" action=\"/sign-in\">\
         <label>Your name<br><input type=\"text\" name=\"name\" required maxlength=\"100\" autocomplete=\"name\"></label>\
         <label>Token<br><input type=\"password\" name=\"token\" required maxlength=\"500\" autocomplete=\"current-password\"></label>\
         <div><button>Sign in</button></div></form>\n",
        &[],
    );
    let page = Page::new("Sign in", "/sign-in", body)
        .about("To act on alerts and on quarantine. What you do is recorded under your name.");
    html(status, frame(visit, &page, None))
}
