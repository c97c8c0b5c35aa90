//! Reading what a channel says about its provider.

use super::Location;
use super::node::{Node, Tree};
use super::read::{Entry, Fields, Reader};
use crate::{Mail, MailApi, Place, Provider, Region, Secret, Setting, Tls};

/// What every mail says.
const MAIL: [&str; 5] = ["from", "to", "cc", "bcc", "reply_to"];

/// Where requests go, if not to the provider itself.
const PLACE: [&str; 3] = ["base_url", "allow_private", "ca"];

impl Reader {
    pub(super) fn provider(&mut self, entry: Entry<'_>) -> Option<Provider> {
        let what = format!("`{}`", entry.name);
        let what = what.as_str();
        let at = entry.key;
        let own: &[&str] = match entry.name {
            "resend" => &["api_key"],
            "sendgrid" => &["api_key", "region", "sandbox"],
            "postmark" => &["api_key", "stream", "sandbox"],
            "mailgun" => &["api_key", "domain", "region", "sandbox"],
            "brevo" => &["api_key", "sandbox"],
            "ses" => &[
                "region",
                "access_key_id",
                "secret_access_key",
                "session_token",
                "configuration_set",
            ],
            "smtp" => &["host", "port", "tls", "ca", "user", "password"],
            "slack" => &["url", "allow_private", "ca"],
            "pagerduty" => &["routing_key", "region"],
            "webhook" => &["url", "secret", "allow_private", "ca"],
            "file" => &["directory"],
            _ => &[],
        };
        let is_mail = !matches!(
            entry.name,
            "slack" | "pagerduty" | "webhook" | "file" | "custom"
        );
        let has_place = (is_mail && entry.name != "smtp") || entry.name == "pagerduty";
        let mut known: Vec<&str> = Vec::new();
        known.extend(is_mail.then_some(MAIL).into_iter().flatten());
        known.extend(own);
        known.extend(has_place.then_some(PLACE).into_iter().flatten());
        let fields = self.fields(
            entry.node,
            what,
            &known,
            &["cap", "headers", "method", "format"],
        )?;
        Some(match entry.name {
            "resend" => Provider::Resend(self.mail_api(&fields, what, at)?),
            "sendgrid" => {
                let region = self.region(&fields);
                let sandbox = self.flag(&fields, "sandbox");
                Provider::SendGrid {
                    api: self.mail_api(&fields, what, at)?,
                    region: region?,
                    sandbox: sandbox?,
                }
            }
            "postmark" => {
                let stream = self.optional_text(&fields, "stream");
                let sandbox = self.flag(&fields, "sandbox");
                Provider::Postmark {
                    api: self.mail_api(&fields, what, at)?,
                    stream,
                    sandbox: sandbox?,
                }
            }
            "mailgun" => {
                let domain = self.required_text(&fields, "domain", what, at);
                let region = self.region(&fields);
                let sandbox = self.flag(&fields, "sandbox");
                Provider::Mailgun {
                    api: self.mail_api(&fields, what, at)?,
                    domain: domain?,
                    region: region?,
                    sandbox: sandbox?,
                }
            }
            "brevo" => {
                let sandbox = self.flag(&fields, "sandbox");
                Provider::Brevo {
                    api: self.mail_api(&fields, what, at)?,
                    sandbox: sandbox?,
                }
            }
            "ses" => self.ses(&fields, what, at)?,
            "smtp" => self.smtp(&fields, what, at)?,
            "slack" => {
                let allow_private = self.flag(&fields, "allow_private");
                Provider::Slack {
                    ca: self.optional_text(&fields, "ca"),
                    url: self.secret(&fields, "url", what, at)?,
                    allow_private: allow_private?,
                }
            }
            "pagerduty" => {
                let region = self.region(&fields);
                let place = self.place(&fields);
                Provider::PagerDuty {
                    routing_key: self.secret(&fields, "routing_key", what, at)?,
                    region: region?,
                    place: place?,
                }
            }
            "webhook" => {
                let secret = self.secret(&fields, "secret", what, at);
                let allow_private = self.flag(&fields, "allow_private");
                let url = match fields.get("url") {
                    Some(entry) => self.setting(entry, true),
                    None => {
                        self.missing(at, "url", what);
                        None
                    }
                };
                Provider::Webhook {
                    url: url?,
                    secret: secret?,
                    allow_private: allow_private?,
                    ca: self.optional_text(&fields, "ca"),
                }
            }
            "file" => Provider::File {
                directory: self.required_text(&fields, "directory", what, at)?,
            },
            "custom" => Provider::Custom {},
            _ => return None,
        })
    }

