use std::fmt;
use std::io::{self, Write};

use oidc_core::{Environment, ProviderSet, Secret, shown};
use oidc_exchange::client::{Failure, Mode, Outcome, PublishRequest, PublishToken, WrongScope, masking_line};
use oidc_exchange::npm::is_placeholder;

use super::destination::Destination;
use super::ecosystem::{Ecosystem, Opened};
use super::progress;

/// There is nothing to publish with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoCredential {
    /// Trusted publishing failed, and nothing else is allowed.
    #[error("{}", .0.diagnosis())]
    Failed(#[from] Failure),
    /// The registry gave a token for something else.
    #[error(transparent)]
    WrongScope(#[from] WrongScope),
    /// Trusted publishing failed, and there is nothing to fall back to.
    #[error("{}; there is no static credential to fall back to either ({looked})", why.diagnosis())]
    NoFallback {
        /// The reason why there is no publish token.
        why: Failure,
        /// The places of a static credential.
        looked: Box<Looked>,
    },
    /// Trusted publishing is switched off, and there is nothing else.
    #[error("trusted publishing is switched off and there is no static credential ({0})")]
    Disabled(Box<Looked>),
    /// Standard error is closed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The places where a static credential was looked for, and why there is none.
#[derive(Debug)]
pub struct Looked {
    /// The variables that are looked at.
    variables: Vec<String>,
    /// The variables that are set and meant for another registry.
    foreign: Vec<String>,
    /// A variable that holds an identity token, and the token's issuer.
    unexchanged: Option<(String, String)>,
    /// The registry.
    url: String,
}

impl fmt::Display for Looked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_foreign = |name: &&String| self.foreign.contains(name);
        let is_unexchanged =
            |name: &&String| self.unexchanged.as_ref().is_some_and(|(held, _)| held == *name);
        let unset = self.variables.iter().filter(|name| !is_foreign(name) && !is_unexchanged(name));
        let unset: Vec<&str> = unset.map(String::as_str).collect();
        let mut parts = Vec::new();
        if !unset.is_empty() {
            parts.push(format!("{}: not set{}", unset.join(", "), or_placeholder(&unset)));
        }
        if !self.foreign.is_empty() {
            let foreign = self.foreign.join(", ");
            parts.push(format!(
                "{foreign}: set, and meant for another registry than {}, which does not get it",
                self.url
            ));
        }
        if let Some((name, issuer)) = &self.unexchanged {
            let issuer = shown(issuer);
            parts.push(format!(
                "{name} holds an identity token of {issuer}, not a publish token: it has to be exchanged first"
            ));
        }
        f.write_str(&parts.join("; "))
    }
}

/// The words on setup-node's placeholder, which npm's variables may hold where they count as unset.
fn or_placeholder(variables: &[&str]) -> &'static str {
    if variables.contains(&"NODE_AUTH_TOKEN") { ", or only setup-node's placeholder" } else { "" }
}

/// The credential to publish with.
#[derive(Debug)]
pub(super) enum Credential {
    /// The publish token that the registry gave, and its text.
    ShortLived(PublishToken, Secret),
    /// The credential in the environment.
    Static(Secret),
}

impl Credential {
    pub(super) fn secret(&self) -> &Secret {
        match self {
            Self::ShortLived(_, secret) | Self::Static(secret) => secret,
        }
    }

    /// The publish token, where there is one.
    pub(super) fn publish_token(&self) -> Option<&PublishToken> {
        match self {
            Self::ShortLived(token, _) => Some(token),
            Self::Static(_) => None,
        }
    }
}

/// Obtains the credential to publish with, and masks it: a short-lived token, or the static credential with the reason on `err`.
pub(super) async fn credential(
    ecosystem: &Ecosystem,
    destination: &Destination<'_>,
    opened: &Opened,
    mode: Mode,
    providers: &ProviderSet,
    err: &mut impl Write,
) -> Result<Credential, NoCredential> {
    let Opened { registry, scope, .. } = opened;
    let (watched, progress) = progress::watched(destination.cx);
    let request = PublishRequest::new(scope.clone());
    let attempt = oidc_exchange::publish_token(&**registry, request, providers, &watched);
    let outcome = progress.report_during(mode.outcome(attempt), err).await?;
    // Where a registry takes identity tokens themselves, an identity token is a credential.
    let no_platforms = ProviderSet::default();
    let known = if registry.protocol().exchanges { providers } else { &no_platforms };
    let fallback = || static_credential(ecosystem, destination, known);
    let (credential, reason) = match outcome {
        Outcome::Token(token) => {
            let secret = token.secret_for(scope)?.clone();
            (Credential::ShortLived(token, secret), None)
        }
        Outcome::Fallback(why) => match fallback() {
            Ok((name, token)) => (Credential::Static(token), Some((name, why))),
            Err(looked) => return Err(NoCredential::NoFallback { why, looked: Box::new(looked) }),
        },
        _ => match fallback() {
            Ok((_, token)) => (Credential::Static(token), None),
            Err(looked) => return Err(NoCredential::Disabled(Box::new(looked))),
        },
    };
    // Before the reason, which contains the registry's words.
    mask_all(ecosystem, &credential, destination.cx.environment(), err)?;
    if let Some((name, why)) = reason {
        writeln!(err, "trusted-publish: using the static credential in {name}, since {}", why.diagnosis())?;
    }
    Ok(credential)
}

/// Masks a credential and its parts.
fn mask_all(
    ecosystem: &Ecosystem,
    credential: &Credential,
    environment: &Environment,
    err: &mut impl Write,
) -> io::Result<()> {
    mask(credential.secret(), environment, err)?;
    for part in ecosystem.parts_of(credential.secret()) {
        mask(&part, environment, err)?;
    }
    Ok(())
}

