//! The signers that a registry accepts.

use axum::http::StatusCode;
use oidc_core::{HttpUrl, Run};
use oidc_exchange::server::{Package, PublisherRecord};
use oidc_provenance::{Platform, SignerRules};

use super::Kept;
use crate::authorize::Principal;
use crate::failure::Failure;

/// The path of GitHub Enterprise Server's issuer, below its own address.
const GITHUB_SERVER_ISSUER: &str = "/_services/token";

/// A trusted publisher that may sign.
pub(super) struct Signer {
    pub(super) rules: SignerRules,
    /// The run that the publish token was given to, whose commit has to be signed.
    pub(super) run: Option<Run>,
}

impl Kept {
    /// The publisher behind a principal or, where it has none, those of the package.
    pub(super) async fn signers(
        &self,
        ecosystem: &str,
        by: &Principal,
        package: &str,
    ) -> Result<Vec<Signer>, Failure> {
        let (of, only, run) = match by {
            Principal::TrustedPublisher { publisher, run, of, .. } => {
                let run: Run = serde_json::from_value(run.clone()).unwrap_or_default();
                (of.as_deref().cloned(), Some(publisher), Some(run))
            }
            Principal::Admin | Principal::Anonymous => (None, None, None),
        };
        let of = of.unwrap_or_else(|| Package::new(ecosystem, package));
        let records = self.trust.list(&of).await.map_err(|error| Failure::internal(&error))?;
        let may_sign = |record: &&PublisherRecord| only.is_none_or(|only| *only == record.id);
        let signer = |record| Some(Signer { rules: self.rules(record)?, run: run.clone() });
        let signers: Vec<_> = records.iter().filter(may_sign).filter_map(signer).collect();
        match only {
            Some(_) if !records.iter().any(|record| may_sign(&record)) => {
                let message = "the trusted publisher of this token was removed; configure it again";
                Err(Failure::new(StatusCode::FORBIDDEN, message))
            }
            _ => Ok(signers),
        }
    }

    /// The rules of a publisher; `None` where its platform's jobs get no certificates, or the registry doesn't know it any more.
    fn rules(&self, record: &PublisherRecord) -> Option<SignerRules> {
        let issuer = &record.identity.issuer;
        let provider = self.providers.for_issuer(issuer)?;
        let platform = platform(&record.provider, issuer)?;
        SignerRules::on(platform, &**provider, &record.rules()).ok()
    }
}

/// The instance of a platform that an issuer is of.
fn platform(provider: &str, issuer: &str) -> Option<Platform> {
    let platform = Platform::of_provider(provider)?;
    let server = match provider {
        "gitlab" => Some(issuer),
        _ => issuer.strip_suffix(GITHUB_SERVER_ISSUER),
    };
    match server {
        Some(server) => Some(platform.with_server(&HttpUrl::parse(server).ok()?)),
        None => Some(platform),
    }
}
