//! Channels: where messages go, and through whom.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Secret, Setting};

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// The name by which routes call it.
    pub name: String,
    /// Through whom.
    pub provider: Provider,
    /// How many messages a minute at most; the last of them speaks for all that follow.
    pub per_minute: u32,
    /// How many messages a second are sent to the provider; `None` means as fast as they are taken.
    pub per_second: Option<u32>,
}

impl Channel {
    /// How many messages a minute a channel gets, unless it says otherwise.
    pub const PER_MINUTE: u32 = 10;
}

/// Through whom messages go. Serialised, it is what the database stores as the definition of the channel.
///
/// # Examples
///
/// ```
/// use audit_core::{Mail, MailApi, Place, Provider, Secret};
///
/// let provider = Provider::Resend(MailApi {
///     mail: Mail {
///         from: "Audit <audit@example.com>".to_owned(),
///         to: vec!["ops@example.com".to_owned()],
///         ..Mail::default()
///     },
///     api_key: Secret::Env("RESEND_API_KEY".to_owned()),
///     place: Place::default(),
/// });
/// assert_eq!(
///     serde_json::to_value(&provider).unwrap(),
///     serde_json::json!({ "resend": {
///         "from": "Audit <audit@example.com>",
///         "to": ["ops@example.com"],
///         "api_key": { "env": "RESEND_API_KEY" },
///     }})
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Provider {
    /// E-mail through Resend.
    Resend(MailApi),
    /// E-mail through SendGrid.
    SendGrid {
        /// What all mail APIs need.
        #[serde(flatten)]
        api: MailApi,
        /// Where the account is.
        #[serde(default, skip_serializing_if = "is_default")]
        region: Region,
        /// Whether messages are only checked and not delivered.
        #[serde(default, skip_serializing_if = "is_default")]
        sandbox: bool,
    },
    /// E-mail through Postmark. The key is the token of a server.
    Postmark {
        /// What all mail APIs need.
        #[serde(flatten)]
        api: MailApi,
        /// The message stream; `outbound` if nothing else is said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stream: Option<String>,
        /// Whether messages are only checked and not delivered.
        #[serde(default, skip_serializing_if = "is_default")]
        sandbox: bool,
    },
    /// E-mail through Mailgun.
    Mailgun {
        /// What all mail APIs need.
        #[serde(flatten)]
        api: MailApi,
        /// The domain that sends.
        domain: String,
        /// Where the domain is.
        #[serde(default, skip_serializing_if = "is_default")]
        region: Region,
        /// Whether messages are only checked and not delivered.
        #[serde(default, skip_serializing_if = "is_default")]
        sandbox: bool,
    },
    /// E-mail through Amazon SES, version 2 of its API.
    Ses {
        /// Who sends, and who receives.
        #[serde(flatten)]
        mail: Mail,
        /// The region of AWS, such as `eu-west-1`.
        region: String,
        /// The name of the key.
        access_key_id: Setting,
        /// The key.
        secret_access_key: Secret,
        /// What goes with temporary credentials.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session_token: Option<Secret>,
        /// The configuration set that messages belong to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        configuration_set: Option<String>,
        /// Where to, if not to AWS.
        #[serde(flatten)]
        place: Place,
    },
    /// E-mail through Brevo.
    Brevo {
        /// What all mail APIs need.
        #[serde(flatten)]
        api: MailApi,
        /// Whether messages are only checked and not delivered.
        #[serde(default, skip_serializing_if = "is_default")]
        sandbox: bool,
    },
    /// E-mail through a mail server.
    Smtp {
        /// Who sends, and who receives.
        #[serde(flatten)]
        mail: Mail,
        /// The mail server, which may be on the inside.
        host: String,
        /// Its port; 587, or 465 where `tls` is `implicit`, or 25 where it is `none`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<u16>,
        /// How the connection is encrypted.
        #[serde(default, skip_serializing_if = "is_default")]
        tls: Tls,
        /// Who vouches for its certificate, if not the public authorities.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca: Option<String>,
        /// Who we are to the server, if it asks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<Setting>,
        /// The password that goes with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<Secret>,
    },
    /// An incoming webhook of Slack.
    Slack {
        /// The address, which is a secret: whoever knows it can post.
        url: Secret,
        /// Whether the address may be one of a private network.
        #[serde(default, skip_serializing_if = "is_default")]
        allow_private: bool,
        /// Who vouches for its certificate, if not the public authorities.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca: Option<String>,
    },
    /// Version 2 of PagerDuty's events.
    PagerDuty {
        /// The integration key of the service.
        routing_key: Secret,
        /// Where the account is.
        #[serde(default, skip_serializing_if = "is_default")]
        region: Region,
        /// Where to, if not to PagerDuty.
        #[serde(flatten)]
        place: Place,
    },
    /// A signed POST to any web address.
    Webhook {
        /// The web address, which may hold a key and then is kept like a secret.
        url: Setting,
        /// What the message is signed with.
        secret: Secret,
        /// Whether the address may be one of a private network.
        #[serde(default, skip_serializing_if = "is_default")]
        allow_private: bool,
        /// Who vouches for its certificate, if not the public authorities.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca: Option<String>,
    },
    /// One file for each message, for trying things out.
    File {
        /// The directory in which they are written.
        directory: String,
    },
    /// A way out that a program of one's own brings along, under the name of the channel.
    Custom {},
}

