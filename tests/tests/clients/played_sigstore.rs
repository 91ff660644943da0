//! The Sigstore instance that `ci-issuer` plays, used by npm's own Sigstore libraries: they sign there, and they verify with
//! what it says is to be trusted.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use ci_issuer::{Changes, GITHUB, GITLAB, Platform, Settings, sigstore};
use needs::needs;
use oidc_core::http::{Method, Request};
use oidc_core::{Ambient, Context, Detection, Environment, HttpUrl};
use oidc_provenance::{Artifact, Bundle, Services, Statement, Verifier, sign};
use serde_json::{Value, json};
use tests::http;
use tests::javascript::{JavaScript, SIGN, TRUSTED_ROOT, VERIFY};

const STATEMENT: &str = r#"{"_type":"https://in-toto.io/Statement/v1","subject":[]}"#;

struct Played {
    issuer: ci_issuer::Running,
    instance: sigstore::Running,
    cx: Context,
}

impl Played {
    async fn start(platform: &'static Platform, fault: Option<sigstore::Fault>) -> Self {
        let cx = http::system();
        let issuer = ci_issuer::Running::start(Settings::new(platform), &cx).await.unwrap();
        let settings = sigstore::Settings::new(platform.name, issuer.url());
        let settings = sigstore::Settings { fault, ..settings };
        let instance = sigstore::Running::start(settings, &cx).await.unwrap();
        Self { issuer, instance, cx }
    }

    fn root(&self) -> Value {
        serde_json::from_slice(self.instance.file("trusted_root.json").unwrap()).unwrap()
    }

    /// Signs a statement with our own library.
    async fn sign(&self, artifact: &Artifact, services: &Services) -> Bundle {
        let mut job = self.issuer.env().to_vec();
        job.push(("SIGSTORE_ID_TOKEN".to_owned(), self.issuer.token("sigstore", &Changes::default())));
        let cx = self.cx.clone().with_environment(job.into_iter().collect::<Environment>());
        let detection = Detection::new(&cx).token_variable("SIGSTORE_ID_TOKEN");
        let source = Ambient::detect(&oidc_providers::all(), detection).unwrap();
        sign(&Statement::npm(artifact, &cx).unwrap(), &source, services, &cx).await.unwrap()
    }

    /// Signs a statement, and then verifies it: the identity, or the first error.
    async fn sign_and_verify(&self, npm: &JavaScript, audience: &str) -> Result<String, String> {
        let token = self.issuer.token(audience, &Changes::default());
        let given =
            json!({ "url": self.instance.url(), "token": token, "statement": STATEMENT, "fetch": true });
        let signed = npm.run(SIGN, &given).await;
        if !signed.status.success() {
            return Err(signed.stderr);
        }
        let bundle: Value = serde_json::from_str(&signed.stdout).unwrap();
        let verified = npm.run(VERIFY, &json!({ "bundle": bundle, "root": self.root() })).await;
        if verified.status.success() { Ok(verified.stdout.trim().to_owned()) } else { Err(verified.stderr) }
    }
}

#[needs(npm)]
#[tokio::test]
async fn a_job_of_either_platform_signs_and_is_verified_by_npms_libraries() {
    let npm = JavaScript::find().await;
    for platform in [&GITHUB, &GITLAB] {
        let played = Played::start(platform, None).await;
        let issuer = played.issuer.url();
        let workflow = match platform.name {
            "github" => {
                "https://github.com/acme/widget/.github/workflows/publish.yml@refs/tags/v1.0.0".to_owned()
            }
            _ => {
                let host = issuer.trim_start_matches("http://");
                format!("https://{host}/acme/group/widget//.gitlab-ci.yml@refs/tags/v1.0.0")
            }
        };
        // The proofs of the second and third entries have hashes.
        for entries in 1..=3 {
            let identity = played.sign_and_verify(&npm, "sigstore").await;
            assert_eq!(identity, Ok(format!("{workflow} {issuer}")));
            assert_eq!(played.instance.entries(), entries);
        }
    }
}

#[needs(npm)]
#[tokio::test]
async fn npms_libraries_verify_what_our_library_signed_and_ours_what_npms_signed() {
    let npm = JavaScript::find().await;
    let artifact = Artifact::npm("@acme/widget", "1.0.0", b"the bytes of the tarball");
    for platform in [&GITHUB, &GITLAB] {
        let played = Played::start(platform, None).await;
        let url = HttpUrl::parse(played.instance.url()).unwrap();
        let timestamps = HttpUrl::parse(&played.instance.timestamp_url()).unwrap();
        for services in [
            Services::new(url.clone(), url.clone()),
            Services::new(url.clone(), url.clone()).with_timestamps(timestamps),
        ] {
            let bundle = played.sign(&artifact, &services).await;
            let bundle: Value = serde_json::from_str(bundle.as_str()).unwrap();
            let verified = npm.run(VERIFY, &json!({ "bundle": bundle, "root": played.root() })).await;
            assert!(verified.succeeded().contains(played.issuer.url()), "{}", platform.name);
            let mut tampered = bundle;
            tampered["dsseEnvelope"]["payload"] = json!("e30=");
            npm.run(VERIFY, &json!({ "bundle": tampered, "root": played.root() })).await.failed();
        }
        let statement = Statement::pypi_publish(&artifact).to_json();
        let token = played.issuer.token("sigstore", &Changes::default());
        let given =
            json!({ "url": url.as_str().trim_end_matches('/'), "token": token, "statement": statement });
        let signed = npm.run(SIGN, &given).await.succeeded();
        let verifier = Verifier::new(&played.root().to_string()).unwrap();
        let attestation = verifier.authenticate(signed.trim().as_bytes(), &artifact).unwrap();
        assert!(attestation.identity().starts_with("https://"));
    }
}

