//! Statements: what is signed about a file.

mod github;
mod gitlab;
mod variables;

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use oidc_core::{Claims, Context, Unverified};
use serde_json::value::RawValue;
use serde_json::{Value, json};

pub(crate) use self::variables::Variables;
use crate::artifact::{Artifact, Digest};
use crate::codes;
use crate::extension::Extensions;
use crate::json::{self, Bounds, Name};
use crate::platform::{Kind, Platform};
use crate::refusal::Refusal;

/// The media type of statements in an envelope.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

const STATEMENT_V1: &str = "https://in-toto.io/Statement/v1";
const STATEMENT_V0_1: &str = "https://in-toto.io/Statement/v0.1";
const SLSA_V1: &str = "https://slsa.dev/provenance/v1";
const SLSA_V0_2: &str = "https://slsa.dev/provenance/v0.2";
const PYPI_PUBLISH: &str = "https://docs.pypi.org/attestations/publish/v1";

/// The bounds of a statement. GitLab's has about 100 values.
const BOUNDS: Bounds = Bounds { bytes: 128 * 1024, depth: 12, values: 1024, exclusive: &[] };

/// A statement about one file, in the form of in-toto: the file's name and digest, and a predicate that says
/// where the file is from.
///
/// A statement is made from the variables of the job, and a registry compares it with the certificate that it
/// was signed with: nothing in it is believed that the certificate does not say too.
///
/// ```
/// use oidc_core::{Context, Environment};
/// use oidc_provenance::{Artifact, Statement};
///
/// let artifact = Artifact::file("widget-1.0.0.tar.gz", b"the bytes of the file");
/// let statement = Statement::pypi_publish(&artifact);
/// assert!(statement.to_json().contains(r#""predicate":null"#));
///
/// // npm's statement is made of a job's variables.
/// let elsewhere = Context::default();
/// assert!(Statement::npm(&Artifact::npm("widget", "1.0.0", b"bytes"), &elsewhere).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    version: &'static str,
    artifact: Artifact,
    predicate_type: String,
    /// The JSON text, as it was written.
    predicate: String,
}

impl Statement {
    /// npm's statement, which `npm publish --provenance` makes: SLSA provenance v1 on GitHub Actions and v0.2
    /// on GitLab CI/CD, made of the job's variables.
    ///
    /// # Errors
    ///
    /// When this is no job on one of them, or a variable that the statement needs is missing.
    pub fn npm(artifact: &Artifact, cx: &Context) -> Result<Self, Refusal> {
        let variables = Variables::new(cx.environment());
        let (version, kind, predicate) = match variables.platform()? {
            Kind::GitHub => {
                let run = github::WorkflowRun::of_job(&variables)?;
                (STATEMENT_V1, SLSA_V1, run.npm_predicate().to_json())
            }
            Kind::GitLab => {
                let build = gitlab::Build::of_job(&variables)?;
                (STATEMENT_V0_1, SLSA_V0_2, gitlab::predicate(&build).to_string())
            }
        };
        Ok(Self { version, artifact: artifact.clone(), predicate_type: kind.to_owned(), predicate })
    }

    /// PyPI's publish attestation (PEP 740), which says that the file is published, and nothing more: the
    /// certificate says by whom.
    pub fn pypi_publish(artifact: &Artifact) -> Self {
        Self {
            version: STATEMENT_V1,
            artifact: artifact.clone(),
            predicate_type: PYPI_PUBLISH.to_owned(),
            predicate: Value::Null.to_string(),
        }
    }

    /// The SLSA provenance v1 of GitHub's own attestation action, which gems and PyPI's second kind of
    /// attestation have, from the claims of a token for [`AUDIENCE`](crate::AUDIENCE).
    ///
    /// # Errors
    ///
    /// When the token lacks a claim that the statement needs.
    pub fn github_build(artifact: &Artifact, claims: &Unverified<Claims>) -> Result<Self, Refusal> {
        let platform = Platform::github();
        let extensions = platform.extensions(claims.read_unverified());
        let run = github::WorkflowRun::of_certificate(&extensions)?;
        Ok(Self {
            version: STATEMENT_V1,
            artifact: artifact.clone(),
            predicate_type: SLSA_V1.to_owned(),
            predicate: run.action_predicate()?.to_json(),
        })
    }

    /// Returns the file that the statement is about.
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// Returns the predicate's type, a URL.
    pub fn predicate_type(&self) -> &str {
        &self.predicate_type
    }

    /// Returns the predicate, which is parsed by each call.
    pub fn predicate(&self) -> Value {
        // It was checked, or made, as JSON.
        serde_json::from_str(&self.predicate).unwrap_or_default()
    }

