//! Provenance at the registry's endpoints: what is accepted, what is refused with its reason, and what is served. Bundles are
//! signed by the library at a Sigstore instance that is played, or forged in memory by one that the registry trusts too.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod attestations;
mod endpoint;
mod forged;
mod hostile;
mod keys;
mod npm;
mod origins;
mod promise;
mod required;
mod runners;
#[path = "../../../../oidc-provenance/tests/provenance/support/sigstore/mod.rs"]
#[allow(dead_code, reason = "the tests of the crate use all of it")]
mod sigstore_in_memory;
mod timestamps;

use std::collections::BTreeMap;

use async_trait::async_trait;
use ci_issuer::{Changes, GITHUB, Settings, sigstore};
use oidc_core::http::{Method, Request, Response};
use oidc_core::{
    Audience, Claims, Context, Environment, IdToken, Secret, SourceError, TokenSource, Unverified,
};
use oidc_provenance::{Artifact, Bundle, Platform, Services, Statement, sign};
use serde_json::{Value, json};
use tests::scene::Scene;
use tests::{gems, http, uploads};

use self::sigstore_in_memory::{Signing, Sigstore, Template};

const NAME: &str = "widget";

/// A job's identity token, whatever the audience is.
#[derive(Debug)]
struct Token(String);

#[async_trait]
impl TokenSource for Token {
    fn provider(&self) -> &str {
        "github"
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        Ok(IdToken::new(self.0.clone(), audience.clone()).unwrap())
    }
}

/// A job: what differs from the sample job in its claims, and in the variables that its statement is made of.
#[derive(Clone, Copy, Default)]
struct Job {
    claims: &'static [(&'static str, &'static str)],
    variables: &'static [(&'static str, &'static str)],
}

struct World {
    scene: Scene,
    instance: sigstore::Running,
}

impl World {
    async fn start(fault: Option<sigstore::Fault>, configure: impl FnOnce(String) -> String) -> Self {
        let changes = Changes::default().set("repository_visibility", "public");
        let settings = Settings { changes, ..Settings::new(&GITHUB) };
        let packages = [NAME, "gadget", "pypi:widget", "rubygems:widget"];
        let (scene, instance) = Scene::with_provenance(settings, &packages, fault, configure).await;
        Self { scene, instance }
    }

    /// A registry that trusts another instance as well, which signs whatever it is told to.
    async fn trusting(other: &Sigstore) -> Self {
        Self::start(None, |config| {
            let (_, rest) = config.split_once("trusted_root = \"").unwrap();
            trust(rest.split('"').next().unwrap(), other);
            config
        })
        .await
    }

    fn token(&self, job: Job) -> String {
        let changes =
            job.claims.iter().fold(Changes::default(), |changes, (claim, value)| changes.set(*claim, *value));
        self.scene.issuer.token("sigstore", &changes)
    }

    /// The claims of a job's token.
    fn claims(&self, job: Job) -> Unverified<Claims> {
        IdToken::new(self.token(job), Audience::new("sigstore").unwrap()).unwrap().claims().unwrap()
    }

