//! Who may do what with npm's packages: the administrator, and whoever holds a publish token.

use async_trait::async_trait;
use axum::http::StatusCode;
use oidc_core::{Context, Secret, shown};
use oidc_exchange::server::{Event, EventSink, Exchange, Package, StoreError, TokenHash, TokenRecord};

use super::audit::Audit;
use super::npm::{Action, Authorize, Denied, Principal};

/// npm's seam, filled by the exchange.
#[derive(Debug)]
pub(super) struct Access {
    exchange: Exchange,
    audit: Audit,
    admin: Option<TokenHash>,
    cx: Context,
}

impl Access {
    pub(super) fn new(exchange: Exchange, audit: Audit, admin: Option<&Secret>, cx: Context) -> Self {
        // Hashes are compared, so that how long it takes tells nothing about the token.
        Self { exchange, audit, admin: admin.map(|token| TokenHash::of(token.expose())), cx }
    }

    fn granted(&self, record: &TokenRecord, package: &str, action: Action) -> Result<Principal, Denied> {
        let Some(granted) = record.for_package(&Package::new("npm", package)) else {
            if action == Action::Read {
                return Ok(Principal::Anonymous);
            }
            let made_for: Vec<&str> =
                record.packages.iter().map(|granted| granted.package.name.as_str()).collect();
            let message = format!(
                "the publish token is for {} and can't publish {}; exchange the job's identity for each package",
                shown(&made_for.join(", ")),
                shown(package)
            );
            return Err(Denied { status: StatusCode::FORBIDDEN, message });
        };
        if action == Action::Publish {
            let reason = format!("publisher {}", granted.publisher);
            let event =
                Event::new(self.cx.clock().now(), "publish", "npm", "granted", reason).package(package);
            self.audit.record(&event.verified(record.issuer.as_str(), &record.run));
        }
        Ok(Principal::TrustedPublisher {
            provider: record.provider.clone(),
            publisher: granted.publisher.clone(),
            run: serde_json::to_value(&record.run).unwrap_or_default(),
            may_create: granted.may_create,
        })
    }
}

#[async_trait]
impl Authorize for Access {
    async fn authorize(
        &self,
        bearer: Option<&str>,
        package: &str,
        action: Action,
    ) -> Result<Principal, Denied> {
        let Some(token) = bearer else {
            return match action {
                Action::Read => Ok(Principal::Anonymous),
                _ => Err(unauthorized("this needs a token; let the CI job exchange its identity for one")),
            };
        };
        if self.admin == Some(TokenHash::of(token)) {
            return Ok(Principal::Admin);
        }
        match self.exchange.find(token).await.map_err(|error| unavailable(&error))? {
            Some(record) => self.granted(&record, package, action),
            // Clients send whatever static token is configured, also where none is needed.
            None if action == Action::Read => Ok(Principal::Anonymous),
            None => Err(unauthorized(
                "the token is not a publish token of this registry, or it has expired or was ended; exchange the \
                 job's identity for a new one",
            )),
        }
    }
}

fn unauthorized(message: &str) -> Denied {
    Denied { status: StatusCode::UNAUTHORIZED, message: message.to_owned() }
}

fn unavailable(error: &StoreError) -> Denied {
    tracing::error!(error = %oidc_exchange::server::Chain::of(error), "a token can't be looked up");
    Denied {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        message: "the registry failed; try again later".to_owned(),
    }
}
