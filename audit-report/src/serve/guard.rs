//! What every request goes through: whom it is addressed to, how long it is, how long it may take; and the headers that keep
//! a browser from doing anything that this page does not mean.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::form::LONGEST_QUERY;
use super::session::{COOKIE, Session};
use super::{Options, Site};
use crate::error::{Error, Result};

/// Scripts, styles and pictures come from here and from nowhere else, and none of them from within a page.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// How long an answer may take. Statements end before.
const ANSWER: Duration = Duration::from_secs(30);

/// Under which names the page may be called.
pub(super) struct Origins {
    names: Vec<String>,
    /// Host and port of the public address, where that is reached over https.
    secure: Option<String>,
}

impl Origins {
    pub(super) fn new(options: &Options) -> Result<Self> {
        let mut names: Vec<String> = options
            .hosts
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .collect();
        let mut secure = None;
        if let Some(url) = &options.public_url {
            let wrong = || Error::Serve {
                reason: format!(
                    "`{url}` is no public address; expected one like https://audit.example.com, without a path"
                ),
            };
            let (scheme, authority) = url.split_once("://").ok_or_else(wrong)?;
            let authority = authority.trim_end_matches('/').to_ascii_lowercase();
            let named = !authority.is_empty()
                && authority.bytes().all(|byte| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']')
                });
            match (scheme, named) {
                ("https", true) => secure = Some(authority.clone()),
                ("http", true) => {}
                _ => return Err(wrong()),
            }
            names.push(name_of(&authority).to_owned());
        }
        Ok(Origins { names, secure })
    }

    /// A name that somebody else's name server leads here would make a stranger's page one with this; an address of the
    /// network can not be made to.
    fn may_be_called(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let name = name_of(&host);
        name == "localhost"
            || name.parse::<std::net::Ipv4Addr>().is_ok()
            || name
                .strip_prefix('[')
                .and_then(|name| name.strip_suffix(']'))
                .is_some_and(|name| name.parse::<std::net::Ipv6Addr>().is_ok())
            || self.names.iter().any(|known| known == name)
    }

    /// Whether whoever calls this host does so over https.
    pub(super) fn is_secure(&self, headers: &HeaderMap) -> bool {
        let host = host(headers).unwrap_or_default().to_ascii_lowercase();
        self.secure.as_ref().is_some_and(|secure| {
            *secure == host || name_of(secure) == name_of(&host) && !host.contains(':')
        })
    }

    /// Whether a form was sent by a page of ours. Browsers say where a form comes from, and no script can make them lie.
    pub(super) fn is_own(&self, headers: &HeaderMap) -> bool {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        match text(header::ORIGIN) {
            Some(origin) => {
                let scheme = if self.is_secure(headers) {
                    "https"
                } else {
                    "http"
                };
                origin.split_once("://").is_some_and(|(from, authority)| {
                    from == scheme
                        && host(headers).is_some_and(|host| host.eq_ignore_ascii_case(authority))
                })
            }
            None => text(HeaderName::from_static("sec-fetch-site")) == Some("same-origin"),
        }
    }
}

fn host(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::HOST).iter();
    let first = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(first)
}

/// The host without its port.
fn name_of(host: &str) -> &str {
    if host.starts_with('[') {
        return host.find(']').map_or(host, |end| &host[..=end]);
    }
    host.split_once(':').map_or(host, |(name, _)| name)
}

/// Whoever signed in.
pub(super) fn session_of(site: &Site, headers: &HeaderMap) -> Option<Session> {
    site.0.sessions.lock().ok()?.find(cookie(headers)?)
}

/// What the cookie of a session holds.
pub(super) fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, id)| id)
}

/// The first thing that looks at a request, and the last that touches an answer.
pub(super) async fn at_the_door(
    State(site): State<Site>,
    request: Request,
    next: Next,
) -> Response {
    let uri = request.uri();
    let answer = if !host(request.headers()).is_some_and(|host| site.0.origins.may_be_called(host))
    {
        plain(
            StatusCode::MISDIRECTED_REQUEST,
            "This page does not go by that name. Start it with --allow-host NAME or --public-url URL.\n",
        )
    } else if uri.query().is_some_and(|query| query.len() > LONGEST_QUERY)
        || uri.path().len() > LONGEST_QUERY
    {
        plain(StatusCode::URI_TOO_LONG, "That address is too long.\n")
    } else {
        next.run(request).await
    };
    with_headers(answer)
}

