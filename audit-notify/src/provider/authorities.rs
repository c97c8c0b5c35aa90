//! Certificates of those who vouch for a server, in the place of the public authorities.

use std::sync::Arc;

use lettre::transport::smtp::client::{
    Certificate as SmtpCertificate, CertificateStore, TlsParametersBuilder,
};
use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

use crate::error::ChannelError;

/// Certificates of those who vouch for a server. Nobody else is believed.
#[derive(Clone)]
pub struct Authorities(Arc<Vec<Certificate<'static>>>);

impl Authorities {
    /// Reads a file of certificates as PEM.
    ///
    /// # Errors
    /// When it can not be read, or holds no certificate.
    pub fn read(path: &str) -> Result<Self, ChannelError> {
        let pem = std::fs::read(path).map_err(|source| ChannelError::Authorities {
            path: path.to_owned(),
            source,
        })?;
        let certificates: Vec<_> = parse_pem(&pem)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        if certificates.is_empty() {
            return Err(ChannelError::NoAuthority {
                path: path.to_owned(),
            });
        }
        Ok(Authorities(Arc::new(certificates)))
    }

    pub(super) fn for_http(&self) -> RootCerts {
        RootCerts::Specific(Arc::clone(&self.0))
    }

    pub(super) fn for_smtp(&self, parameters: TlsParametersBuilder) -> TlsParametersBuilder {
        let only_these = parameters.certificate_store(CertificateStore::None);
        self.0
            .iter()
            .filter_map(|certificate| SmtpCertificate::from_der(certificate.der().to_vec()).ok())
            .fold(only_these, TlsParametersBuilder::add_root_certificate)
    }
}

impl std::fmt::Debug for Authorities {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} certificates", self.0.len())
    }
}
