//! Provenance at the registry's endpoints: what is accepted, what is refused with its reason, and what is served. Bundles are
//! signed by the library at a Sigstore instance that is played.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use async_trait::async_trait;
use ci_issuer::{Changes, GITHUB, Settings, sigstore};
use oidc_core::http::{Method, Request, Response};
use oidc_core::{Audience, Context, Environment, IdToken, Secret, SourceError, TokenSource};
use oidc_provenance::{Artifact, Bundle, Services, Statement, sign};
use serde_json::{Value, json};
use tests::scene::{ADMIN, Scene};
use tests::uploads::{self, Endpoint};
use tests::{gems, http};

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

    async fn sign(&self, job: Job, statement: impl FnOnce(&Context) -> Statement) -> Bundle {
        let changes =
            job.claims.iter().fold(Changes::default(), |changes, (claim, value)| changes.set(*claim, *value));
        let token = self.scene.issuer.token("sigstore", &changes);
        let mut variables: BTreeMap<String, String> = self.scene.issuer.env().iter().cloned().collect();
        variables.extend(job.variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let cx = self.scene.cx.clone().with_environment(variables.into_iter().collect::<Environment>());
        let url = http::url(self.instance.url(), "");
        sign(&statement(&cx), &Token(token), &Services::new(url.clone(), url), &cx).await.unwrap()
    }

    async fn sign_npm(&self, job: Job, artifact: &Artifact) -> String {
        self.sign(job, |cx| Statement::npm(artifact, cx).unwrap()).await.as_str().to_owned()
    }

    async fn publish(&self, document: &Value, token: &str) -> Response {
        let request = Request::new(Method::Put, http::url(&self.scene.url(), NAME))
            .bearer(&Secret::new(token))
            .body("application/json", document.to_string());
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

#[tokio::test]
async fn a_bundle_of_another_job_or_of_another_statement_is_refused_and_nothing_is_stored() {
    let world = World::start(None, |config| config).await;
    // The publisher learns its ids.
    let first = world.sign_npm(Job::default(), &artifact(NAME, "0.9.0")).await;
    let token = Endpoint::Npm.token(&world.scene).await;
    let answer = world.publish(&document("0.9.0", Some(&first)), &token).await;
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    let before = world.stored().await;
    for (job, words) in STRANGERS {
        let bundle = world.sign_npm(*job, &artifact(NAME, "1.0.0")).await;
        let logged = world.instance.entries();
        let token = Endpoint::Npm.token(&world.scene).await;
        // With the publisher's token, and with a static one.
        let tokens = if *words == "another commit" { vec![token] } else { vec![token, ADMIN.to_owned()] };
        for token in tokens {
            let answer = world.publish(&document("1.0.0", Some(&bundle)), &token).await;
            let message = http::message(&answer);
            assert_eq!(answer.status, 422, "{words}: {message}");
            assert!(message.contains(words), "{words}: {message}");
            assert!(http::body(&answer)["diagnosis"]["code"].is_string(), "{message}");
        }
        assert_eq!(world.stored().await, before, "{words}");
        assert_eq!(world.instance.entries(), logged, "{words}: the registry attests nothing");
    }
}

#[tokio::test]
async fn a_bundle_for_something_else_is_refused_and_nothing_is_stored() {
    let world = World::start(None, |config| config).await;
    let token = Endpoint::Npm.token(&world.scene).await;
    let good = world.sign_npm(Job::default(), &artifact(NAME, "1.0.0")).await;
    let cases = [
        (artifact("gadget", "1.0.0"), "another name"),
        (artifact(NAME, "2.0.0"), "another name"),
        (Artifact::npm(NAME, "1.0.0", b"other bytes"), "other bytes"),
    ];
    for (artifact, words) in cases {
        let bundle = world.sign_npm(Job::default(), &artifact).await;
        let answer = world.publish(&document("1.0.0", Some(&bundle)), &token).await;
        assert_eq!(
            (answer.status, http::message(&answer).contains(words)),
            (422, true),
            "{}",
            http::message(&answer)
        );
    }
    let publish_attestation =
        world.sign(Job::default(), |_| Statement::pypi_publish(&artifact(NAME, "1.0.0"))).await;
    let tampered = good.replacen("\"sig\":\"ME", "\"sig\":\"MD", 1);
    for (bundle, words) in [
        (publish_attestation.as_str(), "attestations of this type"),
        (&*tampered, "provenance is not accepted"),
        ("{}", "provenance is not accepted"),
        ("no JSON", "provenance is not accepted"),
    ] {
        let answer = world.publish(&document("1.0.0", Some(bundle)), &token).await;
        assert_eq!(
            (answer.status, http::message(&answer).contains(words)),
            (422, true),
            "{}",
            http::message(&answer)
        );
    }
    let mut without = document("1.0.0", Some(&good));
    without["versions"]["1.0.0"].as_object_mut().unwrap().remove("repository");
    let answer = world.publish(&without, &token).await;
    assert_eq!(answer.status, 422);
    assert!(http::message(&answer).contains("has no `repository`"), "{}", http::message(&answer));
    let mut other = document("1.0.0", Some(&good));
    other["versions"]["1.0.0"]["repository"] = json!({ "url": "git+https://github.com/evil/widget.git" });
    assert_eq!(world.publish(&other, &token).await.status, 422);
    assert_eq!(world.stored().await, [""; 0]);
    assert_eq!(world.publish(&document("1.0.0", Some(&good)), &token).await.status, 201);
}

#[tokio::test]
async fn a_bundle_of_a_faulty_instance_is_refused_and_nothing_is_stored() {
    use sigstore::Fault;

    for (fault, code) in [
        (Fault::ExpiredCertificate, "provenance-certificate"),
        (Fault::WrongSct, "provenance-sct"),
        (Fault::WrongLogKey, "provenance-log"),
    ] {
        let world = World::start(Some(fault), |config| config).await;
        let bundle = world.sign_npm(Job::default(), &artifact(NAME, "1.0.0")).await;
        let token = Endpoint::Npm.token(&world.scene).await;
        let answer = world.publish(&document("1.0.0", Some(&bundle)), &token).await;
        let body = http::body(&answer);
        assert_eq!((answer.status, &body["diagnosis"]["code"]), (422, &json!(code)), "{fault:?}: {body}");
        assert_eq!(world.stored().await, [""; 0]);
    }
}

/// A bundle is changed here, and the reason that is given says this.
type Change = (&'static str, fn(&mut Value), &'static str);

const CHANGES: &[Change] = &[
    ("inclusionProof", |proof| *proof = Value::Null, "provenance-log"),
    ("inclusionProof/hashes", |hashes| *hashes = json!([format!("{}=", "A".repeat(43))]), "provenance-log"),
    ("inclusionProof/checkpoint", |checkpoint| *checkpoint = Value::Null, "provenance-bundle"),
    (
        "inclusionProof/checkpoint/envelope",
        |note| *note = json!(note.as_str().unwrap().replace("ci-issuer", "evil").replacen("\n", "x\n", 1)),
        "provenance-log",
    ),
    ("inclusionPromise", |promise| *promise = Value::Null, "provenance-timestamp"),
    ("inclusionPromise/signedEntryTimestamp", |promise| *promise = json!("MEUCIQ=="), "provenance-log"),
    ("integratedTime", |time| *time = json!("1"), "provenance-log"),
    ("canonicalizedBody", |body| *body = json!("e30="), "provenance-log"),
];

#[tokio::test]
async fn a_bundle_whose_log_entry_is_changed_is_refused_with_its_reason_and_nothing_is_stored() {
    let world = World::start(None, |config| config).await;
    let token = Endpoint::Npm.token(&world.scene).await;
    let good = world.sign_npm(Job::default(), &artifact(NAME, "1.0.0")).await;
    let logged = world.instance.entries();
    for (at, change, code) in CHANGES {
        let mut bundle: Value = serde_json::from_str(&good).unwrap();
        change(bundle.pointer_mut(&format!("/verificationMaterial/tlogEntries/0/{at}")).unwrap());
        let answer = world.publish(&document("1.0.0", Some(&bundle.to_string())), &token).await;
        let body = http::body(&answer);
        assert_eq!((answer.status, &body["diagnosis"]["code"]), (422, &json!(code)), "{at}: {body}");
    }
    assert_eq!(world.stored().await, [""; 0]);
    assert_eq!(world.instance.entries(), logged, "the registry attests nothing");
    assert_eq!(world.publish(&document("1.0.0", Some(&good)), &token).await.status, 201);
}

#[tokio::test]
async fn provenance_is_not_lost_and_a_static_token_is_no_way_around() {
    let world = World::start(None, |config| config).await;
    let token = Endpoint::Npm.token(&world.scene).await;
    assert_eq!(world.publish(&document("1.0.0", None), &token).await.status, 201, "there was none before");
    let bundle = world.sign_npm(Job::default(), &artifact(NAME, "1.1.0")).await;
    // A static token with a bundle of the package's publisher.
    let answer = world.publish(&document("1.1.0", Some(&bundle)), ADMIN).await;
    assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
    let before = world.stored().await;
    for token in [&*Endpoint::Npm.token(&world.scene).await, ADMIN] {
        let answer = world.publish(&document("1.2.0", None), token).await;
        assert_eq!(http::body(&answer)["diagnosis"]["code"], "provenance-lost");
        assert_eq!(answer.status, 422);
    }
    assert_eq!(world.stored().await, before);
}

#[tokio::test]
async fn a_package_that_requires_provenance_takes_no_version_without() {
    let required = |config: String| {
        config.replacen("name = \"widget\"\n", "name = \"widget\"\nprovenance = \"required\"\n", 1)
    };
    let world = World::start(None, required).await;
    for token in [&*Endpoint::Npm.token(&world.scene).await, ADMIN] {
        let answer = world.publish(&document("1.0.0", None), token).await;
        assert_eq!(http::body(&answer)["diagnosis"]["code"], "provenance-required");
    }
    assert_eq!(world.stored().await, [""; 0]);
}

#[tokio::test]
async fn a_publish_waits_for_no_log_that_is_down_and_is_not_stored() {
    let world = World::start(Some(sigstore::Fault::LogDown), |config| config).await;
    let token = Endpoint::Npm.token(&world.scene).await;
    let answer = world.publish(&document("1.0.0", None), &token).await;
    assert_eq!(answer.status, 503);
    assert_eq!(world.stored().await, [""; 0]);
}

#[tokio::test]
async fn a_new_key_takes_over_and_the_old_one_stays_known() {
    let world = World::start(None, |config| config).await;
    let token = Endpoint::Npm.token(&world.scene).await;
    assert_eq!(world.publish(&document("1.0.0", None), &token).await.status, 201);
    let before = world.get("/-/npm/v1/keys").await;
    assert_eq!(before["keys"].as_array().unwrap().len(), 1);
    assert_eq!(before["keys"][0]["expires"], json!(null));
    let signed = world.get("/widget").await["versions"]["1.0.0"]["dist"]["signatures"][0].clone();
    assert_eq!(signed["keyid"], before["keys"][0]["keyid"]);

    // Another registry over the same database, with a key of its own.
    let folder = world.scene.folder().to_owned();
    let config = |key: &str| {
        let config = tests::scene::config(&GITHUB, world.scene.issuer.url(), &folder, "", &[NAME], "");
        let (root, key) = (folder.join("trusted_root.json"), folder.join(key));
        let text = format!(
            "{config}\n[provenance]\ntrusted_root = \"{}\"\nsigning_key = \"{}\"\n",
            root.display(),
            key.display()
        );
        registry::Config::parse(&text).unwrap()
    };
    let second = registry::Running::start(config("second-key.pem"), &world.scene.cx).await.unwrap();
    let keys = world.get("/-/npm/v1/keys").await;
    let expires: Vec<(&Value, bool)> = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| (&key["keyid"], key["expires"].is_string()))
        .collect();
    assert_eq!(expires.len(), 2);
    assert!(expires.contains(&(&signed["keyid"], true)), "{keys}");
    second.stop().await;
    // The key that was replaced does not come back.
    let refused = registry::Running::start(config("registry-key.pem"), &world.scene.cx).await.unwrap_err();
    assert!(refused.to_string().contains("was replaced"), "{refused}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_registrys_key_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let world = World::start(None, |config| config).await;
    let key = std::fs::metadata(world.scene.folder().join("registry-key.pem")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
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

#[tokio::test]
async fn attestations_of_a_python_project_are_verified_and_served_in_both_forms_of_the_index() {
    let world = World::start(None, |config| config).await;
    let (name, content) = file_of("1.0.0");
    let attest = async |job, name: &str, content: &[u8]| {
        let artifact = Artifact::file(name, content);
        world.sign(job, |_| Statement::pypi_publish(&artifact)).await.to_pep_740().unwrap()
    };
    let upload = async |version: &str, attestations: Option<&Value>, token: &str| {
        let text = attestations.map(Value::to_string);
        let (kind, body) = form(version, text.as_deref());
        let request = Request::new(Method::Post, http::url(&world.scene.url(), "/legacy/"));
        http::send(&world.scene.cx, request.bearer(&Secret::new(token)).body(kind, body)).await
    };
    let good = attest(Job::default(), &name, &content).await;
    let (evil, _) = STRANGERS[0];
    let foreign = attest(evil, &name, &content).await;
    let elsewhere = attest(Job::default(), "widget-9.tar.gz", &content).await;
    let other_bytes = attest(Job::default(), &name, b"other").await;
    let token = Endpoint::Pypi.token(&world.scene).await;
    for attestations in [
        json!([]),
        json!({}),
        json!([{}]),
        json!([foreign]),
        json!([elsewhere]),
        json!([other_bytes]),
        json!([good, good]),
        json!([good, foreign]),
        json!([good, good, good]),
    ] {
        for token in [&*token, ADMIN] {
            let answer = upload("1.0.0", Some(&attestations), token).await;
            assert_eq!(answer.status, 400, "{attestations}: {}", String::from_utf8_lossy(&answer.body));
            assert_eq!(world.stored().await, [""; 0]);
        }
    }
    let answer = upload("1.0.0", Some(&json!([good])), &token).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));

    let url = format!("{}integrity/widget/1.0.0/{name}/provenance", world.scene.url());
    let provenance = http::body(&http::send(&world.scene.cx, http::get_at(&url)).await);
    let publisher = json!({ "kind": "GitHub", "repository": "acme/widget", "workflow": "publish.yml", "environment": null });
    assert_eq!(
        provenance,
        json!({ "version": 1, "attestation_bundles": [{ "publisher": publisher, "attestations": [good] }] })
    );
    let index = http::get(&world.scene.url(), "/simple/widget/");
    let page = http::send(&world.scene.cx, index.clone()).await;
    assert!(String::from_utf8(page.body).unwrap().contains(&format!("data-provenance=\"{url}\"")));
    let json = index.header("accept", "application/vnd.pypi.simple.v1+json");
    let json = http::body(&http::send(&world.scene.cx, json).await);
    assert_eq!(json["files"][0]["provenance"], url);
    let as_text = http::get_at(&url).header("accept", "text/html");
    assert_eq!(http::send(&world.scene.cx, as_text).await.status, 406);
    for path in ["/integrity/widget/1.0.1", "/integrity/gadget/1.0.0"] {
        let elsewhere = http::get(&world.scene.url(), &format!("{path}/{name}/provenance"));
        assert_eq!(http::send(&world.scene.cx, elsewhere).await.status, 404, "{path}");
    }

    // What a version had is not lost.
    for token in [&*token, ADMIN] {
        assert_eq!(upload("1.1.0", None, token).await.status, 400);
    }
}

#[tokio::test]
async fn attestations_of_a_gem_are_verified_and_served() {
    let world = World::start(None, |config| config).await;
    let gem = gems::named(NAME, "1.0.0");
    let claims = world.scene.issuer.token("sigstore", &Changes::default());
    let claims = IdToken::new(claims, Audience::new("sigstore").unwrap()).unwrap();
    let attest = async |job, name: &str| {
        let artifact = Artifact::file(name, &gem);
        let claims = claims.claims().unwrap();
        let bundle = world.sign(job, |_| Statement::github_build(&artifact, &claims).unwrap()).await;
        serde_json::from_str::<Value>(bundle.as_str()).unwrap()
    };
    let push = async |attestations: &Value, token: &str| {
        let part = |head: &str, content: &[u8]| {
            [format!("--b\r\ncontent-disposition: form-data; {head}\r\n\r\n").as_bytes(), content, b"\r\n"]
                .concat()
        };
        let gem = part("name=\"gem\"; filename=\"widget-1.0.0.gem\"", &gem);
        let attestations = part("name=\"attestations\"", attestations.to_string().as_bytes());
        let body = [gem, attestations, b"--b--\r\n".to_vec()].concat();
        let request = Request::new(Method::Post, http::url(&world.scene.url(), "/rubygems/api/v1/gems"));
        let request = request.header("authorization", token).body("multipart/form-data; boundary=b", body);
        http::send(&world.scene.cx, request).await
    };
    let good = attest(Job::default(), "widget-1.0.0.gem").await;
    let (evil, _) = STRANGERS[0];
    let token = Endpoint::Gem.token(&world.scene).await;
    for attestations in [
        json!([]),
        json!([{}]),
        json!([attest(evil, "widget-1.0.0.gem").await]),
        json!([attest(Job::default(), "gadget-1.0.0.gem").await]),
    ] {
        let answer = push(&attestations, &token).await;
        assert_eq!(answer.status, 422, "{attestations}: {}", String::from_utf8_lossy(&answer.body));
        assert_eq!(world.stored().await, [""; 0]);
    }
    let answer = push(&json!([good]), &token).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(world.get("/rubygems/api/v1/attestations/widget-1.0.0.json").await, json!([good]));
    assert_eq!(world.get("/rubygems/api/v1/attestations/widget-1.0.0").await, json!([good]));
    // What a version had is not lost.
    assert_eq!(Endpoint::Gem.send(&world.scene, "1.1.0", &token).await.status, 422);
}

#[tokio::test]
async fn the_origin_of_a_file_of_each_ecosystem_is_known_and_that_of_other_files_is_not() {
    let world = World::start(None, |config| config).await;
    let token = Endpoint::Npm.token(&world.scene).await;
    assert_eq!(world.publish(&document("0.9.0", None), &token).await.status, 201);
    let bundle = world.sign_npm(Job::default(), &artifact(NAME, "1.0.0")).await;
    assert_eq!(world.publish(&document("1.0.0", Some(&bundle)), &token).await.status, 201);
    let (file, content) = file_of("1.0.0");
    let attestation =
        world.sign(Job::default(), |_| Statement::pypi_publish(&Artifact::file(&*file, &content))).await;
    let attestations = json!([attestation.to_pep_740().unwrap()]).to_string();
    let (kind, body) = form("1.0.0", Some(&attestations));
    let token = Endpoint::Pypi.token(&world.scene).await;
    let request = Request::new(Method::Post, http::url(&world.scene.url(), "/legacy/"));
    let answer = http::send(&world.scene.cx, request.bearer(&Secret::new(token)).body(kind, body)).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));

    let database = world.scene.database();
    let names = ["widget@0.9.0", "widget@1.0.0", "widget@2.0.0", "' OR 1=1 --"];
    let npm = registry::origins(database, registry::Ecosystem::Npm, &names).await.unwrap();
    assert_eq!(npm.keys().collect::<Vec<_>>(), ["widget@1.0.0"]);
    let of_pypi = registry::origins(database, registry::Ecosystem::Pypi, &[&file]).await.unwrap();
    assert!(registry::origins(database, registry::Ecosystem::Npm, &[]).await.unwrap().is_empty());
    let [origin] = npm["widget@1.0.0"].as_slice() else { panic!("{npm:?}") };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    assert_eq!(text(&origin.predicate_type), "https://slsa.dev/provenance/v1");
    assert_eq!(origin.digest, format!("{:?}", artifact(NAME, "1.0.0").digest()));
    assert_eq!(text(&origin.repository), "https://github.com/acme/widget");
    let commit = text(&origin.commit);
    assert_eq!(text(&origin.commit_url), format!("https://github.com/acme/widget/commit/{commit}"));
    assert_eq!(text(&origin.workflow), ".github/workflows/publish.yml");
    let workflow = format!("https://github.com/acme/widget/blob/{commit}/.github/workflows/publish.yml");
    assert_eq!(text(&origin.workflow_url), workflow);
    assert!(text(&origin.run_url).starts_with("https://github.com/acme/widget/actions/runs/"));
    assert!(origin.signer.contains("/.github/workflows/publish.yml@"), "{}", origin.signer);
    assert_eq!(text(&origin.runner), "github-hosted");
    let entry = format!("{}/api/v1/log/entries?logIndex={}", world.instance.url(), origin.log_index);
    assert_eq!(text(&origin.log_entry_url), entry);
    assert_eq!(http::send(&world.scene.cx, http::get_at(&entry)).await.status, 200);
    let [python] = of_pypi[&file].as_slice() else { panic!("{of_pypi:?}") };
    assert_eq!(text(&python.predicate_type), "https://docs.pypi.org/attestations/publish/v1");
    assert_eq!((&python.repository, &python.commit), (&origin.repository, &origin.commit));
    assert_ne!(python.log_index, origin.log_index);
}
