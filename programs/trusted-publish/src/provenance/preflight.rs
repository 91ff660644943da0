use std::path::Path;

use clap::ValueEnum;
use oidc_core::http::Request;
use oidc_core::{
    Ambient, Audience, Claims, Context, Detection, Diagnosis, HttpUrl, ProviderSet, Target, Unverified,
};
use oidc_provenance::{AUDIENCE, Ecosystem, Preflight, codes};
use serde_json::Value;

use super::VARIABLE;

/// The limit on a manifest, in bytes.
const MAX_MANIFEST: usize = 1024 * 1024;

/// The wish for provenance: with it, or with it where it can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wish {
    /// The release asks for provenance (`npm publish --provenance`).
    Required,
    /// The tool makes it by itself where it can, and says nothing where it can't.
    Automatic,
}

/// Finds what speaks against provenance of this job at a registry, before anything is signed.
pub(crate) async fn findings(
    registry: &str,
    url: Option<&HttpUrl>,
    package: Option<&str>,
    wish: Wish,
    providers: &ProviderSet,
    cx: &Context,
) -> Vec<Diagnosis> {
    let ecosystem = match registry {
        "npm" => Ecosystem::Npm,
        "pypi" => Ecosystem::Pypi,
        "rubygems" => Ecosystem::RubyGems,
        _ => {
            let problem = "this registry is not known to take provenance";
            return vec![Diagnosis::new(
                codes::PROVENANCE_PLATFORM,
                Target::Field("registry".to_owned()),
                problem,
            )];
        }
    };
    let claims = claims(providers, cx).await;
    let manifest = manifest(cx).filter(|_| ecosystem == Ecosystem::Npm);
    let mut preflight = Preflight::new(ecosystem);
    if wish == Wish::Required {
        preflight = preflight.asked();
    }
    if let Some(claims) = &claims {
        preflight = preflight.claims(claims);
    }
    if let Some(manifest) = &manifest {
        preflight = preflight.manifest(manifest);
    }
    if let (Ecosystem::Npm, Some(url), Some(package)) = (ecosystem, url, package)
        && let Some(is_public) = is_public(cx, url, package).await
    {
        preflight = preflight.public(is_public);
    }
    preflight.check(cx)
}

/// The claims that a certificate will have, if the job gets a token for it.
async fn claims(providers: &ProviderSet, cx: &Context) -> Option<Unverified<Claims>> {
    let source = Ambient::find(providers, Detection::new(cx).token_variable(VARIABLE)).ok()??;
    let audience = Audience::new(AUDIENCE).ok()?;
    source.token(&audience).await.ok()?.claims().ok()
}

fn manifest(cx: &Context) -> Option<Value> {
    let text = cx.files().read(Path::new("package.json"), MAX_MANIFEST).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Asks the registry whether the package is public; `None` where it does not say. npm takes a package that is not found for one
/// that is not public.
async fn is_public(cx: &Context, registry: &HttpUrl, package: &str) -> Option<bool> {
    let url = registry.below(&format!("-/package/{}/visibility", package.replace('/', "%2f")));
    let answer = cx.send(Request::get(url)).await.ok()?;
    match answer.status {
        404 => Some(false),
        _ => answer.json::<Value>()?.get("public")?.as_bool(),
    }
}