    /// Returns the statement as the JSON text that is signed. Its members are in the order in which npm and GitHub's action
    /// write them.
    pub fn to_json(&self) -> String {
        let digest = self.artifact.digest();
        let subject =
            json!([{ "name": self.artifact.name(), "digest": { digest.algorithm(): digest.hex() } }]);
        let [version, kind] = [self.version, &self.predicate_type].map(Value::from);
        let predicate = &self.predicate;
        format!(r#"{{"_type":{version},"subject":{subject},"predicateType":{kind},"predicate":{predicate}}}"#)
    }

    /// Reads a statement that somebody else made. It is not compared with anything here, which is what
    /// [`Policy::check`](crate::Policy::check) does.
    ///
    /// ```
    /// use oidc_provenance::{Artifact, Statement, codes};
    ///
    /// let artifact = Artifact::file("widget-1.0.0.tar.gz", b"the bytes of the file");
    /// let statement = Statement::parse(Statement::pypi_publish(&artifact).to_json().as_bytes())?;
    /// assert_eq!(statement.artifact(), &artifact);
    /// assert_eq!(statement.predicate_type(), "https://docs.pypi.org/attestations/publish/v1");
    ///
    /// assert_eq!(Statement::parse(b"{}").unwrap_err().code(), codes::PROVENANCE_STATEMENT);
    /// # Ok::<(), oidc_provenance::Refusal>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it is longer, deeper or larger than any statement of a registry, is not in the form of in-toto, has
    /// members that the form does not have, or is about several files or none.
    pub fn parse(statement: &[u8]) -> Result<Self, Refusal> {
        let text = json::check(statement, BOUNDS).map_err(|why| {
            Refusal::of(
                codes::PROVENANCE_STATEMENT,
                "statement",
                format!("the statement can't be read: {why}"),
            )
        })?;
        let Ok(members) = serde_json::from_str::<BTreeMap<Name<'_>, &RawValue>>(text) else {
            return Err(malformed("statement", "it is no object"));
        };
        let known = ["_type", "subject", "predicateType", "predicate"];
        if let Some(Name(unknown)) = members.keys().find(|Name(name)| !known.contains(&&**name)) {
            return Err(malformed(unknown, "statements have no such member"));
        }
        let written = |name: &str| members.get(name).map(|member| member.get());
        let text = |name| Some(serde_json::from_str::<Name<'_>>(written(name)?).ok()?.0);
        let version = match text("_type").as_deref() {
            Some(STATEMENT_V1) => STATEMENT_V1,
            Some(STATEMENT_V0_1) => STATEMENT_V0_1,
            _ => return Err(malformed("_type", "it is no statement of in-toto, version 0.1 or 1")),
        };
        let kind = text("predicateType").ok_or_else(|| malformed("predicateType", "it is no text"))?;
        Ok(Self {
            version,
            artifact: subject(written("subject").and_then(|subject| serde_json::from_str(subject).ok()))?,
            predicate_type: kind.into_owned(),
            predicate: written("predicate").unwrap_or("null").to_owned(),
        })
    }

    /// Checks that the statement is about this file.
    #[cfg(feature = "verify")]
    pub(crate) fn is_about(&self, artifact: &Artifact) -> Result<(), Refusal> {
        if self.artifact.name() != artifact.name() {
            let problem = "the statement is about a file or package of another name";
            let refusal = Refusal::of(codes::PROVENANCE_SUBJECT, "subject[0].name", problem);
            return Err(refusal.found(self.artifact.name()).expected(artifact.name()));
        }
        if self.artifact.digest() == artifact.digest() {
            return Ok(());
        }
        let (found, expected) = (self.artifact.digest(), artifact.digest());
        let field = format!("subject[0].digest.{}", expected.algorithm());
        let problem = "the statement is about other bytes than the file's";
        let refusal = Refusal::of(codes::PROVENANCE_ARTIFACT, field, problem).found(format!("{found:?}"));
        Err(refusal
            .expected(format!("{expected:?}"))
            .fix("sign the file that is published, after its last change"))
    }

    /// Checks that the statement says nothing that the certificate does not say.
    pub(crate) fn agrees(&self, platform: &Platform, extensions: &Extensions) -> Result<(), Refusal> {
        // npm's registry takes the provenance that npm makes, and nothing else.
        let is_npms = matches!(self.artifact.digest(), Digest::Sha512(_));
        let expected = match (platform.kind(), self.predicate_type.as_str()) {
            // Attestations of other tools have an empty object.
            (_, PYPI_PUBLISH) if !is_npms && self.predicate() == json!({}) => return Ok(()),
            (_, PYPI_PUBLISH) if !is_npms => Value::Null,
            (Kind::GitHub, SLSA_V1) => match github::expected(&self.predicate, is_npms, extensions)? {
                Some(expected) => expected,
                None => return Ok(()),
            },
            (Kind::GitLab, SLSA_V0_2) => gitlab::expected(&self.predicate(), platform, extensions)?,
            (_, other) => {
                let problem = "no provenance of this type is known for the platform";
                return Err(Refusal::of(codes::PROVENANCE_STATEMENT, "predicateType", problem).found(other));
            }
        };
        match difference(&self.predicate(), &expected, "predicate") {
            None => Ok(()),
            Some(Difference { path, found, expected }) => Err(differs(path, found, expected)),
        }
    }
}

fn malformed(field: &str, problem: &str) -> Refusal {
    Refusal::of(codes::PROVENANCE_STATEMENT, field, format!("the statement can't be read: {problem}"))
}

/// The one file that a statement is about.
fn subject(subjects: Option<Value>) -> Result<Artifact, Refusal> {
    let Some(Value::Array(subjects)) = subjects else {
        return Err(malformed("subject", "it is no array"));
    };
    let [subject] = subjects.as_slice() else {
        let problem = format!("the statement is about {} files, expected one", subjects.len());
        return Err(Refusal::of(codes::PROVENANCE_SUBJECT, "subject", problem));
    };
    let members = subject.as_object().ok_or_else(|| malformed("subject[0]", "it is no object"))?;
    if members.keys().any(|name| !matches!(name.as_str(), "name" | "digest")) {
        return Err(malformed("subject[0]", "it has another member than `name` and `digest`"));
    }
    let name = subject.get("name").and_then(Value::as_str);
    let name = name.ok_or_else(|| malformed("subject[0].name", "it is no text"))?;
    let digest = subject.get("digest").and_then(one_digest);
    let digest =
        digest.ok_or_else(|| malformed("subject[0].digest", "expected one digest, `sha256` or `sha512`"))?;
    Ok(Artifact::with_digest(name, digest))
}

fn one_digest(digests: &Value) -> Option<Digest> {
    let digests = digests.as_object()?;
    let (algorithm, digest) = digests.iter().next().filter(|_| digests.len() == 1)?;
    // Clients compare the text, which every tool writes in lower case.
    let digest = HEXLOWER.decode(digest.as_str()?.as_bytes()).ok()?;
    match algorithm.as_str() {
        "sha256" => Some(Digest::Sha256(digest.try_into().ok()?)),
        "sha512" => Some(Digest::Sha512(digest.try_into().ok()?)),
        _ => None,
    }
}

/// The first difference of two values.
struct Difference {
    path: String,
    found: Option<String>,
    expected: Option<String>,
}

fn difference(found: &Value, expected: &Value, path: &str) -> Option<Difference> {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            let names = expected.keys().chain(found.keys().filter(|name| !expected.contains_key(*name)));
            names
                .into_iter()
                .find_map(|name| member(found.get(name), expected.get(name), format!("{path}.{name}")))
        }
        (Value::Array(found), Value::Array(expected)) => (0..found.len().max(expected.len()))
            .find_map(|place| member(found.get(place), expected.get(place), format!("{path}[{place}]"))),
        _ => member(Some(found), Some(expected), path.to_owned()),
    }
}

fn member(found: Option<&Value>, expected: Option<&Value>, path: String) -> Option<Difference> {
    match (found, expected) {
        (Some(found), Some(expected)) if found == expected => None,
        (Some(one), Some(other)) if is_alike(one, other) => difference(one, other, &path),
        _ => Some(Difference { path, found: found.map(text), expected: expected.map(text) }),
    }
}

fn is_alike(one: &Value, other: &Value) -> bool {
    one.is_object() && other.is_object() || one.is_array() && other.is_array()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn differs(path: String, found: Option<String>, expected: Option<String>) -> Refusal {
    let problem = match (&found, &expected) {
        (_, None) => format!("`{path}` is a field that provenance of this type does not have"),
        (None, _) => format!("`{path}` is missing from the provenance"),
        _ => format!("`{path}` differs from the signing certificate"),
    };
    let refusal = Refusal::of(codes::PROVENANCE_PREDICATE, path, problem);
    let refusal = match found {
        Some(found) => refusal.found(found),
        None => refusal,
    };
    match expected {
        Some(expected) => refusal.expected(expected),
        None => refusal,
    }
}
