//! The faults of a job that would show only after its statement stands in the public log.

use oidc_core::{Claims, Context, Diagnosis, Severity, Target, Unverified};
use serde_json::Value;

use crate::artifact::Artifact;
use crate::codes;
use crate::extension::{Extension, Extensions};
use crate::platform::{Kind, Platform};
use crate::policy;
use crate::statement::{Statement, Variables};

/// The instances of GitLab whose tokens Sigstore's public authority takes.
const GITLAB_INSTANCES: [&str; 4] = [
    "https://gitlab.com",
    "https://dev.gitlab.org",
    "https://ops.gitlab.net",
    "https://gitlab.archlinux.org",
];

/// The variable with GitLab's token for the certificate authority.
const GITLAB_TOKEN: &str = "SIGSTORE_ID_TOKEN";

/// A check of a job before anything is signed: the reasons, as far as the job can know them, for which the registry
/// would refuse its provenance or the tool would leave it out.
///
/// npm checks none of this in a dry run, and signs before it asks the registry, so that a mistake appears only on the
/// day of the release.
///
/// ```
/// use oidc_core::{Context, Environment, Severity};
/// use oidc_provenance::{Ecosystem, Preflight, codes};
///
/// let job = [("GITLAB_CI", "true"), ("CI_SERVER_URL", "https://gitlab.com")];
/// let cx = Context::default().with_environment(Environment::from_iter(job));
/// let faults = Preflight::new(Ecosystem::Npm).asked().check(&cx);
/// assert_eq!(faults[0].code, codes::PROVENANCE_TOKEN);
/// assert!(faults[0].to_string().contains("SIGSTORE_ID_TOKEN"));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Preflight<'a> {
    ecosystem: Ecosystem,
    is_asked: bool,
    is_private_instance: bool,
    claims: Option<&'a Claims>,
    manifest: Option<&'a Value>,
    is_public: Option<bool>,
}

/// A registry that accepts provenance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ecosystem {
    /// npm: from public repositories and from machines of the platform; GitHub Actions and GitLab CI/CD.
    Npm,
    /// PyPI: attestations of GitHub Actions and GitLab CI/CD.
    Pypi,
    /// RubyGems: attestations of GitHub Actions.
    RubyGems,
}

impl<'a> Preflight<'a> {
    /// A check of a job that publishes to this registry.
    pub fn new(ecosystem: Ecosystem) -> Self {
        Self {
            ecosystem,
            is_asked: false,
            is_private_instance: false,
            claims: None,
            manifest: None,
            is_public: None,
        }
    }

    /// States that the user asks for provenance, so that a release without it fails. Otherwise the tool makes
    /// provenance where it can and says nothing where it can't, and an obstacle is a warning.
    pub fn asked(self) -> Self {
        Self { is_asked: true, ..self }
    }

    /// States that the certificate authority is one of the user's own, which may know any platform's instance.
    pub fn private_instance(self) -> Self {
        Self { is_private_instance: true, ..self }
    }

    /// Adds the claims of a token for [`AUDIENCE`](crate::AUDIENCE): what the certificate will say is then compared with
    /// the statement.
    pub fn claims(self, claims: &'a Unverified<Claims>) -> Self {
        Self { claims: Some(claims.read_unverified()), ..self }
    }

    /// Adds the package's manifest, `package.json`.
    pub fn manifest(self, manifest: &'a Value) -> Self {
        Self { manifest: Some(manifest), ..self }
    }

    /// States whether the package is or will be public: by `--access public`, by the manifest, or since it is
    /// already.
    pub fn public(self, is_public: bool) -> Self {
        Self { is_public: Some(is_public), ..self }
    }

