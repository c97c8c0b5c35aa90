//! Formats: how well-known kinds of text are written.

use serde::{Deserialize, Serialize};

use crate::Error;

/// The formats that [`crate::RuleKind::Format`] knows. The guide to rules says where each is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Format {
    /// An e-mail address.
    Email,
    /// A web address, http or https.
    Url,
    /// The name of a host.
    Hostname,
    /// An IPv4 or IPv6 address.
    Ip,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A network: an address and the length of its prefix.
    Cidr,
    /// A MAC address: six bytes.
    Mac,
    /// A UUID.
    Uuid,
    /// A ULID.
    Ulid,
    /// A date as `2013-02-08`.
    IsoDate,
    /// A moment as `2013-02-08T09:30:00Z`.
    IsoDatetime,
    /// A time of day as `09:30` or `09:30:00`.
    Time,
    /// A country code of two capital letters, as ISO 3166 has them.
    Country,
    /// A currency code of three capital letters, as ISO 4217 has them.
    Currency,
    /// A language code of two letters, as ISO 639 has them.
    Language,
    /// A telephone number as `+4930123456`.
    PhoneE164,
    /// An IBAN with correct check digits, without spaces.
    Iban,
    /// A BIC (SWIFT code) of 8 or 11 characters.
    Bic,
    /// Lower-case words and numbers joined by hyphens.
    Slug,
    /// A version as `1.4.0-rc.1`.
    Semver,
    /// A colour as `#1a2b3c`.
    HexColor,
    /// Base64 with padding.
    Base64,
    /// Bytes as pairs of hexadecimal digits.
    Hex,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 24] = [
        Format::Email,
        Format::Url,
        Format::Hostname,
        Format::Ip,
        Format::Ipv4,
        Format::Ipv6,
        Format::Cidr,
        Format::Mac,
        Format::Uuid,
        Format::Ulid,
        Format::IsoDate,
        Format::IsoDatetime,
        Format::Time,
        Format::Country,
        Format::Currency,
        Format::Language,
        Format::PhoneE164,
        Format::Iban,
        Format::Bic,
        Format::Slug,
        Format::Semver,
        Format::HexColor,
        Format::Base64,
        Format::Hex,
    ];

    /// The word, as the policy file and the database spell it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Email => "email",
            Format::Url => "url",
            Format::Hostname => "hostname",
            Format::Ip => "ip",
            Format::Ipv4 => "ipv4",
            Format::Ipv6 => "ipv6",
            Format::Cidr => "cidr",
            Format::Mac => "mac",
            Format::Uuid => "uuid",
            Format::Ulid => "ulid",
            Format::IsoDate => "iso_date",
            Format::IsoDatetime => "iso_datetime",
            Format::Time => "time",
            Format::Country => "country",
            Format::Currency => "currency",
            Format::Language => "language",
            Format::PhoneE164 => "phone_e164",
            Format::Iban => "iban",
            Format::Bic => "bic",
            Format::Slug => "slug",
            Format::Semver => "semver",
            Format::HexColor => "hex_color",
            Format::Base64 => "base64",
            Format::Hex => "hex",
        }
    }

    /// What it is called in a sentence.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Format::Email => "an e-mail address",
            Format::Url => "a web address",
            Format::Hostname => "a host name",
            Format::Ip => "an IP address",
            Format::Ipv4 => "an IPv4 address",
            Format::Ipv6 => "an IPv6 address",
            Format::Cidr => "a network as 10.0.0.0/8",
            Format::Mac => "a MAC address",
            Format::Uuid => "a UUID",
            Format::Ulid => "a ULID",
            Format::IsoDate => "a date as 2013-02-08",
            Format::IsoDatetime => "a moment as 2013-02-08T09:30:00Z",
            Format::Time => "a time as 09:30",
            Format::Country => "a country code",
            Format::Currency => "a currency code",
            Format::Language => "a language code",
            Format::PhoneE164 => "a telephone number as +4930123456",
            Format::Iban => "an IBAN",
            Format::Bic => "a BIC",
            Format::Slug => "a slug as red-shoes-2",
            Format::Semver => "a version as 1.4.0",
            Format::HexColor => "a colour as #1a2b3c",
            Format::Base64 => "base64",
            Format::Hex => "hexadecimal digits",
        }
    }
}

impl TryFrom<String> for Format {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Format::ALL
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or(Error::UnknownWord {
                what: "format",
                text,
                expected: "one of the formats that the guide to rules lists",
            })
    }
}

impl From<Format> for &'static str {
    fn from(format: Format) -> Self {
        format.name()
    }
}
