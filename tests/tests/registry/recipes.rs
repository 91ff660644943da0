//! The recipes of docs/registry.md for issuers without a platform of their own, with tokens of the shape that those issuers
//! sign: ES256, an audience in an array, no `typ`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use oidc_core::Context;
use oidc_core::testing::{FakeIssuer, SigningAlgorithm};
use oidc_providers::generic::sample;
use registry::Config;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::http;
use tests::scene::database;

const PAGE: &str = include_str!("../../../docs/registry.md");
const WIDGET: &str = "@acme/widget";
const AUDIENCE: &str = "npm:127.0.0.1";

/// The configuration below a heading of the page.
fn recipe(heading: &str) -> &'static str {
    let (_, section) = PAGE.split_once(&format!("\n#### {heading}\n")).expect(heading);
    let (_, toml) = section.split_once("```toml\n").expect(heading);
    toml.split_once("```").expect(heading).0
}

struct World {
    cx: Context,
    issuer: FakeIssuer,
    registry: registry::Running,
    _folder: TempDir,
}

impl World {
    /// A registry as the recipe says, which reads the issuer's keys from a file.
    async fn start(heading: &str, algorithm: SigningAlgorithm) -> Self {
        let (cx, folder) = (http::system(), tempfile::tempdir().unwrap());
        let recipe = recipe(heading);
        let url = recipe.split("issuer = \"").nth(1).unwrap().split('"').next().unwrap();
        let issuer = FakeIssuer::with_algorithms(url, &[algorithm]);
        let keys = folder.path().join("jwks.json");
        std::fs::write(&keys, issuer.jwks().to_string()).unwrap();
        let head = "listen = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:0\"\n";
        let text = format!("{head}database = \"{}\"\n{recipe}", database(folder.path()));
        let text = text.replace("\"jwks.json\"", &format!("\"{}\"", keys.display()));
        let registry = registry::Running::start(Config::parse(&text).unwrap(), &cx).await.unwrap();
        Self { cx, issuer, registry, _folder: folder }
    }

    fn now(&self) -> u64 {
        self.cx.clock().now().as_secs()
    }

    /// The status of an exchange of a token with these claims.
    async fn status(&self, claims: &Value) -> u16 {
        let key = self.issuer.jwks()["keys"][0].clone();
        let token = self.issuer.sign_as(&json!({ "alg": key["alg"], "kid": key["kid"] }), claims);
        let url = self.registry.public_url().as_str().trim_end_matches('/').to_owned();
        http::send(&self.cx, http::exchange(&url, WIDGET, &token)).await.status
    }
}

/// A change of a token's claims.
type Change = fn(&mut Value);

#[tokio::test]
async fn a_kubernetes_service_account_publishes_by_the_recipe_and_no_other_does() {
    for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::Rs256, SigningAlgorithm::Es384] {
        let world = World::start("Kubernetes", algorithm).await;
        let usual = || sample::claims(world.issuer.url(), AUDIENCE, world.now(), &FakeIssuer::unique_id());
        assert_eq!(usual()["aud"], json!([AUDIENCE]));
        assert_eq!(world.status(&usual()).await, 201, "{algorithm:?}");
        let changes: [(&str, Change); 9] = [
            ("another account", |claims| claims["sub"] = json!("system:serviceaccount:acme:other")),
            ("another namespace", |claims| claims["sub"] = json!("system:serviceaccount:evil:publisher")),
            ("an account created again", |claims| {
                claims["kubernetes.io"]["serviceaccount"]["uid"] =
                    json!("99999999-9999-4999-8999-999999999999");
            }),
            ("another namespace inside", |claims| claims["kubernetes.io"]["namespace"] = json!("evil")),
            ("no object", |claims| claims["kubernetes.io"] = json!(null)),
            ("an object in an array", |claims| claims["kubernetes.io"] = json!([claims["kubernetes.io"]])),
            ("two audiences", |claims| claims["aud"] = json!([AUDIENCE, "https://kubernetes.default.svc"])),
            ("the API server's audience", |claims| {
                claims["aud"] = json!(["https://kubernetes.default.svc"]);
            }),
            ("another cluster", |claims| claims["iss"] = json!("https://kubernetes.default.svc")),
        ];
        for (what, change) in changes {
            let mut claims = usual();
            change(&mut claims);
            let status = world.status(&claims).await;
            assert!([401, 403, 404].contains(&status), "{algorithm:?}, {what}: {status}");
        }
        world.registry.stop().await;
    }
}

#[tokio::test]
async fn a_spiffe_workload_publishes_by_the_recipe_and_no_other_does() {
    let world = World::start("SPIFFE", SigningAlgorithm::Es256).await;
    let of = |subject: &str| {
        json!({
            "iss": world.issuer.url(), "aud": [AUDIENCE], "sub": subject, "iat": world.now(), "exp": world.now() + 300,
        })
    };
    assert_eq!(world.status(&of("spiffe://acme.example/ns/acme/sa/publisher")).await, 201);
    for subject in [
        "spiffe://acme.example/ns/acme/sa/other",
        "spiffe://acme.example/ns/acme/sa/publisher/x",
        "spiffe://acme.example.evil/ns/acme/sa/publisher",
        "spiffe://ACME.example/ns/acme/sa/publisher",
        "acme.example/ns/acme/sa/publisher",
    ] {
        assert_eq!(world.status(&of(subject)).await, 404, "{subject}");
    }
    let mut without_issuer = of("spiffe://acme.example/ns/acme/sa/publisher");
    without_issuer.as_object_mut().unwrap().remove("iss");
    assert_eq!(world.status(&without_issuer).await, 401);
    world.registry.stop().await;
}
