//! The registry of an index.

use oidc_core::http::Request;
use oidc_core::{Context, HttpUrl, InvalidUrl, blocking};
use oidc_exchange::client::CratesIo;
use serde::Deserialize;

/// The indexes of crates.io, by sparse protocol and by git.
const PUBLIC: [&str; 2] = ["sparse+https://index.crates.io/", "https://github.com/rust-lang/crates.io-index"];

/// The limit on an index's description, in bytes.
const MAX_DESCRIPTION: usize = 16 << 10;

/// The reason why the registry of an index is not known.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnknownRegistry {
    #[error("expected no arguments, or `--url` and the registry's URL, in cargo's `credential-provider`")]
    Arguments,
    #[error("--url: {0}")]
    Url(InvalidUrl),
    #[error("the index is no sparse one, and does not tell its registry; name the registry with `--url`")]
    NotSparse,
    #[error("the index's config.json can't be read, and tells no registry; name the registry with `--url`")]
    NoDescription,
    #[error(
        "the index names {found} as its registry, which is at another origin; an identity token is sent there only if `--url` \
         names it too"
    )]
    OtherOrigin { found: String },
}

/// Finds the registry of an index: the one that `arguments` name, crates.io, or the one that the index tells as its `api`.
pub(super) fn registry(index: &str, arguments: &[&str], cx: &Context) -> Result<CratesIo, UnknownRegistry> {
    match arguments {
        ["--url", url] => return CratesIo::at(url).map_err(UnknownRegistry::Url),
        [] => {}
        _ => return Err(UnknownRegistry::Arguments),
    }
    if PUBLIC.contains(&index) {
        return Ok(CratesIo::public());
    }
    let url = index.strip_prefix("sparse+").ok_or(UnknownRegistry::NotSparse)?;
    let url = HttpUrl::parse(url).map_err(UnknownRegistry::Url)?;
    let described = describe(&url, cx).ok_or(UnknownRegistry::NoDescription)?;
    let own = url
        .own(&described.api)
        .map_err(|foreign| UnknownRegistry::OtherOrigin { found: foreign.found().to_owned() })?;
    Ok(CratesIo::from_url(own))
}

/// An index's `config.json` (the Cargo Book, "Registry Index").
#[derive(Deserialize)]
struct Description {
    api: String,
}

fn describe(index: &HttpUrl, cx: &Context) -> Option<Description> {
    let request = Request::get(index.below("config.json")).max_body(MAX_DESCRIPTION);
    let answer = blocking::complete(cx.send(request)).ok()?.ok()?;
    answer.is_success().then(|| answer.json()).flatten()
}
