use std::io::{self, Write};

use oidc_core::{Context, Environment, ProviderSet, Secret};
use oidc_exchange::client::{Failure, Mode};
use oidc_exchange::npm::is_placeholder;

use super::door::{Door, DoorError, Obtained};
use super::ecosystem::Ecosystem;

/// There is nothing to publish with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoCredential {
    /// Trusted publishing failed, and it is that or nothing.
    #[error(transparent)]
    Failed(#[from] DoorError),
    /// Trusted publishing failed, and there is nothing to fall back to.
    #[error("{why}; there is no static credential to fall back to either ({}: not set, or only setup-node's placeholder)", .variables.join(", "))]
    NoFallback {
        /// Why there is no publish token.
        why: Failure,
        /// Where a static credential would be.
        variables: &'static [&'static str],
    },
    /// Trusted publishing is switched off, and there is nothing else.
    #[error(
        "trusted publishing is switched off and there is no static credential; set one of {}",
        .0.join(", ")
    )]
    Disabled(&'static [&'static str]),
    /// Standard error is closed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The token to publish with, masked: a short-lived one, or the static one with the reason on `err`.
pub(super) async fn credential(
    ecosystem: &Ecosystem,
    door: &mut dyn Door,
    mode: Mode,
    providers: &ProviderSet,
    cx: &Context,
    err: &mut impl Write,
) -> Result<Secret, NoCredential> {
    let variables = ecosystem.static_variables();
    let fallback = static_credential(ecosystem.variables, cx.environment())
        .or_else(|| static_parts(ecosystem.parts, cx.environment()));
    let (token, since) = match (door.obtain(mode, providers, cx).await?, fallback) {
        (Obtained::Token(token), _) => (token, None),
        (Obtained::Fallback(why), Some((name, token))) => (token, Some((name, why))),
        (Obtained::Fallback(why), None) => return Err(NoCredential::NoFallback { why, variables }),
        (Obtained::Disabled, Some((_, token))) => (token, None),
        (Obtained::Disabled, None) => return Err(NoCredential::Disabled(variables)),
    };
    // Before the reason, which holds the registry's words.
    mask(&token, cx.environment(), err)?;
    if let Some((name, why)) = since {
        writeln!(err, "trusted-publish: using the static credential in {name}, since {why}")?;
    }
    Ok(token)
}

/// The first of the variables that holds a token, with its name.
fn static_credential(
    variables: &'static [&'static str],
    environment: &Environment,
) -> Option<(&'static str, Secret)> {
    variables.iter().find_map(|name| {
        let token = environment.get(name).filter(|token| !is_placeholder(token))?;
        Some((*name, Secret::new(token)))
    })
}

/// A credential of several parts, if all are there, with the first one's name.
fn static_parts(
    variables: &'static [&'static str],
    environment: &Environment,
) -> Option<(&'static str, Secret)> {
    let name = variables.first()?;
    let parts: Option<Vec<&str>> = variables.iter().map(|name| environment.get(name)).collect();
    Some((*name, Secret::new(parts?.join(":"))))
}

/// Lets GitHub Actions replace the token by `***` in the job's log from here on. Elsewhere it does nothing.
fn mask(token: &Secret, environment: &Environment, err: &mut impl Write) -> io::Result<()> {
    if !environment.is_true("GITHUB_ACTIONS") {
        return Ok(());
    }
    // The escapes of GitHub's workflow commands, so that the token is the whole of the command's data.
    let data = token.expose().replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    writeln!(err, "::add-mask::{data}")?;
    err.flush()
}
