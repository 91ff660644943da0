//! Authorization in an ecosystem: the administrator and the holders of publish tokens, and what each may do with a package.

use std::collections::BTreeSet;

use async_trait::async_trait;
use axum::http::StatusCode;
use oidc_core::{Context, HttpUrl, Run, Secret, holds_identity_token, shown};
use oidc_exchange::npm::is_placeholder;
use oidc_exchange::server::{
    Event, Exchange, GrantedPackage, Package, PackageOwner, StoreError, TokenHash, TokenRecord,
};

use super::authorize::{Action, Authorize, Denied, Principal, Use};
use super::choices::Choices;
use super::config::Ecosystem;

/// The message to the sender of an unknown token.
const UNKNOWN: &str = "the token is not a publish token of this registry, or it has expired or was ended; exchange the job's \
                       identity for a new one. Where the job should have done so already, that failed or was not tried: \
                       see the client's verbose output, or `trusted-publish doctor`";

/// The message to the sender of setup-node's placeholder.
const PLACEHOLDER: &str = "the token is no token but the placeholder of `actions/setup-node`, which npm publishes with where \
                           nobody set one: the exchange of the job's identity failed before, or was not tried. Run the \
                           publish with `--loglevel verbose`, or `trusted-publish doctor`, to see why";

/// The ecosystem whose exchange names a package. The tokens of the others are for every package that accepts the job.
const NPM: &str = Ecosystem::Npm.as_str();

/// The authorization of an ecosystem, by the exchange's tokens.
#[derive(Debug)]
pub(super) struct Access {
    ecosystem: &'static str,
    exchange: Exchange,
    admin: Option<TokenHash>,
    trusted_only: BTreeSet<String>,
    /// The choices that were made on the settings pages.
    choices: Choices,
    /// The URL at which identity tokens are exchanged.
    exchange_url: HttpUrl,
    cx: Context,
}

impl Access {
    /// `trusted_only` names the packages of which no static token changes what people install.
    pub(super) fn new(
        ecosystem: &'static str,
        exchange: Exchange,
        admin: Option<&Secret>,
        (trusted_only, choices): (BTreeSet<String>, Choices),
        exchange_url: HttpUrl,
        cx: Context,
    ) -> Self {
        // Hashes are compared, so that the time of the comparison says nothing about the token.
        let admin = admin.map(|token| TokenHash::of(token.expose()));
        Self { ecosystem, exchange, admin, trusted_only, choices, exchange_url, cx }
    }

    /// Returns `true` if only the package's trusted publishers change what people install.
    async fn is_trusted_only(&self, package: &str) -> Result<bool, Denied> {
        if self.trusted_only.contains(package) {
            return Ok(true);
        }
        let chosen = self.choices.trusted_only(self.ecosystem, package).await;
        chosen.map_err(|error| unavailable(&error))
    }

    async fn admin(&self, package: &str, action: Action) -> Result<Principal, Denied> {
        if action.is_of_content() && self.is_trusted_only(package).await? {
            return Err(Denied::trusted_only(package));
        }
        Ok(Principal::Admin)
    }

    /// The principal of a publish token.
    fn granted(
        &self,
        record: &TokenRecord,
        token: &str,
        package: &str,
        action: Action,
    ) -> Result<Principal, Denied> {
        if action == Action::ManageTrust {
            let message = "a publish token manages no publishers; use the administrator's token";
            return Err(self.denied(record, package, action, message.to_owned()));
        }
        // The publish checks that the package exists: a publisher for a prefix creates none.
        let of = Package::new(self.ecosystem, package);
        match record.for_package_of(&of, &[PackageOwner::Operator]) {
            // A pending publisher is for a package that does not exist. It is active once it has created its package.
            Some(granted) if !granted.may_create || action == Action::Publish => {
                Ok(principal(record, token, &of, granted))
            }
            _ if action == Action::Read => Ok(Principal::Anonymous),
            Some(_) => Err(self.denied(record, package, action, pending(package))),
            None => Err(self.denied(record, package, action, self.other_package(record, package))),
        }
    }

    /// The refusal of a package that the token is not for.
    fn other_package(&self, record: &TokenRecord, package: &str) -> String {
        let made_for: Vec<String> = record.packages.iter().map(|granted| granted.package.label()).collect();
        let (made_for, asked) = (made_for.join(", "), shown(package));
        let fix = if self.ecosystem == NPM {
            "exchange the job's identity for each package".to_owned()
        } else {
            format!("give {asked} a trusted publisher that accepts this job")
        };
        format!("the publish token is for {} and can't publish {asked}; {fix}", shown(&made_for))
    }

    /// Records the use of a publish token for something that it does not allow.
    fn denied(&self, record: &TokenRecord, package: &str, action: Action, message: String) -> Denied {
        let event = self.event(action, "refused", &message).package(package);
        self.exchange.record(event.verified(record.issuer.as_str(), &record.run));
        Denied { status: StatusCode::FORBIDDEN, message }
    }

