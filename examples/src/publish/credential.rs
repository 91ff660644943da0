use std::fmt;
use std::io::{self, Write};

use oidc_core::{Context, Environment, ProviderSet, Secret, shown};
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
    #[error("{why}; there is no static credential to fall back to either ({}: not set{}){unexchanged}", .variables.join(", "), or_placeholder(.variables))]
    NoFallback {
        /// Why there is no publish token.
        why: Failure,
        /// Where a static credential would be.
        variables: &'static [&'static str],
        /// What one of them holds in its place.
        unexchanged: Unexchanged,
    },
    /// Trusted publishing is switched off, and there is nothing else.
    #[error(
        "trusted publishing is switched off and there is no static credential; set one of {}{unexchanged}",
        .variables.join(", ")
    )]
    Disabled {
        /// Where a static credential would be.
        variables: &'static [&'static str],
        /// What one of them holds in its place.
        unexchanged: Unexchanged,
    },
    /// Standard error is closed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// An identity token where a publish token belongs: the variable, and the token's issuer.
#[derive(Debug)]
pub struct Unexchanged(Option<(&'static str, String)>);

impl Unexchanged {
    /// What the first of the variables holds that is an identity token.
    fn find(variables: &'static [&'static str], providers: &ProviderSet, environment: &Environment) -> Self {
        let issuer = |name: &&'static str| Some((*name, providers.identity_issuer(environment.get(name)?)?));
        Self(variables.iter().find_map(issuer))
    }
}

impl fmt::Display for Unexchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((name, issuer)) = &self.0 else { return Ok(()) };
        let issuer = shown(issuer);
        write!(
            f,
            "; {name} holds an identity token of {issuer}, not a publish token: it has to be exchanged first"
        )
    }
}

/// What else a variable that is as good as unset may hold: setup-node's placeholder, in npm's.
fn or_placeholder(variables: &[&str]) -> &'static str {
    if variables.contains(&"NODE_AUTH_TOKEN") { ", or only setup-node's placeholder" } else { "" }
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
    let environment = cx.environment();
    // Where a registry takes identity tokens themselves, one is a credential.
    let no_platforms = ProviderSet::default();
    let known = if door.exchanges() { providers } else { &no_platforms };
    let unexchanged = Unexchanged::find(variables, known, environment);
    let fallback = static_credential(ecosystem.variables, known, environment)
        .or_else(|| static_parts(ecosystem.parts, environment));
    let (token, since) = match (door.obtain(mode, providers, cx).await?, fallback) {
        (Obtained::Token(token), _) => (token, None),
        (Obtained::Fallback(why), Some((name, token))) => (token, Some((name, why))),
        (Obtained::Fallback(why), None) => {
            return Err(NoCredential::NoFallback { why, variables, unexchanged });
        }
        (Obtained::Disabled, Some((_, token))) => (token, None),
        (Obtained::Disabled, None) => {
            return Err(NoCredential::Disabled { variables, unexchanged });
        }
    };
    // Before the reason, which holds the registry's words.
    mask(&token, environment, err)?;
    if let Some((name, why)) = since {
        writeln!(err, "trusted-publish: using the static credential in {name}, since {why}")?;
    }
    Ok(token)
}

/// The first of the variables that holds a token, with its name.
fn static_credential(
    variables: &'static [&'static str],
    providers: &ProviderSet,
    environment: &Environment,
) -> Option<(&'static str, Secret)> {
    let is_token = |text: &&str| !is_placeholder(text) && providers.identity_issuer(text).is_none();
    variables.iter().find_map(|name| {
        let token = environment.get(name).filter(is_token)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_npms_variables_are_said_to_hold_setup_nodes_placeholder() {
        for name in ["npm", "pypi", "crates-io", "rubygems", "packagist"] {
            let variables = Ecosystem::named(name).unwrap().static_variables();
            assert_eq!(or_placeholder(variables).contains("setup-node"), name == "npm", "{name}");
        }
    }
}
