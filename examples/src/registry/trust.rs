//! The publishers of npm's packages in npm's form, over the same rules as the configuration file's.
//!
//! | in npm's form | here |
//! |---|---|
//! | `type` | the platform |
//! | `claims.workflow_ref.file` | GitHub's `workflow` |
//! | `claims.ci_config_ref_uri.file` | GitLab's `ci_config` |
//! | any other claim | the platform's key of that name |
//! | `permissions` | `createPackage`, the only one here: there is no staging |
//! | `issuer`, `pending` | beyond npm's form: an issuer other than the public one; a package that is still to be created |

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::StatusCode;
use oidc_core::{ProviderSet, shown};
use oidc_exchange::server::{Package, PublisherRecord, Trust, TrustError};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::npm::{ManageTrust, Npm, TrustFailure};
use super::reconcile::FILE;
use super::running::chain;

const ECOSYSTEM: &str = "npm";
/// Who configured it: whoever holds the administrator's token, over the API.
const API: &str = "api";
/// npm's permission to publish.
const PUBLISH: &str = "createPackage";

/// Claims that npm's form writes as an object with a file's name, and our keys for them.
const FILES: &[(&str, &str)] = &[("workflow_ref", "workflow"), ("ci_config_ref_uri", "ci_config")];

/// Who may publish npm's packages.
pub(super) struct NpmTrust {
    trust: Trust,
    providers: ProviderSet,
    /// Knows which packages there are.
    npm: Npm,
}

/// A publisher in npm's form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    r#type: String,
    claims: Map<String, Value>,
    permissions: Option<Vec<String>>,
    issuer: Option<String>,
    #[serde(default)]
    pending: bool,
}

impl NpmTrust {
    pub(super) fn new(trust: Trust, providers: ProviderSet, npm: Npm) -> Arc<Self> {
        Arc::new(Self { trust, providers, npm })
    }

    async fn exists(&self, package: &str) -> Result<bool, TrustFailure> {
        self.npm.has(package).await.map_err(|error| internal(&error))
    }

    /// The issuer that a form means that names none: the platform's public one, where the registry trusts several.
    fn issuer(&self, platform: &str) -> Option<String> {
        let public = oidc_providers::public(platform).ok()?;
        let public = public.profile().issuers.first()?.url().to_string();
        self.providers.for_issuer(&public).map(|_| public)
    }

    fn record(&self, package: &str, form: Form) -> Result<PublisherRecord, TrustFailure> {
        if form.permissions.is_some_and(|permissions| !permissions.iter().any(|name| name == PUBLISH)) {
            let message =
                format!("this registry has no staging; permit `{PUBLISH}` (npm trust … --allow-publish)");
            return Err(failure(StatusCode::BAD_REQUEST, message));
        }
        let issuer = form.issuer.or_else(|| self.issuer(&form.r#type));
        let package = Package::new(ECOSYSTEM, package);
        let prepared = self.trust.prepare(package, &form.r#type, issuer.as_deref(), config(form.claims)?);
        let mut record = prepared.map_err(|error| refused(&error))?;
        record.pending = form.pending;
        API.clone_into(&mut record.origin);
        Ok(record)
    }
}

#[async_trait]
impl ManageTrust for NpmTrust {
    async fn list(&self, package: &str) -> Result<Vec<Value>, TrustFailure> {
        let records =
            self.trust.list(&Package::new(ECOSYSTEM, package)).await.map_err(|error| refused(&error))?;
        if records.is_empty() && !self.exists(package).await? {
            return Err(no_package(package));
        }
        Ok(records.iter().map(shape).collect())
    }

    async fn add(&self, package: &str, publisher: &Value) -> Result<Value, TrustFailure> {
        let form = Form::deserialize(publisher).map_err(|error| {
            let message = format!("not a trusted publisher in npm's form: {}", shown(&error.to_string()));
            failure(StatusCode::BAD_REQUEST, message)
        })?;
        match (self.exists(package).await?, form.pending) {
            (false, false) => return Err(no_package(package)),
            (true, true) => {
                let message =
                    format!("{} exists already, hence its publisher is not pending", shown(package));
                return Err(failure(StatusCode::CONFLICT, message));
            }
            _ => {}
        }
        let record = self.record(package, form)?;
        self.trust.add(&record).await.map_err(|error| refused(&error))?;
        Ok(shape(&record))
    }

    async fn remove(&self, package: &str, id: &str) -> Result<(), TrustFailure> {
        let package = Package::new(ECOSYSTEM, package);
        let records = self.trust.list(&package).await.map_err(|error| refused(&error))?;
        let Some(record) = records.iter().find(|record| record.id == id) else {
            return Err(refused(&TrustError::Missing));
        };
        if record.origin == FILE {
            let message =
                "this trusted publisher is defined in the registry's configuration file; remove it there";
            return Err(failure(StatusCode::CONFLICT, message.to_owned()));
        }
        match self.trust.remove(&package, id).await.map_err(|error| refused(&error))? {
            true => Ok(()),
            false => Err(refused(&TrustError::Missing)),
        }
    }
}

/// The platform's keys of npm's claims.
fn config(claims: Map<String, Value>) -> Result<Value, TrustFailure> {
    let mut config = Map::new();
    for (claim, value) in claims {
        let Some((_, key)) = FILES.iter().find(|(name, _)| *name == claim) else {
            config.insert(claim, value);
            continue;
        };
        let file =
            value.as_object().filter(|members| members.len() == 1).and_then(|members| members.get("file"));
        let file = file.ok_or_else(|| {
            let message = format!("claim `{claim}`: write `{{\"file\": \"publish.yml\"}}`");
            failure(StatusCode::BAD_REQUEST, message)
        })?;
        config.insert((*key).to_owned(), file.clone());
    }
    Ok(Value::Object(config))
}

/// A stored publisher in npm's form, with what it has learned.
fn shape(record: &PublisherRecord) -> Value {
    let rules = record.rules();
    let claims = rules.as_object().into_iter().flatten().map(|(key, value)| {
        match FILES.iter().find(|(_, own)| own == key) {
            Some((claim, _)) => ((*claim).to_owned(), json!({ "file": value })),
            None => (key.clone(), value.clone()),
        }
    });
    json!({
        "id": record.id,
        "type": record.provider,
        "claims": claims.collect::<Map<_, _>>(),
        "permissions": [PUBLISH],
        "issuer": record.identity.issuer,
        "pending": record.pending,
        "origin": record.origin,
    })
}

fn failure(status: StatusCode, message: String) -> TrustFailure {
    TrustFailure { status, message }
}

fn no_package(package: &str) -> TrustFailure {
    let message = format!(
        "{} is not in this registry; publish it first, or add `\"pending\": true` for a package that its first publish \
         creates",
        shown(package)
    );
    failure(StatusCode::NOT_FOUND, message)
}

fn refused(error: &TrustError) -> TrustFailure {
    let status = match error {
        TrustError::Exists { .. } => StatusCode::CONFLICT,
        TrustError::Missing => StatusCode::NOT_FOUND,
        TrustError::Store(_) | TrustError::Random(_) => return internal(error),
        _ => StatusCode::BAD_REQUEST,
    };
    failure(status, error.to_string())
}

fn internal(error: &(dyn std::error::Error + 'static)) -> TrustFailure {
    tracing::error!(error = %chain(error), "publishers can't be managed");
    failure(StatusCode::INTERNAL_SERVER_ERROR, "the registry failed; its log says why".to_owned())
}