    fn context(&self, job: Job) -> Context {
        let mut variables: BTreeMap<String, String> = self.scene.issuer.env().iter().cloned().collect();
        variables.extend(job.variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.scene.cx.clone().with_environment(variables.into_iter().collect::<Environment>())
    }

    async fn sign(&self, job: Job, statement: impl FnOnce(&Context) -> Statement) -> Bundle {
        let cx = self.context(job);
        let url = http::url(self.instance.url(), "");
        let services = Services::new(url.clone(), url);
        sign(&statement(&cx), &Token(self.token(job)), &services, &cx).await.unwrap()
    }

    async fn sign_npm(&self, job: Job, artifact: &Artifact) -> String {
        self.sign(job, |cx| Statement::npm(artifact, cx).unwrap()).await.as_str().to_owned()
    }

    /// A signature of the sample job's, to be changed before the instance in memory makes it.
    fn signing(&self, statement: &Statement) -> Signing {
        let claims = self.claims(Job::default());
        let extensions = Platform::github().extensions(claims.read_unverified());
        let numbered = extensions.iter().map(|(extension, value)| (extension.number(), value.to_owned()));
        Signing::new(Template::new(numbered.collect()), statement.to_json())
    }

    async fn publish(&self, document: &Value, token: &str) -> Response {
        let request = Request::new(Method::Put, http::url(&self.scene.url(), NAME))
            .bearer(&Secret::new(token))
            .body("application/json", document.to_string());
        http::send(&self.scene.cx, request).await
    }

    /// Uploads the file of a Python project.
    async fn upload(&self, version: &str, attestations: Option<&str>, token: &str) -> Response {
        let (kind, body) = form(version, attestations);
        let request = Request::new(Method::Post, http::url(&self.scene.url(), "/legacy/"));
        http::send(&self.scene.cx, request.bearer(&Secret::new(token)).body(kind, body)).await
    }

    /// Pushes version 1.0.0 of a gem.
    async fn push(&self, attestations: &str, token: &str) -> Response {
        let part = |head: &str, content: &[u8]| {
            [format!("--b\r\ncontent-disposition: form-data; {head}\r\n\r\n").as_bytes(), content, b"\r\n"]
                .concat()
        };
        let gem = part("name=\"gem\"; filename=\"widget-1.0.0.gem\"", &gems::named(NAME, "1.0.0"));
        let attestations = part("name=\"attestations\"", attestations.as_bytes());
        let body = [gem, attestations, b"--b--\r\n".to_vec()].concat();
        let request = Request::new(Method::Post, http::url(&self.scene.url(), "/rubygems/api/v1/gems"));
        let request = request.header("authorization", token).body("multipart/form-data; boundary=b", body);
        http::send(&self.scene.cx, request).await
    }

    /// All that a publish may change.
    async fn stored(&self) -> Vec<String> {
        let mut stored = uploads::state(&self.scene).await;
        for query in ["SELECT file FROM provenance ORDER BY file", "SELECT name FROM blob ORDER BY name"] {
            stored.extend(self.scene.texts(query).await);
        }
        stored
    }

    async fn get(&self, path: &str) -> Value {
        let answer = http::send(&self.scene.cx, http::get(&self.scene.url(), path)).await;
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
        http::body(&answer)
    }
}

/// Adds what another instance is trusted by to the trusted root in a file.
fn trust(file: &str, other: &Sigstore) {
    let mut root: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let added: Value = serde_json::from_str(&other.trusted_root()).unwrap();
    for list in ["tlogs", "ctlogs", "certificateAuthorities"] {
        root[list].as_array_mut().unwrap().extend(added[list].as_array().unwrap().iter().cloned());
    }
    std::fs::write(file, root.to_string()).unwrap();
}

fn artifact(name: &str, version: &str) -> Artifact {
    Artifact::npm(name, version, &http::tarball(NAME, version))
}

/// A publish with a bundle, of a manifest that names its repository.
fn document(version: &str, bundle: Option<&str>) -> Value {
    let mut document = http::document(NAME, version);
    document["versions"][version]["repository"] = json!("github:acme/widget");
    if let Some(bundle) = bundle {
        document["_attachments"][format!("{NAME}-{version}.sigstore")] = json!({ "content_type": oidc_provenance::BUNDLE_TYPE, "data": bundle, "length": bundle.encode_utf16().count() });
    }
    document
}

/// What twine and uv send, with attestations or without.
fn form(version: &str, attestations: Option<&str>) -> (&'static str, Vec<u8>) {
    let (kind, body) = uploads::form(NAME, version);
    let field = attestations.map_or_else(String::new, |attestations| {
        format!("--end\r\ncontent-disposition: form-data; name=\"attestations\"\r\n\r\n{attestations}\r\n")
    });
    (kind, [field.as_bytes(), &body].concat())
}

/// The file in such a form.
fn file_of(version: &str) -> (String, Vec<u8>) {
    let (_, body) = uploads::form(NAME, version);
    let head = b"application/gzip\r\n\r\n";
    let start = head.len() + body.windows(head.len()).position(|window| window == head).unwrap();
    let end = body.len() - b"\r\n--end--\r\n".len();
    (format!("{NAME}-{version}.tar.gz"), body[start..end].to_vec())
}

/// Jobs whose valid bundles are not the publisher's, or not as npm's registry wants them: with the claims of their tokens and the
/// variables of their statements, and what a refusal says.
const STRANGERS: &[(Job, &str)] = &[
    (
        Job {
            claims: &[("repository", "evil/widget")],
            variables: &[
                ("GITHUB_REPOSITORY", "evil/widget"),
                ("GITHUB_WORKFLOW_REF", "evil/widget/.github/workflows/publish.yml@refs/tags/v1.0.0"),
            ],
        },
        "evil/widget",
    ),
    (
        Job {
            claims: &[("workflow_ref", "acme/widget/.github/workflows/other.yml@refs/tags/v1.0.0")],
            variables: &[("GITHUB_WORKFLOW_REF", "acme/widget/.github/workflows/other.yml@refs/tags/v1.0.0")],
        },
        "other.yml",
    ),
    (Job { claims: &[("repository_id", "666")], variables: &[("GITHUB_REPOSITORY_ID", "666")] }, "666"),
    (
        Job {
            claims: &[("runner_environment", "self-hosted")],
            variables: &[("RUNNER_ENVIRONMENT", "self-hosted")],
        },
        "self-hosted",
    ),
    (Job { claims: &[("repository_visibility", "private")], variables: &[] }, "public repositories only"),
    (
        Job {
            claims: &[("sha", "ffffffffffffffffffffffffffffffffffffffff")],
            variables: &[("GITHUB_SHA", "ffffffffffffffffffffffffffffffffffffffff")],
        },
        "another commit",
    ),
    (
        // It was called by another workflow, which began the run.
        Job {
            claims: &[
                ("workflow_ref", "acme/widget/.github/workflows/ci.yml@refs/tags/v1.0.0"),
                ("job_workflow_ref", "acme/widget/.github/workflows/publish.yml@refs/tags/v1.0.0"),
            ],
            variables: &[("GITHUB_WORKFLOW_REF", "acme/widget/.github/workflows/ci.yml@refs/tags/v1.0.0")],
        },
        "ci.yml",
    ),
    (
        Job { claims: &[], variables: &[("GITHUB_SHA", "ffffffffffffffffffffffffffffffffffffffff")] },
        "gitCommit",
    ),
    (
        Job { claims: &[], variables: &[("GITHUB_REF", "refs/tags/v9")] },
        "differs from the signing certificate",
    ),
    (Job { claims: &[], variables: &[("GITHUB_RUN_ID", "7")] }, "invocationId"),
    (Job { claims: &[], variables: &[("GITHUB_EVENT_NAME", "schedule")] }, "event_name"),
];
