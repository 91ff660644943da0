//! The publishers of npm's packages in npm's form, over the same rules as the configuration file's.
//!
//! | in npm's form | here |
//! |---|---|
//! | `type` | the platform |
//! | a claim, of `workflow_ref` and `ci_config_ref_uri` the `file` | the platform's field that is compared with it |
//! | any other name | the platform's key of that name |
//! | `permissions` | `createPackage`, the only one here: there is no staging |
//! | `*` at the end of the package's name | beyond npm's form: all packages whose names begin so |
//! | `issuer`, `pending` | beyond npm's form: an issuer other than the public one; a package that is still to be created |
//! | `packages` | beyond npm's form, in answers: the prefix of a publisher for several packages, such as `@acme/*` |
//! | `state`, `published_at`, `exchanged_at`, `live_tokens` | beyond npm's form, in answers: how it stands, and how it is used |

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::StatusCode;
use oidc_core::{ProviderSet, PublisherField, shown};
use oidc_exchange::server::{Chain, Package, PackageOwner, PublisherRecord, Trust, TrustError};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::npm::{ManageTrust, Npm, TrustFailure};
use super::origin::{API, Defined};

const ECOSYSTEM: &str = "npm";
/// npm's permission to publish.
const PUBLISH: &str = "createPackage";

/// Claims that npm's form writes as an object with a file's name.
const FILES: &[&str] = &["workflow_ref", "ci_config_ref_uri"];

/// The publishers of npm's packages.
pub(super) struct NpmTrust {
    trust: Trust,
    providers: ProviderSet,
    /// Knows which packages there are.
    npm: Npm,
    defined: Defined,
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
    pub(super) fn new(trust: Trust, providers: ProviderSet, npm: Npm, defined: Defined) -> Arc<Self> {
        Arc::new(Self { trust, providers, npm, defined })
    }

    /// Checks that a publisher of a package that exists is not pending, and that any other is.
    async fn check_pending(&self, name: &str, of: &Package, is_pending: bool) -> Result<(), TrustFailure> {
        match (self.exists(of).await?, is_pending) {
            (false, false) => Err(no_package(name)),
            (true, true) => {
                let message = format!("{} exists already, hence its publisher is not pending", shown(name));
                Err(failure(StatusCode::CONFLICT, message))
            }
            _ => Ok(()),
        }
    }

    /// Returns `true` if a package exists. A prefix needs no package.
    async fn exists(&self, of: &Package) -> Result<bool, TrustFailure> {
        if of.is_prefix() {
            return Ok(true);
        }
        self.npm.has(&of.name).await.map_err(|error| internal(&error))
    }

    /// The operator, if the package exists.
    async fn owners(&self, of: &Package) -> Result<Vec<PackageOwner>, TrustFailure> {
        Ok(self.exists(of).await?.then_some(PackageOwner::Operator).into_iter().collect())
    }

    /// The issuer that a form means that names none: the platform's public one, where the registry trusts several.
    fn issuer(&self, platform: &str) -> Option<String> {
        let public = oidc_providers::public(platform).ok()?;
        let public = public.profile().issuers.first()?.url().to_string();
        self.providers.for_issuer(&public).map(|_| public)
    }

