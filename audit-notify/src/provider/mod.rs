//! The wire formats: one file for each provider, and what they share.

mod file;
mod http;
mod resend;
mod sendgrid;
mod webhook;

use audit_core::Provider;
use serde_json::Value;

pub use file::File;
pub use http::{Http, Timeouts};
pub use resend::Resend;
pub use sendgrid::SendGrid;
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
    Ok(match provider {
        Provider::Resend {
            from,
            to,
            api_key,
            base_url,
        } => {
            let base_url = base_url.map(|url| url.resolve(environment)).transpose()?;
            let base_url = base_url
                .as_ref()
                .map_or(resend::BASE_URL, |url| url.reveal());
            let http = Http::new(base_url, environment, timeouts)?;
            Box::new(Resend::new(http, from, to, api_key.resolve(environment)?))
        }
        Provider::SendGrid {
            from,
            to,
            api_key,
            base_url,
        } => {
            let base_url = base_url.map(|url| url.resolve(environment)).transpose()?;
            let base_url = base_url
                .as_ref()
                .map_or(sendgrid::BASE_URL, |url| url.reveal());
            let http = Http::new(base_url, environment, timeouts)?;
            Box::new(SendGrid::new(http, from, to, api_key.resolve(environment)?))
        }
        Provider::Webhook { url, secret } => {
            let http = Http::new(url.resolve(environment)?.reveal(), environment, timeouts)?;
            Box::new(Webhook::new(http, &secret.resolve(environment)?)?)
        }
        Provider::File { directory } => Box::new(File::new(directory)),
        _ => return Err(unknown()),
    })
}