#[needs(npm)]
#[tokio::test]
async fn each_fault_is_seen_by_npms_libraries_for_what_it_is() {
    use sigstore::Fault;

    let npm = JavaScript::find().await;
    for (fault, error, entries) in [
        (Fault::ExpiredCertificate, "certificate is not valid or expired", 1),
        (Fault::WrongLogKey, "inclusion promise could not be verified", 1),
        (Fault::LogDown, "TLOG_CREATE_ENTRY_ERROR", 0),
        (Fault::NoSct, "expected 1 SCTs, got 0", 1),
        (Fault::WrongSct, "SCT verification failed", 1),
    ] {
        let played = Played::start(&GITHUB, Some(fault)).await;
        let failed = played.sign_and_verify(&npm, "sigstore").await.unwrap_err();
        assert!(failed.contains(error), "{fault:?}: {failed}");
        assert_eq!(played.instance.entries(), entries, "{fault:?}");
    }
}

#[needs(npm)]
#[tokio::test]
async fn an_entry_that_exists_is_there_to_be_fetched() {
    let npm = JavaScript::find().await;
    let played = Played::start(&GITHUB, Some(sigstore::Fault::EntryExists)).await;
    assert!(played.sign_and_verify(&npm, "sigstore").await.is_ok());
    assert_eq!(played.instance.entries(), 1);
}

#[needs(npm)]
#[tokio::test]
async fn a_token_for_somebody_else_gets_no_certificate() {
    let npm = JavaScript::find().await;
    let played = Played::start(&GITHUB, None).await;
    let failed = played.sign_and_verify(&npm, "npm:registry.example").await.unwrap_err();
    assert!(failed.contains("CA_CREATE_SIGNING_CERTIFICATE_ERROR"), "{failed}");
    assert!(failed.contains("expected `sigstore` alone"), "{failed}");
    assert_eq!(played.instance.entries(), 0);
}

#[needs(npm)]
#[tokio::test]
async fn the_trusted_root_comes_by_the_tuf_repository() {
    let npm = JavaScript::find().await;
    let played = Played::start(&GITHUB, None).await;
    played.instance.write(&npm.home().join("sigstore")).unwrap();
    let (root, cache) = (npm.home().join("sigstore/root.json"), npm.home().join("tuf"));
    let given = json!({ "url": played.instance.url(), "root": root, "cache": cache });
    let got: Value = serde_json::from_str(&npm.run(TRUSTED_ROOT, &given).await.succeeded()).unwrap();
    assert_eq!(
        got["certificateAuthorities"][0]["certChain"],
        played.root()["certificateAuthorities"][0]["certChain"]
    );
}

/// What a request without the right proofs is answered, at every endpoint that takes one.
#[tokio::test]
async fn nothing_is_signed_or_logged_that_is_not_proven() {
    let played = Played::start(&GITHUB, None).await;
    let post = async |path: &str, body: Value| {
        let url = HttpUrl::parse(&format!("{}{path}", played.instance.url())).unwrap();
        let request = Request::new(Method::Post, url).body("application/json", body.to_string());
        let answer = http::send(&played.cx, request).await;
        (answer.status, http::message(&answer))
    };
    let token = played.issuer.token("sigstore", &Changes::default());
    let key = rcgen::KeyPair::generate().unwrap().public_key_pem();
    let request = json!({
        "credentials": { "oidcIdentityToken": token },
        "publicKeyRequest": { "publicKey": { "content": key }, "proofOfPossession": "MEUCIQ==" },
    });
    let (status, message) = post("/api/v2/signingCert", request).await;
    assert_eq!(status, 400);
    assert!(message.contains("private key"), "{message}");
    let envelope =
        json!({ "payloadType": "x", "payload": "", "signatures": [{ "sig": "MEUCIQ==" }] }).to_string();
    let entry = json!({
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": { "proposedContent": { "envelope": envelope, "verifiers": ["LS0tLS0="] } },
    });
    let (status, message) = post("/api/v1/log/entries", entry).await;
    assert_eq!(status, 400);
    assert!(message.contains("signature"), "{message}");
    assert_eq!(played.instance.entries(), 0);
}
