//! One POST over ureq: bounded in time and size, following nowhere, keeping secrets to itself.

use std::time::Duration;

use audit_core::SecretValue;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use ureq::tls::TlsConfig;
use ureq::unversioned::transport::DefaultConnector;

use super::authorities::Authorities;
use super::private::{self, IsPrivate, PublicOnly};
use crate::channel::{Envelope, SendError};
use crate::error::ChannelError;

/// More than this of an answer nobody needs to read.
const MOST_BYTES: u64 = 64 * 1024;

/// More than this of an error message nobody reads.
const MOST_CHARACTERS: usize = 300;

/// How patient a request is.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect: Duration,
    /// Until the answer is complete.
    pub total: Duration,
}

impl Default for Timeouts {
    /// 5 and 30 seconds.
    fn default() -> Self {
        Timeouts {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(30),
        }
    }
}

/// How the outside is reached.
#[derive(Clone, Copy)]
pub struct Reach<'a> {
    /// Finds a variable of the environment; HTTPS_PROXY names the proxy, if there is one.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// How patient requests are.
    pub timeouts: Timeouts,
    /// Whether an address may be one of a private network, or of this machine.
    pub allow_private: bool,
    /// A file with the certificates of those who vouch for the other side; the public authorities if nothing is said.
    pub ca: Option<&'a str>,
}

/// A place that takes POSTs. Its address may hold a key, so it does not show it.
pub struct Http {
    agent: ureq::Agent,
    base_url: SecretValue,
    /// What must not show in anything that the provider says.
    secrets: Vec<SecretValue>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: ureq::http::HeaderMap,
    pub(crate) body: String,
}

impl Http {
    /// Prepares to post to `base_url` and what lies below it. Addresses of this machine are reached without a proxy.
    ///
    /// # Errors
    /// When the address is a private one and must not be, the proxy is not an address, or there are no such certificates.
    pub fn new(base_url: &str, reach: Reach<'_>) -> Result<Self, ChannelError> {
        let host = host(base_url);
        // Names are looked at once they are resolved, at every request. A proxy resolves them by itself.
        let is_private = private::is_private_host(host);
        if is_private && !reach.allow_private {
            return Err(ChannelError::PrivateAddress {
                host: host.to_owned(),
            });
        }
        let proxy = match (reach.environment)("HTTPS_PROXY")
            .filter(|proxy| !proxy.is_empty() && !private::is_this_machine(host))
        {
            Some(proxy) => Some(ureq::Proxy::new(&proxy).map_err(|_| ChannelError::Proxy)?),
            None => None,
        };
        let resolver = PublicOnly::unless(reach.allow_private || proxy.is_some());
        let authorities = reach.ca.map(Authorities::read).transpose()?;
        let tls = authorities.map_or_else(TlsConfig::default, |authorities| {
            TlsConfig::builder()
                .root_certs(authorities.for_http())
                .build()
        });
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(proxy)
            .timeout_connect(Some(reach.timeouts.connect))
            .timeout_global(Some(reach.timeouts.total))
            .user_agent(concat!("audit-notify/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Http {
            agent: ureq::Agent::with_parts(config, DefaultConnector::default(), resolver),
            base_url: SecretValue::new(base_url.trim_end_matches('/')),
            secrets: Vec::new(),
        })
    }

    /// Takes a secret out of whatever the provider says.
    #[must_use]
    pub fn hiding(mut self, secret: &SecretValue) -> Self {
        self.secrets.push(secret.clone());
        self
    }

    /// The host of the address, with the port if there is one, as a signature needs it.
    pub(crate) fn authority(&self) -> &str {
        authority(self.base_url.reveal())
    }

    /// Posts JSON. An answer of any status is an answer.
    pub(crate) fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, SendError> {
        self.post_as("application/json", path, headers, body)
    }