/// The first of the variables that holds a token for the destination, with its name; for a credential of several parts, if all are
/// there, with the first one's.
fn static_credential(
    ecosystem: &Ecosystem,
    destination: &Destination<'_>,
    providers: &ProviderSet,
) -> Result<(String, Secret), Looked> {
    let environment = destination.cx.environment();
    let url = destination.url.as_str().to_owned();
    let mut looked = Looked { variables: Vec::new(), foreign: Vec::new(), unexchanged: None, url };
    for (name, is_own) in ecosystem.static_variables(destination) {
        let token = environment.get(&name).filter(|token| !is_placeholder(token));
        let issuer = token.and_then(|token| providers.identity_issuer(token));
        match token {
            Some(_) if issuer.is_some() => {
                looked.unexchanged = looked.unexchanged.or_else(|| Some((name.clone(), issuer?)));
            }
            Some(token) if is_own => return Ok((name, Secret::new(token))),
            Some(_) => looked.foreign.push(name.clone()),
            None => {}
        }
        looked.variables.push(name);
    }
    let parts: Option<Vec<&str>> = ecosystem.parts.iter().map(|name| environment.get(name)).collect();
    match (ecosystem.parts.first(), parts) {
        (Some(name), Some(parts)) => return Ok(((*name).to_owned(), Secret::new(parts.join(":")))),
        _ => looked.variables.extend(ecosystem.parts.iter().map(ToString::to_string)),
    }
    Err(looked)
}

/// Has the job's runner replace the token by `***` in the job's log from here on, where it can.
fn mask(token: &Secret, environment: &Environment, err: &mut impl Write) -> io::Result<()> {
    let Some(line) = masking_line(token, environment) else { return Ok(()) };
    writeln!(err, "{line}")?;
    err.flush()
}

#[cfg(test)]
mod tests {
    use oidc_core::{Context, HttpUrl};

    use super::*;

    fn looked(
        registry: &str,
        url: &str,
        variables: &[(&str, &str)],
        command: &[&str],
    ) -> Result<String, String> {
        let ecosystem = Ecosystem::named(registry).unwrap();
        let cx = Context::default().with_environment(variables.iter().copied().collect());
        let command: Vec<std::ffi::OsString> = command.iter().map(Into::into).collect();
        let public = HttpUrl::parse(ecosystem.public()).unwrap();
        let url = HttpUrl::parse(url).unwrap();
        let destination = Destination::new(&url, public, Some("widget"), &command, &cx);
        static_credential(ecosystem, &destination, &ProviderSet::default())
            .map(|(name, _)| name)
            .map_err(|looked| looked.to_string())
    }

    #[test]
    fn only_npms_variables_are_said_to_hold_setup_nodes_placeholder() {
        for name in ["npm", "pypi", "crates-io", "rubygems", "packagist"] {
            let looked = looked(name, "https://own.example/", &[], &[]).unwrap_err();
            assert_eq!(looked.contains("setup-node"), name == "npm", "{name}");
        }
    }

    #[test]
    fn a_credential_of_another_registry_is_none() {
        let own = "https://own.example/legacy/";
        let said = "set, and meant for another registry than https://own.example/legacy/";
        for (registry, variables) in [
            ("pypi", vec![("UV_PUBLISH_TOKEN", "x")]),
            (
                "pypi",
                vec![("TWINE_PASSWORD", "x"), ("TWINE_REPOSITORY_URL", "https://other.example/legacy/")],
            ),
            ("pypi", vec![("TWINE_PASSWORD", "x"), ("TWINE_REPOSITORY", "own")]),
            ("pypi", vec![("POETRY_PYPI_TOKEN_PYPI", "x")]),
            ("crates-io", vec![("CARGO_REGISTRY_TOKEN", "x")]),
            ("rubygems", vec![("GEM_HOST_API_KEY", "x")]),
            ("npm", vec![("YARN_NPM_AUTH_TOKEN", "x")]),
            ("npm", vec![("BUN_CONFIG_TOKEN", "x"), ("BUN_CONFIG_REGISTRY", "https://own.example/other/")]),
        ] {
            let looked = looked(registry, own, &variables, &["tool", "publish"]).unwrap_err();
            assert!(looked.contains(said) && looked.contains(variables[0].0), "{registry}: {looked}");
            assert!(!looked.starts_with(':'), "{registry}: {looked}");
        }
    }

    #[test]
    fn a_credential_counts_where_its_tool_is_told_the_registry() {
        let own = "https://own.example/legacy/";
        for (registry, variables) in [
            ("pypi", vec![("UV_PUBLISH_TOKEN", "x"), ("UV_PUBLISH_URL", "https://own.example/legacy")]),
            ("rubygems", vec![("GEM_HOST_API_KEY", "x"), ("RUBYGEMS_HOST", "https://own.example/legacy/")]),
            ("npm", vec![("NODE_AUTH_TOKEN", "x")]),
            ("npm", vec![("npm_config_//own.example/legacy/:_authToken", "x")]),
            (
                "crates-io",
                vec![
                    ("CARGO_REGISTRIES_OURS_TOKEN", "x"),
                    ("CARGO_REGISTRIES_OURS_INDEX", "sparse+https://own.example/legacy/index/"),
                ],
            ),
        ] {
            assert_eq!(looked(registry, own, &variables, &[]).unwrap(), variables[0].0);
        }
        let by_command = ["twine", "upload", "--repository-url", own];
        assert!(looked("pypi", own, &[("TWINE_PASSWORD", "x")], &by_command).is_ok());
        assert!(
            looked("pypi", Ecosystem::named("pypi").unwrap().public(), &[("TWINE_PASSWORD", "x")], &[])
                .is_ok()
        );
    }
}
