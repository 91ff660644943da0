//! The platforms whose tokens are accepted.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use oidc_core::{Audience, Context, HttpUrl, Issuer, Provider, ProviderSet, shown};
use oidc_providers::{GitHub, InvalidProvider};
use serde_json::Value;

use super::StartError;
use super::config::ProviderEntry;

/// A token may live a week at most, whatever is configured: used ones are remembered for as long.
const MAX_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);
/// A JWK set in a file may have this many bytes. A key of 2048 bits takes about 450, without certificates.
const MAX_JWKS: usize = 256 * 1024;

/// The configured platforms, with what is configured for their issuers.
pub(super) fn providers(entries: &[ProviderEntry], cx: &Context) -> Result<ProviderSet, StartError> {
    let providers = entries.iter().map(provider).collect::<Result<Vec<_>, _>>()?;
    let mut set: ProviderSet = providers.iter().cloned().collect();
    for (entry, provider) in entries.iter().zip(&providers) {
        if entry.jwks.is_some() && entry.issuer.is_none() {
            return Err(StartError::Provider(format!(
                "`[[provider]]` of kind `{}` has `jwks` and no `issuer`: name whose keys they are, so that they speak for nobody else",
                shown(&entry.kind)
            )));
        }
        let jwks = entry.jwks.as_deref().map(|file| jwks(file, cx)).transpose()?;
        let key_hosts = entry.key_hosts.iter().map(|host| key_host(host)).collect::<Result<Vec<_>, _>>()?;
        let max_lifetime = entry.max_lifetime_minutes.map(lifetime).transpose()?;
        let fixed_audience =
            entry.fixed_audience.as_deref().map(|text| fixed_audience(entry, text)).transpose()?;
        for issuer in &provider.profile().issuers {
            let mut settings = Issuer::constant(issuer.url());
            settings.keys.clone_from(&jwks);
            settings.key_hosts.clone_from(&key_hosts);
            settings.max_lifetime = max_lifetime;
            settings.fixed_audience.clone_from(&fixed_audience);
            set = set.with_settings(settings);
        }
    }
    Ok(set)
}

fn provider(entry: &ProviderEntry) -> Result<Arc<dyn Provider>, StartError> {
    let provider = match (&entry.issuer, entry.owners) {
        (_, true) => return of_owners(entry),
        (Some(issuer), false) => oidc_providers::at(&entry.kind, issuer),
        (None, false) => oidc_providers::public(&entry.kind),
    };
    provider.map_err(|error| StartError::Provider(error.to_string()))
}

/// The platform, with publishers for every repository of an owner.
fn of_owners(entry: &ProviderEntry) -> Result<Arc<dyn Provider>, StartError> {
    if entry.kind != "github" {
        let kind = shown(&entry.kind);
        let fix = "leave it out, since only publishers of kind `github` can be for an owner";
        return Err(StartError::Provider(format!("`[[provider]]` of kind `{kind}` has `owners`; {fix}")));
    }
    let github = entry.issuer.as_deref().map_or_else(|| Ok(GitHub::public()), GitHub::at);
    let github = github.map_err(|error| StartError::Provider(InvalidProvider::from(error).to_string()))?;
    Ok(Arc::new(github.allowing_owners()))
}

/// A host as it stands in a URL: in lower case, and without the port where that is the default.
fn key_host(host: &str) -> Result<String, StartError> {
    let url = HttpUrl::parse(&format!("https://{host}/")).ok().filter(|url| url.path() == "/");
    url.map(|url| url.host_and_port()).ok_or_else(|| {
        let expected = "expected a host, with its port where that isn't 443, such as `keys.example` or `keys.example:8443`";
        StartError::Provider(format!("`key_hosts` has `{}`; {expected}", shown(host)))
    })
}

/// The audience that all tokens of an issuer have.
fn fixed_audience(entry: &ProviderEntry, text: &str) -> Result<Audience, StartError> {
    if entry.issuer.is_none() {
        return Err(StartError::Provider(format!(
            "`[[provider]]` of kind `{}` has `fixed_audience` and no `issuer`: name whose tokens they are",
            shown(&entry.kind)
        )));
    }
    Audience::new(text).map_err(|error| StartError::Provider(format!("`fixed_audience`: {error}")))
}

fn lifetime(minutes: u32) -> Result<Duration, StartError> {
    let lifetime = Duration::from_secs(60 * u64::from(minutes));
    if lifetime.is_zero() || lifetime > MAX_LIFETIME {
        let expected = format!("expected 1 to {}, a week", MAX_LIFETIME.as_secs() / 60);
        let fix = "leave it out for the platform's own bound";
        return Err(StartError::Provider(format!("`max_lifetime_minutes` is {minutes}, {expected}; {fix}")));
    }
    Ok(lifetime)
}

fn jwks(file: &Path, cx: &Context) -> Result<Value, StartError> {
    let json = cx.files().read(file, MAX_JWKS).map_err(|error| StartError::File(error.to_string()))?;
    serde_json::from_slice(&json).map_err(|error| {
        StartError::File(format!("the file `{}` holds no JWK set: it is no JSON: {error}", file.display()))
    })
}