fn with_headers(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    for (name, value) in [
        ("content-security-policy", CONTENT_SECURITY_POLICY),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        // Forms then say where they come from, and no address leaves this host.
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), geolocation=(), microphone=()",
        ),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    answer
}

/// Gives up on an answer that takes too long.
pub(super) async fn in_time(State(_): State<Site>, request: Request, next: Next) -> Response {
    tokio::time::timeout(ANSWER, next.run(request))
        .await
        .unwrap_or_else(|_| {
            plain(
                StatusCode::GATEWAY_TIMEOUT,
                "The database did not answer in time.\n",
            )
        })
}

/// A few words for a program, or for a person where there is no page to show them on.
pub(super) fn plain(status: StatusCode, text: impl Into<String>) -> Response {
    (
        status,
        [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        )],
        text.into(),
    )
        .into_response()
}

pub(super) async fn method_not_allowed() -> Response {
    plain(
        StatusCode::METHOD_NOT_ALLOWED,
        "That can not be done with this address.\n",
    )
}

fn file(kind: &'static str, content: impl Into<axum::body::Body>) -> Response {
    (
        [
            (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
            (
                header::CACHE_CONTROL,
                HeaderValue::from_static("max-age=60"),
            ),
        ],
        content.into(),
    )
        .into_response()
}

pub(super) async fn style_sheet() -> Response {
    file(
        "text/css; charset=utf-8",
        crate::page::style_sheet(&crate::page::Look::Served),
    )
}

pub(super) async fn script() -> Response {
    file("text/javascript; charset=utf-8", include_str!("live.js"))
}

pub(super) async fn regular() -> Response {
    file("font/ttf", notosans::REGULAR_TTF)
}

pub(super) async fn bold() -> Response {
    file("font/ttf", notosans::BOLD_TTF)
}

pub(super) async fn icon() -> Response {
    file("image/svg+xml", include_str!("icon.svg"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(public_url: Option<&str>) -> Origins {
        Origins::new(&Options {
            public_url: public_url.map(str::to_owned),
            ..Options::new("")
        })
        .unwrap()
    }

    #[test]
    fn addresses_may_be_called_and_strange_names_may_not() {
        let origins = origins(Some("https://audit.example.com"));
        for host in [
            "127.0.0.1:8080",
            "localhost",
            "LOCALHOST:1",
            "[::1]:8080",
            "audit.example.com",
            "Audit.Example.com:443",
        ] {
            assert!(origins.may_be_called(host), "{host}");
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "",
            "[::1",
            "[evil]",
        ] {
            assert!(!origins.may_be_called(host), "{host}");
        }
    }

    #[test]
    fn a_form_comes_from_the_page_itself() {
        let origins = origins(Some("https://audit.example.com"));
        let own = |host: &'static str, origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            origins.is_own(&headers)
        };
        assert!(own("127.0.0.1:80", Some("http://127.0.0.1:80")));
        assert!(own("audit.example.com", Some("https://audit.example.com")));
        assert!(!own("audit.example.com", Some("http://audit.example.com")));
        assert!(!own("127.0.0.1:80", Some("http://127.0.0.1:81")));
        assert!(!own("127.0.0.1:80", Some("http://evil.example")));
        assert!(!own("127.0.0.1:80", Some("null")));
        assert!(!own("127.0.0.1:80", None));
    }

    #[test]
    fn an_address_with_a_path_is_no_public_address() {
        for url in ["audit.example.com", "ftp://a", "https://", "https://a/b"] {
            let options = Options {
                public_url: Some(url.to_owned()),
                ..Options::new("")
            };
            assert!(Origins::new(&options).is_err(), "{url}");
        }
    }
}