    /// Records the use of an unknown token, and for which package where that is known.
    fn unknown(&self, token: &str, package: Option<&str>, action: Action) -> Denied {
        let message = self.reason_of_unknown(token, action);
        let mut event = self.event(action, "unknown-token", &message);
        event.package = package.map(str::to_owned);
        self.exchange.record(event);
        unauthorized(&message)
    }

    /// The message to the sender of an unknown token, which may be another kind of token.
    fn reason_of_unknown(&self, token: &str, action: Action) -> String {
        match action {
            _ if is_placeholder(token) => PLACEHOLDER.to_owned(),
            Action::ManageTrust if holds_identity_token(token) => {
                "the token is an identity token of a CI job (a JWT), which manages no publishers; use the administrator's token"
                    .to_owned()
            }
            _ if holds_identity_token(token) => format!(
                "the token is an identity token of a CI job (a JWT) and no publish token; exchange it first, with POST to {}, and \
                 publish with what that gives",
                self.exchange_url
            ),
            _ => UNKNOWN.to_owned(),
        }
    }

    fn is_admin(&self, token: &str) -> bool {
        self.admin == Some(TokenHash::of(token))
    }

    async fn find(&self, token: &str) -> Result<Option<TokenRecord>, Denied> {
        self.exchange.find(token).await.map_err(|error| unavailable(&error))
    }

    fn event(&self, action: Action, outcome: &'static str, reason: &str) -> Event {
        Event::new(self.cx.clock().now(), name(action), self.ecosystem, outcome, reason)
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
        let Some(token) = bearer else { return without_token(action) };
        if self.is_admin(token) {
            return self.admin(package, action).await;
        }
        match self.find(token).await? {
            Some(record) => self.granted(&record, token, package, action),
            // Clients send whatever static token is configured, also where none is needed.
            None if action == Action::Read => Ok(Principal::Anonymous),
            None => Err(self.unknown(token, Some(package), action)),
        }
    }

    async fn recognise(&self, token: &str) -> Result<String, Denied> {
        if self.is_admin(token) {
            return Ok(Principal::Admin.counted_as(token));
        }
        let record = self.find(token).await?.ok_or_else(|| self.unknown(token, None, Action::Publish))?;
        let of_ecosystem = record.packages.iter().filter(|by| by.package.ecosystem == self.ecosystem);
        // Of several, always the same one counts.
        if let Some(publisher) = of_ecosystem.map(|by| &by.publisher).min() {
            return Ok(publisher.clone());
        }
        let packages = || record.packages.iter().map(|granted| &granted.package);
        let made_for: Vec<String> =
            packages().map(|package| format!("{} ({})", package.label(), package.ecosystem)).collect();
        let message = format!(
            "the publish token is for {} and publishes nothing of {}; exchange the job's identity at the endpoint of {}",
            shown(&made_for.join(", ")),
            self.ecosystem,
            self.ecosystem
        );
        let event = self.event(Action::Publish, "refused", &message);
        self.exchange.record(event.verified(record.issuer.as_str(), &record.run));
        Err(Denied { status: StatusCode::FORBIDDEN, message })
    }

    fn used(&self, principal: &Principal, done: &Use<'_>) {
        let Principal::TrustedPublisher { issuer, publisher, run, .. } = principal else { return };
        let (outcome, reason) = match done.refusal {
            None => ("granted", "the publish token is of this publisher"),
            Some(refusal) => ("refused", refusal),
        };
        let run: Run = serde_json::from_value(run.clone()).unwrap_or_default();
        let mut event = self.event(done.action, outcome, reason).package(done.package);
        event.version = done.version.map(str::to_owned);
        self.exchange.record(event.publisher(publisher.as_str()).verified(issuer.as_str(), &run));
    }
}

/// The trusted publisher that a publish token is of.
fn principal(record: &TokenRecord, token: &str, package: &Package, granted: &GrantedPackage) -> Principal {
    let creator = record.for_package(package).filter(|own| own.may_create);
    Principal::TrustedPublisher {
        provider: record.provider.clone(),
        issuer: record.issuer.clone(),
        publisher: granted.publisher.clone(),
        run: serde_json::to_value(&record.run).unwrap_or_default(),
        may_create: granted.may_create,
        creator: creator.map(|own| own.publisher.clone()),
        token: Some(TokenHash::of(token)),
        of: Some(Box::new(granted.package.clone())),
    }
}

/// The refusal of a pending publisher.
fn pending(package: &str) -> String {
    format!(
        "the trusted publisher of this token is pending: it may create {} and do nothing to it where it exists; configure it \
         again",
        shown(package)
    )
}

/// The principal of a request without a token.
fn without_token(action: Action) -> Result<Principal, Denied> {
    match action {
        Action::Read => Ok(Principal::Anonymous),
        Action::ManageTrust => Err(unauthorized("this needs the administrator's token")),
        _ => Err(unauthorized("this needs a token; let the CI job exchange its identity for one")),
    }
}

/// The name of an action in events.
fn name(action: Action) -> &'static str {
    match action {
        Action::Publish => "publish",
        Action::SetTag => "set-tag",
        Action::Read => "read",
        Action::ManageTrust => "manage-trust",
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
