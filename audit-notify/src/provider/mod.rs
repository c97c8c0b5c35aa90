//! The wire formats: one file for each provider, and what they share.

mod address;
mod authorities;
mod brevo;
mod file;
mod http;
mod mailgun;
mod mime;
mod pagerduty;
mod postmark;
mod private;
mod resend;
mod sendgrid;
mod ses;
mod sigv4;
mod slack;
mod smtp;
mod webhook;

use audit_core::{Mail, MailApi, Place, Provider, SecretValue};
use serde_json::Value;

pub use authorities::Authorities;
pub use brevo::Brevo;
pub use file::File;
pub use http::{Http, Reach, Timeouts};
pub use mailgun::Mailgun;
pub use pagerduty::PagerDuty;
pub use postmark::Postmark;
pub use resend::Resend;
pub use sendgrid::SendGrid;
pub use ses::{Credentials, Ses};
pub use slack::Slack;
pub use smtp::{Server, Smtp};
pub use webhook::{Webhook, sign};

use crate::channel::Channel;
use crate::error::ChannelError;

/// Makes a channel from what the database stores. Secrets are looked up now: `environment` finds variables.
///
/// # Examples
///
/// ```
/// use audit_notify::Channel;
/// use audit_notify::provider::{Timeouts, open};
///
/// let definition = serde_json::json!({ "resend": {
///     "from": "Audit <audit@example.com>", "to": ["ops@example.com"], "api_key": { "env": "RESEND_API_KEY" },
/// }});
/// let channel = open("resend", &definition, &|_| Some("re_secret".to_owned()), Timeouts::default())?;
/// assert_eq!(channel.recipients(), ["ops@example.com"]);
/// assert!(!format!("{channel:?}").contains("re_secret"));
/// # Ok::<(), audit_notify::error::ChannelError>(())
/// ```
///
/// # Errors
/// [`ChannelError`] when the definition does not fit, or a secret is missing.
pub fn open(
    provider: &str,
    definition: &Value,
    environment: &dyn Fn(&str) -> Option<String>,
    timeouts: Timeouts,
) -> Result<Box<dyn Channel>, ChannelError> {
    let unknown = || ChannelError::Provider {
        provider: provider.to_owned(),
    };
    if !Provider::NAMES.contains(&provider) {
        return Err(unknown());
    }
    let provider: Provider =
        serde_json::from_value(definition.clone()).map_err(ChannelError::Definition)?;
    let reach = Reach {
        environment,
        timeouts,
        allow_private: false,
        ca: None,
    };
    Ok(match provider {
        Provider::Resend(api) => {
            let api = Api::of(api, resend::BASE_URL, reach)?;
            Box::new(Resend::new(api.http, api.mail, api.key))
        }
        Provider::SendGrid {
            api,
            region,
            sandbox,
        } => {
            let api = Api::of(api, sendgrid::base_url(region), reach)?;
            Box::new(SendGrid::new(api.http, api.mail, api.key, sandbox))
        }
        Provider::Postmark {
            api,
            stream,
            sandbox,
        } => {
            let api = Api::of(api, postmark::BASE_URL, reach)?;
            Box::new(Postmark::new(api.http, api.mail, api.key, stream, sandbox))
        }
        Provider::Mailgun {
            api,
            domain,
            region,
            sandbox,
        } => {
            let api = Api::of(api, mailgun::base_url(region), reach)?;
            Box::new(Mailgun::new(api.http, api.mail, domain, api.key, sandbox))
        }
        Provider::Brevo { api, sandbox } => {
            let api = Api::of(api, brevo::BASE_URL, reach)?;
            Box::new(Brevo::new(api.http, api.mail, api.key, sandbox))
        }
        Provider::Ses {
            mail,
            region,
            access_key_id,
            secret_access_key,
            session_token,
            configuration_set,
            place,
        } => {
            let credentials = Credentials {
                access_key_id: access_key_id.resolve(environment)?,
                secret_access_key: secret_access_key.resolve(environment)?,
                session_token: session_token
                    .map(|token| token.resolve(environment))
                    .transpose()?,
            };
            let http = http(&place, &ses::base_url(&region), reach)?;
            Box::new(Ses::new(http, mail, region, credentials, configuration_set))
        }
        Provider::Slack {
            url,
            allow_private,
            ca,
        } => {
            let url = url.resolve(environment)?;
            let reach = Reach {
                allow_private,
                ca: ca.as_deref(),
                ..reach
            };
            Box::new(Slack::new(Http::new(url.reveal(), reach)?, &url))
        }
        Provider::PagerDuty {
            routing_key,
            region,
            place,
        } => {
            let http = http(&place, pagerduty::base_url(region), reach)?;
            Box::new(PagerDuty::new(http, routing_key.resolve(environment)?))
        }
        Provider::Webhook {
            url,
            secret,
            allow_private,
            ca,
        } => {
            let reach = Reach {
                allow_private,
                ca: ca.as_deref(),
                ..reach
            };
            let http = Http::new(url.resolve(environment)?.reveal(), reach)?;
            Box::new(Webhook::new(http, &secret.resolve(environment)?)?)
        }
        Provider::Smtp {
            mail,
            host,
            port,
            tls,
            ca,
            user,
            password,
        } => {
            let login = match (user, password) {
                (Some(user), Some(password)) => {
                    Some((user.resolve(environment)?, password.resolve(environment)?))
                }
                _ => None,
            };
            let server = Server {
                host,
                port,
                tls,
                authorities: ca.as_deref().map(Authorities::read).transpose()?,
                login,
                timeouts,
            };
            Box::new(Smtp::new(server, mail)?)
        }
        Provider::File { directory } => Box::new(File::new(directory)),
        Provider::Custom {} => return Err(ChannelError::Custom),
        _ => return Err(unknown()),
    })
}

/// What all mail APIs with a key need, with its secrets looked up.
struct Api {
    http: Http,
    mail: Mail,
    key: SecretValue,
}

impl Api {
    fn of(api: MailApi, usual: &str, reach: Reach<'_>) -> Result<Self, ChannelError> {
        Ok(Api {
            http: http(&api.place, usual, reach)?,
            mail: api.mail,
            key: api.api_key.resolve(reach.environment)?,
        })
    }
}

fn http(place: &Place, usual: &str, reach: Reach<'_>) -> Result<Http, ChannelError> {
    let reach = Reach {
        allow_private: place.allow_private,
        ca: place.ca.as_deref(),
        ..reach
    };
    match &place.base_url {
        Some(url) => Http::new(url.resolve(reach.environment)?.reveal(), reach),
        None => Http::new(usual, reach),
    }
}