    /// Returns the problems, the most severe first. Those whose severity is an error would make the release fail.
    pub fn check(&self, cx: &Context) -> Vec<Diagnosis> {
        let variables = Variables::new(cx.environment());
        let Ok(kind) = variables.platform() else { return vec![self.no_platform(cx)] };
        if self.ecosystem == Ecosystem::RubyGems && kind == Kind::GitLab {
            let problem = "RubyGems takes attestations from GitHub Actions only";
            return vec![self.missing(
                codes::PROVENANCE_PLATFORM,
                Target::Platform,
                problem,
                "publish without them",
            )];
        }
        let mut faults: Vec<Diagnosis> = self.check_token(cx, kind).into_iter().collect();
        faults.extend(self.check_instance(cx, kind));
        faults.extend(self.check_statement(cx, kind));
        if self.ecosystem == Ecosystem::Npm {
            faults.extend(self.check_visibility(cx, kind));
            faults.extend(self.check_runner(cx, kind));
            faults.extend(self.check_repository(cx, kind));
            faults.extend(self.check_access());
        }
        faults.sort_by_key(|fault| std::cmp::Reverse(fault.severity));
        faults
    }

    /// A diagnosis of something that keeps the tool from making provenance: an error where the user asks for it, and a
    /// warning where the tool would say nothing.
    fn missing(&self, code: &'static str, target: Target, problem: &str, fix: &str) -> Diagnosis {
        let (severity, problem) = if self.is_asked {
            (Severity::Error, problem.to_owned())
        } else {
            (
                Severity::Warning,
                format!("the version will have no provenance, and the tool will not say so: {problem}"),
            )
        };
        Diagnosis::new(code, target, problem).severity(severity).fix(fix)
    }

    fn no_platform(&self, cx: &Context) -> Diagnosis {
        let problem = if cx.environment().get("CIRCLECI").is_some() {
            "CircleCI has trusted publishing and no provenance"
        } else {
            "provenance is made in jobs on GitHub Actions and GitLab CI/CD, and this is none"
        };
        let fix = "publish from such a job, or without provenance";
        self.missing(codes::PROVENANCE_PLATFORM, Target::Platform, problem, fix)
    }

    fn check_token(&self, cx: &Context, kind: Kind) -> Option<Diagnosis> {
        let (name, problem, fix) = match kind {
            Kind::GitHub => (
                "ACTIONS_ID_TOKEN_REQUEST_URL",
                "the job may not ask for identity tokens",
                "add `permissions: id-token: write` to the job",
            ),
            Kind::GitLab => (
                GITLAB_TOKEN,
                "the job has no token for the certificate authority, `SIGSTORE_ID_TOKEN`",
                "add `id_tokens: SIGSTORE_ID_TOKEN: aud: sigstore` to the job, beside the registry's token",
            ),
        };
        let is_missing = cx.environment().get(name).is_none();
        let target = || Target::Variable(name.to_owned());
        is_missing.then(|| self.missing(codes::PROVENANCE_TOKEN, target(), problem, fix))
    }

    fn check_instance(&self, cx: &Context, kind: Kind) -> Option<Diagnosis> {
        let server = cx.environment().get("CI_SERVER_URL")?.trim_end_matches('/');
        if kind != Kind::GitLab || self.is_private_instance || GITLAB_INSTANCES.contains(&server) {
            return None;
        }
        let problem = "Sigstore's public authority gives certificates to no self-managed instance of GitLab";
        let fix = "publish without provenance, or sign with an authority of your own";
        let target = Target::Variable("CI_SERVER_URL".to_owned());
        Some(self.missing(codes::PROVENANCE_PLATFORM, target, problem, fix).found(server))
    }

    /// Makes the statement, and compares it with what the certificate will say.
    fn check_statement(&self, cx: &Context, kind: Kind) -> Option<Diagnosis> {
        let statement = match self.ecosystem {
            Ecosystem::Npm => Statement::npm(&Artifact::npm_with_digest("package", "0.0.0", [0; 64]), cx),
            Ecosystem::Pypi | Ecosystem::RubyGems => {
                Ok(Statement::pypi_publish(&Artifact::file_with_digest("package-0.0.0.tar.gz", [0; 32])))
            }
        };
        let statement = match statement {
            Ok(statement) => statement,
            Err(refusal) => return Some(refusal.diagnosis().clone()),
        };
        let platform = platform(kind);
        let refusal = statement.agrees(&platform, &self.extensions(&platform)?).err()?;
        Some(refusal.diagnosis().clone())
    }