    /// The fields of a platform's publishers; none where the registry doesn't know it.
    fn fields(&self, platform: &str) -> &'static [PublisherField] {
        let known = self.providers.iter().find(|provider| provider.id() == platform);
        known.map_or(&[], |provider| provider.publisher_fields())
    }

    /// A stored publisher in npm's form, with what it has learned, how it stands and how many of its publish tokens are valid.
    fn shape(&self, record: &PublisherRecord, tokens: u64) -> Value {
        let claims = claims(self.fields(&record.provider), &record.rules());
        let mut shape = json!({
            "id": record.id,
            "type": record.provider,
            "claims": claims,
            "permissions": [PUBLISH],
            "issuer": record.identity.issuer,
            "pending": record.pending,
            "origin": record.origin,
            "state": self.trust.state(record).to_string(),
            "published_at": record.published_at.map(|time| time.to_string()),
            "exchanged_at": record.exchanged_at.map(|time| time.to_string()),
            "live_tokens": tokens,
        });
        if let Some(members) = shape.as_object_mut().filter(|_| record.package.is_prefix()) {
            members.insert("packages".to_owned(), json!(record.package.label()));
        }
        shape
    }

    fn record(&self, of: Package, form: Form) -> Result<PublisherRecord, TrustFailure> {
        if form.permissions.is_some_and(|permissions| !permissions.iter().any(|name| name == PUBLISH)) {
            let message =
                format!("this registry has no staging; permit `{PUBLISH}` (npm trust … --allow-publish)");
            return Err(failure(StatusCode::BAD_REQUEST, message));
        }
        let issuer = form.issuer.or_else(|| self.issuer(&form.r#type));
        let rules = config(self.fields(&form.r#type), form.claims)?;
        let prepared = self.trust.prepare(of, &form.r#type, issuer.as_deref(), rules);
        let mut record = prepared.map_err(|error| refused(&error))?;
        record.pending = form.pending;
        API.clone_into(&mut record.origin);
        Ok(record)
    }
}

#[async_trait]
impl ManageTrust for NpmTrust {
    async fn list(&self, package: &str) -> Result<Vec<Value>, TrustFailure> {
        let of = packages(package)?;
        let owners = self.owners(&of).await?;
        let records = self.trust.reaching(&of, &owners).await.map_err(|error| refused(&error))?;
        let tokens = self.trust.live_tokens(&records).await.map_err(|error| refused(&error))?;
        if records.is_empty() && owners.is_empty() {
            return Err(no_package(package));
        }
        let tokens = |record: &PublisherRecord| tokens.get(&record.id).copied().unwrap_or_default();
        Ok(records.iter().map(|record| self.shape(record, tokens(record))).collect())
    }

    async fn add(&self, package: &str, publisher: &Value) -> Result<Value, TrustFailure> {
        let form = Form::deserialize(publisher).map_err(|error| {
            let message = format!("not a trusted publisher in npm's form: {}", shown(&error.to_string()));
            failure(StatusCode::BAD_REQUEST, message)
        })?;
        let of = packages(package)?;
        self.check_pending(package, &of, form.pending && !of.is_prefix()).await?;
        let record = self.record(of, form)?;
        let stored = self.trust.add(&record).await.map_err(|error| refused(&error))?;
        Ok(self.shape(&stored, 0))
    }

    async fn remove(&self, package: &str, id: &str) -> Result<(), TrustFailure> {
        let package = packages(package)?;
        let owners = self.owners(&package).await?;
        let records = self.trust.reaching(&package, &owners).await.map_err(|error| refused(&error))?;
        let Some(record) = records.iter().find(|record| record.id == id) else {
            return Err(refused(&TrustError::Missing));
        };
        if record.package != package {
            // Removing it here would end it for all the other packages as well.
            let message =
                format!("this trusted publisher is for {}; remove it there", record.package.label());
            return Err(failure(StatusCode::CONFLICT, message));
        }
        if self.defined.has(record) {
            let message =
                "this trusted publisher is defined in the registry's configuration file; remove it there";
            return Err(failure(StatusCode::CONFLICT, message.to_owned()));
        }
        match self.trust.remove(&record.package, id).await.map_err(|error| refused(&error))? {
            true => Ok(()),
            false => Err(refused(&TrustError::Missing)),
        }
    }
}

/// The package of a name, or the prefix in a text that ends with `*`.
fn packages(text: &str) -> Result<Package, TrustFailure> {
    match text.strip_suffix('*') {
        Some(prefix) => Package::prefix(ECOSYSTEM, prefix)
            .map_err(|error| failure(StatusCode::BAD_REQUEST, error.to_string())),
        None => Ok(Package::new(ECOSYSTEM, text)),
    }
}

/// The field that is compared with a claim; `None` where several are, of which each is named by its own key.
fn field_of<'f>(fields: &'f [PublisherField], claim: &str) -> Option<&'f PublisherField> {
    let mut of_claim = fields.iter().filter(|field| field.claim == Some(claim));
    of_claim.next().filter(|_| of_claim.next().is_none())
}

/// The platform's keys of npm's claims.
fn config(fields: &[PublisherField], claims: Map<String, Value>) -> Result<Value, TrustFailure> {
    let mut config = Map::new();
    for (name, value) in claims {
        let value = if FILES.contains(&&*name) { file(&name, &value)? } else { value };
        let field = field_of(fields, &name);
        let key = field.map_or_else(|| name.clone(), |field| field.key.to_owned());
        if config.insert(key, value).is_some() {
            let message = format!("claim `{}` is the same as another one; name it once", shown(&name));
            return Err(failure(StatusCode::BAD_REQUEST, message));
        }
    }
    Ok(Value::Object(config))
}

/// The claims in npm's form of the platform's keys.
fn claims(fields: &[PublisherField], config: &Value) -> Map<String, Value> {
    let claim = |(key, value): (&String, &Value)| {
        let field = fields.iter().find(|field| field.key == key);
        match field.and_then(|field| field.claim).filter(|claim| field_of(fields, claim).is_some()) {
            Some(claim) if FILES.contains(&claim) => (claim.to_owned(), json!({ "file": value })),
            Some(claim) => (claim.to_owned(), value.clone()),
            None => (key.clone(), value.clone()),
        }
    };
    config.as_object().into_iter().flatten().map(claim).collect()
}

/// The file's name in npm's form of it.
fn file(claim: &str, value: &Value) -> Result<Value, TrustFailure> {
    let members = value.as_object().filter(|members| members.len() == 1);
    members.and_then(|members| members.get("file")).cloned().ok_or_else(|| {
        let message = format!("claim `{claim}`: write `{{\"file\": \"publish.yml\"}}`");
        failure(StatusCode::BAD_REQUEST, message)
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
    tracing::error!(error = %Chain::of(error), "publishers can't be managed");
    failure(StatusCode::INTERNAL_SERVER_ERROR, "the registry failed; its log says why".to_owned())
}

#[cfg(test)]
mod tests {
    use oidc_core::Provider as _;

    use super::*;

    #[test]
    fn npms_form_of_each_platform_is_read_as_it_is_written() {
        for provider in oidc_providers::all().iter() {
            let fields = provider.publisher_fields();
            let value =
                |field: &PublisherField| (field.key.to_owned(), field.value_of(field.example).unwrap());
            let written: Value = fields.iter().map(value).collect::<Map<_, _>>().into();
            assert_eq!(config(fields, claims(fields, &written)).unwrap(), written, "{}", provider.id());
            assert_eq!(
                config(fields, written.as_object().unwrap().clone()).unwrap(),
                written,
                "{}: the platform's own keys do too",
                provider.id()
            );
        }
    }

    #[test]
    fn what_npm_trust_circleci_sends_names_the_platforms_claims() {
        const ID: &str = "0184990a-477b-4fa8-9968-496074483cee";
        let provider = oidc_providers::CircleCi::public();
        let sent = json!({
            "oidc.circleci.com/org-id": ID,
            "oidc.circleci.com/project-id": ID,
            "oidc.circleci.com/pipeline-definition-id": ID,
            "oidc.circleci.com/vcs-origin": "github.com/acme/widget",
            "oidc.circleci.com/context-ids": [ID],
        });
        let written = oidc_providers::CircleCiPublisher::new(ID, ID, ID)
            .vcs_origin("github.com/acme/widget")
            .context_ids([ID]);
        let read = config(provider.publisher_fields(), sent.as_object().unwrap().clone()).unwrap();
        assert_eq!(read, Value::from(written));
    }

    #[test]
    fn a_claim_and_its_key_are_not_both_named() {
        let fields = oidc_providers::GitHub::public().publisher_fields();
        let sent = json!({ "event": "push", "event_name": "release" });
        let refused = config(fields, sent.as_object().unwrap().clone()).unwrap_err();
        assert!(refused.message.contains("name it once"), "{refused:?}");
    }
}
