//! The one table of claims and certificate extensions, for each platform, read in both directions.

mod github;
mod gitlab;
mod template;

use oidc_core::{Claims, HttpUrl};

use self::template::{Known, Row};
use crate::codes;
use crate::extension::{Extension, Extensions};
use crate::refusal::Refusal;

/// A CI platform whose identity tokens Fulcio turns into certificates.
///
/// Its table says which claim is in which extension. A client reads the certificate's content from it before it
/// signs. A registry reads it in the other direction, and compares the claims of a certificate with a trusted
/// publisher by the rules of the exchange.
///
/// ```
/// use oidc_core::Claims;
/// use oidc_provenance::{Extension, Platform};
///
/// let claims = Claims::parse(r#"{"repository": "acme/widget", "ref": "refs/tags/v1"}"#)?;
/// let extensions = Platform::github().extensions(&claims);
/// assert_eq!(extensions.get(Extension::SourceRepositoryUri), Some("https://github.com/acme/widget"));
///
/// let back = Platform::github().claims(&extensions).unwrap();
/// assert_eq!(back.text("repository").as_deref(), Some("acme/widget"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    kind: Kind,
    server: String,
}

/// The platforms that have a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    GitHub,
    GitLab,
}

impl Platform {
    /// GitHub Actions at its public address.
    pub fn github() -> Self {
        Self { kind: Kind::GitHub, server: github::PUBLIC.to_owned() }
    }

    /// GitLab CI/CD at its public address.
    pub fn gitlab() -> Self {
        Self { kind: Kind::GitLab, server: gitlab::PUBLIC.to_owned() }
    }

    /// Returns the platform of this [name](oidc_core::Provider::id) at its public address; `None` for platforms
    /// without a table.
    pub fn of_provider(id: &str) -> Option<Self> {
        match id {
            "github" => Some(Self::github()),
            "gitlab" => Some(Self::gitlab()),
            _ => None,
        }
    }

    /// Replaces the address of the platform's pages, with which the URLs in a certificate begin: for a private
    /// Fulcio that knows another instance of the platform.
    #[must_use]
    pub fn with_server(mut self, server: &HttpUrl) -> Self {
        server.as_str().trim_end_matches('/').clone_into(&mut self.server);
        self
    }

    /// Returns the platform's name, such as `github`.
    pub fn id(&self) -> &'static str {
        match self.kind {
            Kind::GitHub => "github",
            Kind::GitLab => "gitlab",
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the address of the platform's pages, without a slash at its end.
    pub fn server(&self) -> &str {
        &self.server
    }

    fn rows(&self) -> &'static [Row] {
        match self.kind {
            Kind::GitHub => github::ROWS,
            Kind::GitLab => gitlab::ROWS,
        }
    }

    /// Returns `true` if the platform's certificates hold the claim of this name. A publisher's rule on another claim can't be
    /// compared with a certificate.
    ///
    /// ```
    /// use oidc_provenance::Platform;
    ///
    /// assert!(Platform::github().has_claim("repository_id"));
    /// assert!(!Platform::github().has_claim("actor"));
    /// ```
    pub fn has_claim(&self, name: &str) -> bool {
        self.rows().iter().flat_map(|row| row.template).any(|part| part.tells(name))
    }

    /// Returns the extensions that a certificate for this token has. An extension whose claims the token lacks,
    /// or has as an empty text, is left out.
    pub fn extensions(&self, claims: &Claims) -> Extensions {
        let value = |row: &Row| row.write(&self.server, claims).map(|value| (row.extension, value));
        self.rows().iter().filter_map(value).collect()
    }

    /// Returns the claims that the extensions of a certificate repeat, as an identity token has them.
    ///
    /// # Errors
    ///
    /// When an extension does not have the form of the platform's own, or two extensions contradict each other.
    pub fn claims(&self, extensions: &Extensions) -> Result<Claims, Refusal> {
        let mut known = Known::default();
        for row in self.rows() {
            let Some(value) = extensions.get(row.extension) else { continue };
            if row.read(&self.server, value, &mut known).is_none() {
                return Err(unreadable(row.extension, value));
            }
        }
        let unusable = |why: String| {
            let problem = format!("the certificate's extensions are unusable: {why}");
            Refusal::of(codes::PROVENANCE_EXTENSION, "certificate", problem)
        };
        let json = known.to_json().map_err(|why| unusable(why.to_string()))?;
        Claims::parse(json).map_err(|why| unusable(why.to_string()))
    }
}