    fn ses(&mut self, fields: &Fields<'_>, what: &str, at: Location) -> Option<Provider> {
        let mail = self.mail(fields, what, at);
        let place = self.place(fields);
        let region = self.required_text(fields, "region", what, at);
        let region = region.filter(|region| {
            let is_name = region.chars().all(|character| {
                character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-'
            });
            if let (false, Some(entry)) = (is_name, fields.get("region")) {
                let help = "expected a name such as `eu-west-1`";
                self.refuse(entry.node.at, "`region` is not a region of AWS", help);
            }
            is_name
        });
        let access_key_id = match fields.get("access_key_id") {
            Some(entry) => self.setting(entry, false),
            None => {
                self.missing(at, "access_key_id", what);
                None
            }
        };
        let session_token = match fields.get("session_token") {
            Some(_) => Some(self.secret(fields, "session_token", what, at)?),
            None => None,
        };
        let configuration_set = self.optional_text(fields, "configuration_set");
        let secret_access_key = self.secret(fields, "secret_access_key", what, at);
        Some(Provider::Ses {
            mail: mail?,
            region: region?,
            access_key_id: access_key_id?,
            secret_access_key: secret_access_key?,
            session_token,
            configuration_set,
            place: place?,
        })
    }

    fn smtp(&mut self, fields: &Fields<'_>, what: &str, at: Location) -> Option<Provider> {
        let mail = self.mail(fields, what, at);
        let host = self.required_text(fields, "host", what, at);
        let port = match fields.get("port") {
            None => None,
            Some(entry) => {
                let number = match &entry.node.value {
                    Tree::Number(number) => number.as_u64(),
                    _ => None,
                };
                let port = number
                    .and_then(|number| u16::try_from(number).ok())
                    .filter(|port| *port > 0);
                if port.is_none() {
                    let help = "expected a number from 1 to 65535";
                    self.refuse(entry.node.at, "`port` is not a port", help);
                    return None;
                }
                port
            }
        };
        let words = [
            ("starttls", Tls::Starttls),
            ("implicit", Tls::Implicit),
            ("none", Tls::None),
        ];
        let tls = match fields.get("tls") {
            Some(entry) => self.word(entry.node, "tls", &words)?,
            None => Tls::default(),
        };
        let ca = self.optional_text(fields, "ca");
        if let (Tls::None, Some(entry)) = (tls, fields.get("ca")) {
            let help = "take out `tls: none`, or the certificates";
            self.refuse(entry.key, "nobody vouches for what is not encrypted", help);
        }
        let user = match fields.get("user") {
            Some(entry) => Some(self.setting(entry, false)?),
            None => None,
        };
        let password = match fields.get("password") {
            Some(_) => Some(self.secret(fields, "password", what, at)?),
            None => None,
        };
        match (&user, &password) {
            (Some(_), None) => self.missing(at, "password", &format!("{what} with `user`")),
            (None, Some(_)) => self.missing(at, "user", &format!("{what} with `password`")),
            _ => {}
        }
        if let (Tls::None, Some(entry)) = (tls, fields.get("password")) {
            self.refuse(
                entry.key,
                "a password is not sent unencrypted",
                "take out `tls: none`, or the password",
            );
        }
        Some(Provider::Smtp {
            mail: mail?,
            host: host?,
            port,
            tls,
            ca,
            user,
            password,
        })
    }

    fn mail_api(&mut self, fields: &Fields<'_>, what: &str, at: Location) -> Option<MailApi> {
        let mail = self.mail(fields, what, at);
        let api_key = self.secret(fields, "api_key", what, at);
        let place = self.place(fields);
        Some(MailApi {
            mail: mail?,
            api_key: api_key?,
            place: place?,
        })
    }

    fn mail(&mut self, fields: &Fields<'_>, what: &str, at: Location) -> Option<Mail> {
        let from = self.required_text(fields, "from", what, at);
        if fields.get("to").is_none() {
            self.missing(at, "to", what);
        }
        let to = self.addresses(fields, "to");
        let cc = self.addresses(fields, "cc");
        let bcc = self.addresses(fields, "bcc");
        let reply_to = self.optional_text(fields, "reply_to");
        for (name, address) in [("from", &from), ("reply_to", &reply_to)] {
            if let (Some(address), Some(entry)) = (address, fields.get(name)) {
                self.is_address(address, entry.node.at);
            }
        }
        Some(Mail {
            from: from?,
            to: to?,
            cc: cc?,
            bcc: bcc?,
            reply_to,
        })
    }

    fn addresses(&mut self, fields: &Fields<'_>, name: &str) -> Option<Vec<String>> {
        let Some(entry) = fields.get(name) else {
            return Some(Vec::new());
        };
        let addresses = self.texts(entry.node, &format!("`{name}`"))?;
        for (address, at) in &addresses {
            self.is_address(address, *at);
        }
        Some(addresses.into_iter().map(|(address, _)| address).collect())
    }

