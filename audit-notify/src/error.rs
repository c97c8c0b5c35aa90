//! What can go wrong so badly that nothing can be delivered at all.

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. A message that could not be delivered is no error: it is in the [`RunReport`](crate::RunReport), and
/// is tried again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database can not be reached, or refuses.
    #[error("the outbox could not be worked on")]
    Outbox(#[from] audit_schema::Error),
}

/// Why a channel can not be used as it is declared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The stored definition does not fit the provider.
    #[error("the definition of the channel could not be read")]
    Definition(#[source] serde_json::Error),
    /// This version of the program does not know the provider.
    #[error("the provider `{provider}` is not known")]
    Provider {
        /// As it is stored.
        provider: String,
    },
    /// A secret is not where the policy says.
    #[error(transparent)]
    Secret(#[from] audit_core::Error),
    /// The secret of a webhook is not `whsec_` and base64.
    #[error("the secret of the webhook is not `whsec_` followed by base64")]
    WebhookSecret,
    /// The certificates of a channel can not be read.
    #[error("the certificates in `{path}` could not be read")]
    Authorities {
        /// Where they should be.
        path: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A file of certificates holds none.
    #[error("`{path}` holds no certificate as PEM")]
    NoAuthority {
        /// Which file.
        path: String,
    },
    /// The address is in a private network, and the policy does not allow that.
    #[error("`{host}` is in a private network, and the channel does not say `allow_private: true`")]
    PrivateAddress {
        /// Which host it is.
        host: String,
    },
    /// A sender or recipient is not an address.
    #[error("`{address}` is not an address")]
    Address {
        /// As it is stored.
        address: String,
    },
    /// The program does not bring along a channel of that name.
    #[error("the channel is a custom one, and this program has none of its name")]
    Custom,
    /// The proxy named by the environment is not an address.
    #[error("the proxy in the environment is not an address")]
    Proxy,
}
