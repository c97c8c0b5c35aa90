//! One POST over ureq: bounded in time and size, following nowhere, keeping secrets to itself.

use std::time::Duration;

use audit_core::SecretValue;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::channel::SendError;
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

/// A place that takes POSTs. Its address may hold a key, so it does not show it.
pub struct Http {
    agent: ureq::Agent,
    base_url: SecretValue,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: ureq::http::HeaderMap,
    pub(crate) body: String,
}

impl Http {
    /// Prepares to post to `base_url` and what lies below it. The proxy is the one that `environment` names as
    /// HTTPS_PROXY; addresses of this machine are reached without.
    ///
    /// # Errors
    /// When the proxy is not an address.
    pub fn new(
        base_url: &str,
        environment: &dyn Fn(&str) -> Option<String>,
        timeouts: Timeouts,
    ) -> Result<Self, ChannelError> {
        let proxy = match environment("HTTPS_PROXY")
            .filter(|proxy| !proxy.is_empty() && !is_local(base_url))
        {
            Some(proxy) => Some(ureq::Proxy::new(&proxy).map_err(|_| ChannelError::Proxy)?),
            None => None,
        };
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(proxy)
            .timeout_connect(Some(timeouts.connect))
            .timeout_global(Some(timeouts.total))
            .user_agent(concat!("audit-notify/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Http {
            agent,
            base_url: SecretValue::new(base_url.trim_end_matches('/')),
        })
    }

    /// Posts JSON. An answer of any status is an answer.
    pub(crate) fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, SendError> {
        let mut request = self
            .agent
            .post(format!("{}{path}", self.base_url.reveal()))
            .header("Content-Type", "application/json")
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
            body,
        })
    }

    fn unreachable(&self, error: &ureq::Error) -> SendError {
        let host = self
            .base_url
            .reveal()
            .split_once("://")
            .map_or("", |(_, rest)| rest);
        let host = host.split(['/', '?', '#']).next().unwrap_or_default();
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let reason = match error {
            ureq::Error::Timeout(_) => "it did not answer in time".to_owned(),
            ureq::Error::HostNotFound => "there is no such host".to_owned(),
            // An address that does not parse may hold the key that is in it.
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
                "its address can not be read".to_owned()
            }
            other => shorten(&other.to_string()),
        };
        SendError::Unreachable {
            error: format!("`{host}` could not be reached: {reason}"),
        }
    }
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
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
            .or_else(|| {
                let at = self.header("x-ratelimit-reset")?.trim().parse().ok()?;
                Some(DateTime::from_timestamp(at, 0)? - now)
            })
            .map(|wait| wait.clamp(TimeDelta::zero(), TimeDelta::days(1)))
    }

    /// What the status means when the provider says nothing more about it.
    pub(crate) fn failure(&self, said: &str, now: DateTime<Utc>) -> SendError {
        let status = Some(self.status);
        let said = shorten(said);
        let error = if said.is_empty() {
            format!("the provider answered {}", self.status)
        } else {
            format!("the provider answered {}: {said}", self.status)
        };
        match self.status {
            401 | 403 => SendError::Refused { status, error },
            // A redirect is not followed: it would take the key along. It may be a captive portal, so try again.
            300..=399 | 408 | 425 | 429 | 500..=599 => SendError::Later {
                status,
                error,
                retry_after: self.retry_after(now),
            },
            _ => SendError::Never { status, error },
        }
    }
}

impl std::fmt::Debug for Http {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Http").finish_non_exhaustive()
    }
}

fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn is_local(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    ["localhost", "127.", "[::1]"]
        .iter()
        .any(|host| rest.starts_with(host))
}