    /// Reports what can not be an address: no more than a slip, the provider knows better.
    fn is_address(&mut self, text: &str, at: Location) {
        let address = match text.rsplit_once('<') {
            Some((_, address)) => address.strip_suffix('>').unwrap_or(""),
            None => text,
        };
        let is_address = address
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
            && !address.contains(|character: char| character.is_whitespace() || character == ',')
            && !text.contains(char::is_control);
        if !is_address {
            self.refuse(
                at,
                format!("`{text}` is not an address"),
                "expected `name@example.com` or `Name <name@example.com>`",
            );
        }
    }

    fn place(&mut self, fields: &Fields<'_>) -> Option<Place> {
        let allow_private = self.flag(fields, "allow_private");
        let base_url = match fields.get("base_url") {
            Some(entry) => Some(self.setting(entry, true)?),
            None => None,
        };
        Some(Place {
            base_url,
            allow_private: allow_private?,
            ca: self.optional_text(fields, "ca"),
        })
    }

    fn region(&mut self, fields: &Fields<'_>) -> Option<Region> {
        match fields.get("region") {
            Some(entry) => self.word(
                entry.node,
                "region",
                &[("us", Region::Us), ("eu", Region::Eu)],
            ),
            None => Some(Region::default()),
        }
    }

    fn flag(&mut self, fields: &Fields<'_>, name: &str) -> Option<bool> {
        match fields.get(name) {
            Some(entry) => self.truth(entry.node, &format!("`{name}`")),
            None => Some(false),
        }
    }

    fn secret(
        &mut self,
        fields: &Fields<'_>,
        name: &str,
        of: &str,
        at: Location,
    ) -> Option<Secret> {
        let Some(entry) = fields.get(name) else {
            self.missing(at, name, of);
            return None;
        };
        if !matches!(entry.node.value, Tree::Map(_)) {
            self.refuse(
                entry.node.at,
                format!("`{name}` is a secret and must not stand in the policy"),
                "expected `{ env: NAME }` or `{ file: /path }`; consider the one that stood here as known to others",
            );
            self.hide(entry.node);
            return None;
        }
        self.kept(entry)
    }

    /// A text of the policy, or a place where secrets are kept.
    fn setting(&mut self, entry: Entry<'_>, address: bool) -> Option<Setting> {
        if let Tree::Map(_) = entry.node.value {
            return self.kept(entry).map(Setting::Kept);
        }
        let text = self.text(entry.node, &format!("`{}`", entry.name))?;
        if address && !(text.starts_with("https://") || text.starts_with("http://")) {
            self.refuse(
                entry.node.at,
                format!("`{}` must be a web address", entry.name),
                "expected `https://…`, or `{ env: NAME }` or `{ file: /path }`",
            );
            return None;
        }
        Some(Setting::Literal(text))
    }

    fn kept(&mut self, entry: Entry<'_>) -> Option<Secret> {
        let what = format!("`{}`", entry.name);
        let fields = self.fields(
            entry.node,
            &what,
            &["env", "file"],
            &["vault", "aws", "command"],
        )?;
        match (fields.get("env"), fields.get("file")) {
            (Some(env), None) => {
                let name = self.text(env.node, "`env`")?;
                let is_name = name
                    .chars()
                    .all(|character| character.is_ascii_alphanumeric() || character == '_')
                    && !name.starts_with(|first: char| first.is_ascii_digit());
                if !is_name {
                    // Somebody may have put the secret itself here.
                    self.hide(env.node);
                    self.refuse(
                        env.node.at,
                        "`env` must be the name of an environment variable",
                        "expected letters, digits and `_`, for example `RESEND_API_KEY`",
                    );
                    return None;
                }
                Some(Secret::Env(name))
            }
            (None, Some(file)) => self.text(file.node, "`file`").map(Secret::File),
            _ => {
                let help = "expected `{ env: NAME }` or `{ file: /path }`";
                self.refuse(entry.node.at, format!("{what} must name one place"), help);
                None
            }
        }
    }

    /// Takes a secret out of the lines that errors show, where it is used and where it is written out.
    fn hide(&mut self, node: &Node) {
        for at in [node.at, node.written] {
            let lines = self
                .source
                .files
                .get_mut(at.file)
                .map(|file| &mut file.lines);
            let Some(line) = lines.and_then(|lines| lines.get_mut(at.line.saturating_sub(1)))
            else {
                continue;
            };
            let start = at.column.saturating_sub(1);
            let end = start + at.width.max(1);
            *line = line
                .chars()
                .enumerate()
                .map(|(position, character)| {
                    if (start..end).contains(&position) {
                        '*'
                    } else {
                        character
                    }
                })
                .collect();
        }
    }
}