    /// The extensions of the certificate, where the claims are known.
    fn extensions(&self, platform: &Platform) -> Option<Extensions> {
        Some(platform.extensions(self.claims?))
    }

    /// A property of the job, from the claims or else from a variable.
    fn property(&self, cx: &Context, kind: Kind, extension: Extension, variable: &str) -> Option<String> {
        let extensions = self.extensions(&platform(kind));
        let claimed = extensions.and_then(|extensions| extensions.get(extension).map(str::to_owned));
        claimed.or_else(|| cx.environment().get(variable).map(str::to_owned))
    }

    fn check_visibility(&self, cx: &Context, kind: Kind) -> Option<Diagnosis> {
        let extension = Extension::SourceRepositoryVisibility;
        let found = self.property(cx, kind, extension, "CI_PROJECT_VISIBILITY")?;
        if found == "public" {
            return None;
        }
        let problem = "npm takes provenance of public repositories only (\"Unsupported … source repository visibility\")";
        let fix = "make the repository public, or publish without provenance";
        let target = Target::Field(extension.to_string());
        Some(self.missing(codes::PROVENANCE_VISIBILITY, target, problem, fix).found(found).expected("public"))
    }

    /// Here no tool is silent: it signs, and the registry refuses.
    fn check_runner(&self, cx: &Context, kind: Kind) -> Option<Diagnosis> {
        let extension = Extension::RunnerEnvironment;
        let found = self.property(cx, kind, extension, "RUNNER_ENVIRONMENT")?;
        let expected = match kind {
            Kind::GitHub => "github-hosted",
            Kind::GitLab => "gitlab-hosted",
        };
        if found == expected {
            return None;
        }
        let problem = "npm takes provenance from the platform's own machines only (\"Unsupported … runner environment\")";
        let diagnosis =
            Diagnosis::new(codes::PROVENANCE_RUNNER, Target::Field(extension.to_string()), problem);
        let fix = "run the job that publishes on a machine of the platform, or publish without provenance (`--no-provenance`)";
        Some(diagnosis.found(found).expected(expected).fix(fix))
    }

    fn check_repository(&self, cx: &Context, kind: Kind) -> Option<Diagnosis> {
        let manifest = self.manifest?;
        let extension = Extension::SourceRepositoryUri;
        let source = match (
            kind,
            cx.environment().get("GITHUB_SERVER_URL"),
            cx.environment().get("GITHUB_REPOSITORY"),
        ) {
            (Kind::GitHub, Some(server), Some(name)) => format!("{server}/{name}"),
            _ => self.property(cx, kind, extension, "CI_PROJECT_URL")?,
        };
        let refusal = policy::repository_agrees(manifest.get("repository"), &source).err()?;
        Some(refusal.diagnosis().clone())
    }

    fn check_access(&self) -> Option<Diagnosis> {
        let of_manifest =
            self.manifest.and_then(|manifest| manifest.pointer("/publishConfig/access")?.as_str());
        if self.is_public? || of_manifest == Some("public") {
            return None;
        }
        let problem = "npm makes no provenance for a package that is new or private";
        let fix = "publish with `--access public`, or write `\"publishConfig\": { \"access\": \"public\" }`";
        Some(self.missing(codes::PROVENANCE_ACCESS, Target::Field("access".to_owned()), problem, fix))
    }
}

fn platform(kind: Kind) -> Platform {
    match kind {
        Kind::GitHub => Platform::github(),
        Kind::GitLab => Platform::gitlab(),
    }
}