fn unreadable(extension: Extension, value: &str) -> Refusal {
    let problem = "the certificate's extension does not have the platform's form, or contradicts another one";
    Refusal::of(codes::PROVENANCE_EXTENSION, extension.to_string(), problem).found(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(platform: &Platform, claims: &str) -> (Extensions, Claims) {
        let extensions = platform.extensions(&Claims::parse(claims).unwrap());
        let back = platform.claims(&extensions).unwrap();
        (extensions, back)
    }

    const GITHUB: &str = r#"{"iss":"https://token.example","sub":"repo:acme/widget:ref:refs/tags/v1",
        "repository":"acme/widget","repository_id":"2","repository_owner":"acme","repository_owner_id":"1",
        "repository_visibility":"public","ref":"refs/tags/v1","sha":"0123","event_name":"push","run_id":"10",
        "run_attempt":"1","runner_environment":"github-hosted","environment":"publish",
        "workflow_ref":"acme/widget/.github/workflows/publish.yml@refs/tags/v1","workflow_sha":"0123",
        "job_workflow_ref":"acme/shared/.github/workflows/npm.yml@refs/heads/main","job_workflow_sha":"4567"}"#;

    const GITLAB: &str = r#"{"iss":"https://gitlab.com","sub":"project_path:acme/widget:ref_type:tag:ref:v1",
        "project_path":"acme/widget","project_id":"2","namespace_path":"acme","namespace_id":"1",
        "project_visibility":"public","ref":"v1","ref_type":"tag","ref_path":"refs/tags/v1","sha":"0123",
        "pipeline_source":"push","job_id":"10","runner_environment":"gitlab-hosted","environment":"publish",
        "ci_config_ref_uri":"gitlab.com/acme/widget//.gitlab-ci.yml@refs/tags/v1","ci_config_sha":"0123"}"#;

    #[test]
    fn every_claim_comes_back_from_the_certificate() {
        for (platform, text) in [(Platform::github(), GITHUB), (Platform::gitlab(), GITLAB)] {
            let (extensions, back) = round(&platform, text);
            assert_eq!(extensions.iter().count(), Extension::ALL.len());
            for (name, value) in Claims::parse(text).unwrap().iter() {
                assert_eq!(back.text(name), value.as_text(), "{} {name}", platform.id());
            }
        }
    }

    #[test]
    fn the_values_are_fulcios() {
        let (github, _) = round(&Platform::github(), GITHUB);
        let (gitlab, _) = round(&Platform::gitlab(), GITLAB);
        for (extensions, extension, value) in [
            (
                &github,
                Extension::BuildSignerUri,
                "https://github.com/acme/shared/.github/workflows/npm.yml@refs/heads/main",
            ),
            (
                &github,
                Extension::BuildConfigUri,
                "https://github.com/acme/widget/.github/workflows/publish.yml@refs/tags/v1",
            ),
            (
                &github,
                Extension::RunInvocationUri,
                "https://github.com/acme/widget/actions/runs/10/attempts/1",
            ),
            (&github, Extension::SourceRepositoryOwnerUri, "https://github.com/acme"),
            (
                &gitlab,
                Extension::BuildSignerUri,
                "https://gitlab.com/acme/widget//.gitlab-ci.yml@refs/tags/v1",
            ),
            (&gitlab, Extension::SourceRepositoryRef, "refs/tags/v1"),
            (&gitlab, Extension::RunInvocationUri, "https://gitlab.com/acme/widget/-/jobs/10"),
        ] {
            assert_eq!(extensions.get(extension), Some(value));
        }
    }

    #[test]
    fn an_extension_of_another_form_or_of_another_repository_is_refused() {
        let (extensions, _) = round(&Platform::github(), GITHUB);
        for (extension, value) in [
            (Extension::SourceRepositoryUri, "https://gitlab.com/acme/widget"),
            (Extension::SourceRepositoryUri, "acme/widget"),
            (Extension::RunInvocationUri, "https://github.com/acme/other/actions/runs/10/attempts/1"),
            (Extension::RunInvocationUri, "https://github.com/acme/widget/actions/runs/10"),
        ] {
            let changed: Extensions = extensions
                .iter()
                .map(|(known, found)| (known, if known == extension { value } else { found }.to_owned()))
                .collect();
            let refusal = Platform::github().claims(&changed).unwrap_err();
            assert_eq!(refusal.code(), codes::PROVENANCE_EXTENSION, "{value}");
        }
    }

    #[test]
    fn a_claim_that_is_empty_or_missing_makes_no_extension() {
        let (extensions, back) =
            round(&Platform::github(), r#"{"ref":"","repository":"acme/widget","run_id":"1"}"#);
        assert_eq!(extensions.get(Extension::SourceRepositoryRef), None);
        assert_eq!(extensions.get(Extension::RunInvocationUri), None);
        assert!(back.get("ref").is_none() && back.get("run_id").is_none());
    }

    #[test]
    fn only_some_claims_are_in_certificates() {
        assert!(Platform::github().has_claim("environment") && Platform::gitlab().has_claim("ref_path"));
        assert!(
            !Platform::github().has_claim("ref_protected") && !Platform::gitlab().has_claim("ref_protected")
        );
    }
}
