use std::fmt;

/// A field of a signing certificate that repeats a property of the CI job: an X.509 extension below
/// `1.3.6.1.4.1.57264.1`, as Fulcio's documentation of its object identifiers lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Extension {
    /// The issuer of the identity token.
    Issuer,
    /// The workflow that holds the job, at its revision. It is the certificate's subject alternative name too.
    BuildSignerUri,
    /// The commit of the workflow that holds the job.
    BuildSignerDigest,
    /// The kind of machine: `github-hosted`, `gitlab-hosted` or `self-hosted`.
    RunnerEnvironment,
    /// The repository's URL.
    SourceRepositoryUri,
    /// The commit.
    SourceRepositoryDigest,
    /// The full name of the branch or tag.
    SourceRepositoryRef,
    /// The repository's immutable id.
    SourceRepositoryIdentifier,
    /// The URL of the repository's owner.
    SourceRepositoryOwnerUri,
    /// The owner's immutable id.
    SourceRepositoryOwnerIdentifier,
    /// The workflow that the run began with, at its revision.
    BuildConfigUri,
    /// The commit of the workflow that the run began with.
    BuildConfigDigest,
    /// The event that started the run.
    BuildTrigger,
    /// The URL of the run or the job.
    RunInvocationUri,
    /// The visibility of the repository when the certificate was issued, such as `public`.
    SourceRepositoryVisibility,
    /// The job's environment; absent where it has none.
    DeploymentEnvironment,
    /// The token's `sub`. Certificates from before 2026 lack it.
    TokenSubject,
}

/// The arc of the object identifiers.
const ARC: &str = "1.3.6.1.4.1.57264.1";

impl Extension {
    /// Every extension, in the order of their numbers.
    pub const ALL: &[Self] = &[
        Self::Issuer,
        Self::BuildSignerUri,
        Self::BuildSignerDigest,
        Self::RunnerEnvironment,
        Self::SourceRepositoryUri,
        Self::SourceRepositoryDigest,
        Self::SourceRepositoryRef,
        Self::SourceRepositoryIdentifier,
        Self::SourceRepositoryOwnerUri,
        Self::SourceRepositoryOwnerIdentifier,
        Self::BuildConfigUri,
        Self::BuildConfigDigest,
        Self::BuildTrigger,
        Self::RunInvocationUri,
        Self::SourceRepositoryVisibility,
        Self::DeploymentEnvironment,
        Self::TokenSubject,
    ];

    /// Returns the last number of the object identifier, from 8 to 24.
    pub const fn number(self) -> u8 {
        // The numbers follow each other in the order of the variants.
        8 + self as u8
    }

    /// Returns the object identifier. Its value is a DER-encoded `UTF8String`.
    ///
    /// ```
    /// use oidc_provenance::Extension;
    ///
    /// assert_eq!(Extension::SourceRepositoryUri.oid(), "1.3.6.1.4.1.57264.1.12");
    /// ```
    pub fn oid(self) -> String {
        format!("{ARC}.{}", self.number())
    }
}

impl fmt::Display for Extension {
    /// Writes the name, such as `SourceRepositoryUri`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The job's properties as a certificate has them: the values of its extensions.
///
/// [`Platform::extensions`](crate::Platform::extensions) makes them from an identity token, and
/// [`Platform::claims`](crate::Platform::claims) turns them back into claims.
///
/// ```
/// use oidc_provenance::{Extension, Extensions};
///
/// let uri = "https://github.com/acme/widget".to_owned();
/// let extensions: Extensions = [(Extension::SourceRepositoryUri, uri)].into_iter().collect();
/// assert!(extensions.get(Extension::SourceRepositoryUri).is_some());
/// assert!(extensions.get(Extension::BuildTrigger).is_none());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions(
    /// The values, each at the place of its extension in [`Extension::ALL`].
    [Option<String>; Extension::ALL.len()],
);

impl Extensions {
    /// Returns the value of an extension, if the certificate has it and it is not empty.
    pub fn get(&self, extension: Extension) -> Option<&str> {
        self.0.get(extension as usize)?.as_deref().filter(|value| !value.is_empty())
    }

    /// Returns every extension with its value, in the order of their numbers.
    ///
    /// ```
    /// use oidc_core::Claims;
    /// use oidc_provenance::{Extension, Platform};
    ///
    /// let claims = Claims::parse(r#"{"event_name": "push", "repository_visibility": "public"}"#)?;
    /// let extensions = Platform::github().extensions(&claims);
    /// let found: Vec<_> = extensions.iter().collect();
    /// assert!(found.contains(&(Extension::SourceRepositoryVisibility, "public")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (Extension, &str)> {
        let all = Extension::ALL.iter().zip(&self.0);
        all.filter_map(|(extension, value)| Some((*extension, value.as_deref()?)))
    }
}

impl FromIterator<(Extension, String)> for Extensions {
    fn from_iter<I: IntoIterator<Item = (Extension, String)>>(values: I) -> Self {
        let mut extensions = Self::default();
        for (extension, value) in values {
            if let Some(place) = extensions.0.get_mut(extension as usize) {
                *place = Some(value);
            }
        }
        extensions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_fulcios() {
        let numbers: Vec<u8> = Extension::ALL.iter().map(|extension| extension.number()).collect();
        assert_eq!(numbers, (8..=24).collect::<Vec<u8>>());
    }
}