/// Who sends, and who receives. An address is plain or `Name <address>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The sender.
    pub from: String,
    /// The receivers.
    pub to: Vec<String>,
    /// Who else receives it, for all to see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<String>,
    /// Who else receives it, unseen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bcc: Vec<String>,
    /// Where answers go, if not to the sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
}

/// What all mail APIs with a key need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailApi {
    /// Who sends, and who receives.
    #[serde(flatten)]
    pub mail: Mail,
    /// The key of the account.
    pub api_key: Secret,
    /// Where to, if not to the provider itself.
    #[serde(flatten)]
    pub place: Place,
}

/// Where requests go, if not to the provider itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Another place that speaks the same language, such as a proxy or a test server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<Setting>,
    /// Whether it may be in a private network.
    #[serde(default, skip_serializing_if = "is_default")]
    pub allow_private: bool,
    /// A file with the certificates of those who vouch for it, as PEM, if not the public authorities do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// Where a provider keeps an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// In the United States, where it is if nothing is said.
    #[default]
    Us,
    /// In the European Union.
    Eu,
}

/// How the connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// It begins in the clear and is encrypted before anything is said; a server that can not do so gets nothing.
    #[default]
    Starttls,
    /// From the first byte.
    Implicit,
    /// Not at all, as on the same machine.
    None,
}

impl Provider {
    /// The names of all providers, as the policy file and the database spell them.
    pub const NAMES: [&'static str; 12] = [
        "resend",
        "sendgrid",
        "postmark",
        "mailgun",
        "ses",
        "brevo",
        "smtp",
        "slack",
        "pagerduty",
        "webhook",
        "file",
        "custom",
    ];

    /// The name of the provider.
    pub fn name(&self) -> &'static str {
        match self {
            Provider::Resend(_) => "resend",
            Provider::SendGrid { .. } => "sendgrid",
            Provider::Postmark { .. } => "postmark",
            Provider::Mailgun { .. } => "mailgun",
            Provider::Ses { .. } => "ses",
            Provider::Brevo { .. } => "brevo",
            Provider::Smtp { .. } => "smtp",
            Provider::Slack { .. } => "slack",
            Provider::PagerDuty { .. } => "pagerduty",
            Provider::Webhook { .. } => "webhook",
            Provider::File { .. } => "file",
            Provider::Custom {} => "custom",
        }
    }

    /// Who sends and who receives, where messages are mails.
    pub fn mail(&self) -> Option<&Mail> {
        match self {
            Provider::Resend(api)
            | Provider::SendGrid { api, .. }
            | Provider::Postmark { api, .. }
            | Provider::Mailgun { api, .. }
            | Provider::Brevo { api, .. } => Some(&api.mail),
            Provider::Ses { mail, .. } | Provider::Smtp { mail, .. } => Some(mail),
            _ => None,
        }
    }

    /// How many messages a second the provider takes, unless the channel says otherwise: what it allows every account, with
    /// some room. `None` where nothing is known to be too fast.
    pub fn per_second(&self) -> Option<u32> {
        match self {
            Provider::Slack { .. } => Some(1),
            Provider::Resend(_) | Provider::PagerDuty { .. } => Some(2),
            Provider::File { .. } | Provider::Custom {} => None,
            _ => Some(10),
        }
    }

    /// What the database stores as the definition of the channel. It names secrets and never holds them.
    pub fn definition(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }
}

impl Mail {
    /// Everybody who receives it.
    pub fn recipients(&self) -> impl Iterator<Item = &String> {
        self.to.iter().chain(&self.cc).chain(&self.bcc)
    }

    /// The same without addresses that no longer exist. Somebody is always in `to`, as long as there is anybody.
    #[must_use]
    pub fn without(&self, dead: &[String]) -> Mail {
        let is_alive = |one: &&String| {
            !dead
                .iter()
                .any(|other| address(one).eq_ignore_ascii_case(address(other)))
        };
        let alive =
            |all: &[String]| -> Vec<String> { all.iter().filter(is_alive).cloned().collect() };
        let mut mail = Mail {
            to: alive(&self.to),
            cc: alive(&self.cc),
            bcc: alive(&self.bcc),
            ..self.clone()
        };
        if mail.to.is_empty() {
            mail.to = std::mem::take(&mut mail.cc);
        }
        if mail.to.is_empty() {
            mail.to = std::mem::take(&mut mail.bcc);
        }
        mail
    }
}

/// The address in `Name <address>`.
fn address(text: &str) -> &str {
    match text.rsplit_once('<') {
        Some((_, address)) => address.trim_end().trim_end_matches('>').trim(),
        None => text.trim(),
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_left_is_in_to() {
        let addresses =
            |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        let mail = Mail {
            from: "audit@example.com".to_owned(),
            to: addresses(&["Ann <ann@example.com>"]),
            cc: addresses(&["bob@example.com"]),
            bcc: addresses(&["cyd@example.com"]),
            reply_to: None,
        };
        let left = mail.without(&addresses(&["ANN@example.com"]));
        assert_eq!(left.to, ["bob@example.com"]);
        assert_eq!(left.cc, [""; 0]);
        assert_eq!(left.bcc, ["cyd@example.com"]);
        let left = left.without(&addresses(&["bob@example.com", "<cyd@example.com>"]));
        assert_eq!(left.recipients().count(), 0);
    }
}