    /// Posts something.
    pub(crate) fn post_as(
        &self,
        content_type: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, SendError> {
        let mut request = self
            .agent
            .post(format!("{}{path}", self.base_url.reveal()))
            .header("Content-Type", content_type)
            .header("Accept", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = request
            .send(body)
            .map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        // Whoever accepted a message has done so, whatever becomes of the rest of the answer.
        let body = response
            .body_mut()
            .with_config()
            .limit(MOST_BYTES)
            .lossy_utf8(true)
            .read_to_string();
        let body = match body {
            Ok(body) => body,
            Err(_) if (200..300).contains(&status) => String::new(),
            Err(ureq::Error::BodyExceedsLimit(_)) => String::new(),
            Err(error) => return Err(self.unreachable(&error)),
        };
        Ok(Answer {
            status,
            headers,
            body: self.hidden(body),
        })
    }

    fn hidden(&self, mut text: String) -> String {
        for secret in &self.secrets {
            // What is shorter is no secret, and is part of many words.
            if secret.reveal().len() >= 6 {
                text = text.replace(secret.reveal(), "(secret)");
            }
        }
        text
    }

    fn unreachable(&self, error: &ureq::Error) -> SendError {
        let host = self.authority();
        let reason = match error {
            ureq::Error::Other(other) if other.is::<IsPrivate>() => {
                return SendError::Refused {
                    status: None,
                    error: format!(
                        "`{host}` is in a private network, and the channel does not say `allow_private: true`"
                    ),
                };
            }
            ureq::Error::Timeout(_) => "it did not answer in time".to_owned(),
            ureq::Error::HostNotFound => "there is no such host".to_owned(),
            // An address that does not parse may hold the key that is in it.
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                "its address can not be read".to_owned()
            }
            other => distrusted(&other.to_string())
                .unwrap_or_else(|| shorten(&self.hidden(other.to_string()))),
        };
        SendError::Unreachable {
            error: format!("`{host}` could not be reached: {reason}"),
        }
    }
}

/// Sends with the picture, and once more without it if that was too large.
pub(crate) fn smaller(
    envelope: &Envelope<'_>,
    mut post: impl FnMut(Option<&[u8]>) -> Result<Answer, SendError>,
) -> Result<Answer, SendError> {
    let answer = post(envelope.picture)?;
    if answer.is_too_large() && envelope.picture.is_some() {
        return post(None);
    }
    Ok(answer)
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// SES says so with 400.
    fn is_too_large(&self) -> bool {
        self.status == 413 || (self.status == 400 && self.body.contains("Message length is more"))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// How long the provider asks to wait: Retry-After in seconds or as a date, and the reset headers of rate limits.
    pub(crate) fn retry_after(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        let seconds = |text: &str| text.trim().parse().ok().and_then(TimeDelta::try_seconds);
        self.header("retry-after")
            .and_then(|text| {
                seconds(text).or_else(|| {
                    Some(DateTime::parse_from_rfc2822(text).ok()?.with_timezone(&Utc) - now)
                })
            })
            .or_else(|| self.header("ratelimit-reset").and_then(seconds))
            .or_else(|| self.header("x-sib-ratelimit-reset").and_then(seconds))
            .or_else(|| {
                let at = self.header("x-ratelimit-reset")?.trim().parse().ok()?;
                Some(DateTime::from_timestamp(at, 0)? - now)
            })
            .map(|wait| wait.clamp(TimeDelta::zero(), TimeDelta::days(1)))
    }

    /// The status, and what the provider said, in one line.
    pub(crate) fn in_words(&self, said: &str) -> String {
        match shorten(said).as_str() {
            "" => format!("the provider answered {}", self.status),
            said => format!("the provider answered {}: {said}", self.status),
        }
    }

    /// Nothing can be sent until somebody changes something.
    pub(crate) fn refused(&self, said: &str) -> SendError {
        SendError::Refused {
            status: Some(self.status),
            error: self.in_words(said),
        }
    }

    /// It may work later: not before `at_least`, where the provider asks for less or says nothing.
    pub(crate) fn later(&self, said: &str, now: DateTime<Utc>, at_least: TimeDelta) -> SendError {
        let hint = self.retry_after(now);
        SendError::Later {
            status: Some(self.status),
            error: self.in_words(said),
            retry_after: (hint.is_some() || !at_least.is_zero())
                .then(|| hint.unwrap_or_default().max(at_least)),
        }
    }

    /// What the status means when the provider says nothing more about it.
    pub(crate) fn failure(&self, said: &str, now: DateTime<Utc>) -> SendError {
        let status = Some(self.status);
        let error = self.in_words(said);
        match self.status {
            401 | 403 => SendError::Refused { status, error },
            // A redirect is not followed: it would take the key along. It may be a captive portal, so try again.
            300..=399 | 408 | 425 | 429 | 500..=599 => self.later(said, now, TimeDelta::zero()),
            _ => SendError::Never { status, error },
        }
    }
}

impl std::fmt::Debug for Http {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Http").finish_non_exhaustive()
    }
}

/// What is wrong with a certificate, if that is what an error says. It may be right again soon, so it is like not answering:
/// a portal in the way must not put all channels out of use.
pub(super) fn distrusted(error: &str) -> Option<String> {
    let (_, why) = error.split_once("invalid peer certificate: ")?;
    Some(shorten(&format!("its certificate is not trusted: {why}")))
}

/// One line that is not too long for an error.
pub(super) fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    shorten_to(&line, MOST_CHARACTERS)
}

/// Cuts a text that is longer than so many characters, and says so with one more.
pub(super) fn shorten_to(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority
        .rsplit_once('@')
        .map_or(authority, |(_, authority)| authority)
}

/// The host of an address, without its port and without the brackets of an IPv6 address.
fn host(url: &str) -> &str {
    let authority = authority(url);
    match authority
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((host, _)) => host,
        None => authority
            .split_once(':')
            .map_or(authority, |(host, _)| host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leads_to_a_private_address_is_refused() {
        let http = Http {
            agent: ureq::Agent::with_parts(
                ureq::config::Config::default(),
                DefaultConnector::default(),
                PublicOnly::unless(false),
            ),
            // As a name of a zone of somebody's own would, it resolves to an address of this machine.
            base_url: SecretValue::new("http://localhost:9"),
            secrets: Vec::new(),
        };
        let Err(SendError::Refused {
            status: None,
            error,
        }) = http.post("/", &[], b"{}")
        else {
            panic!("it was not refused");
        };
        assert_eq!(
            error,
            "`localhost:9` is in a private network, and the channel does not say `allow_private: true`"
        );
    }

    #[test]
    fn a_host_is_found_in_an_address() {
        for (url, found) in [
            ("https://api.example.com/v3", "api.example.com"),
            ("http://user:key@example.com:8080/x", "example.com"),
            ("http://[::1]:80", "::1"),
            ("http://127.0.0.1?x", "127.0.0.1"),
        ] {
            assert_eq!(host(url), found);
        }
    }
}
