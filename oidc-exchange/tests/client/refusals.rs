//! Every refusal that the registries' sources document, for the registries with a server of their own: what a job is told of it.
//! Those of the others are in `exchanges.rs`.

use oidc_exchange::client::{
    CratesIo, ExchangeErrorKind, ExchangeRequest, Npm, NuGet, Packagist, PrefixDev, Pypi, Registry, RubyGems,
    Scope, VsMarketplace,
};
use serde_json::{Value, json};

use crate::recorded::{answering, context, id_token};

/// A refusal: its status and body, the part of its words that a job is told, and a part of the fix, if one is known.
type Row = (u16, Value, &'static str, Option<&'static str>);

async fn refuses(registry: &dyn Registry, scope: &Scope, audience: &str, rows: &[Row]) {
    for (status, body, says, fix) in rows {
        let http = answering(*status, &body.to_string());
        let token = id_token(audience);
        let request = ExchangeRequest::new(&token, scope.clone());
        let error = registry.exchange(&request, &context(&http)).await.unwrap_err();
        assert!(
            matches!(error.kind(), ExchangeErrorKind::Rejected { status: told, .. } if told == status),
            "{body}: {error}"
        );
        assert!(error.to_string().contains(says), "{body}: {error}");
        let found = error.diagnosis().fix.as_deref();
        match fix {
            Some(fix) => assert!(found.is_some_and(|found| found.contains(fix)), "{body}: {found:?}"),
            None => assert!(error.known_refusal().is_none(), "{body}: {found:?}"),
        }
        assert_eq!(http.requests().len(), 1, "{body}: a refusal is not asked for twice");
    }
}

/// crates.io's envelope (`controllers/trustpub/tokens/exchange/mod.rs`).
fn detail(text: &str) -> Value {
    json!({ "errors": [{ "detail": text }] })
}

#[tokio::test]
async fn crates_io() {
    let again = Some("each one is taken once");
    let events = "Trusted Publishing is not supported for the `pull_request_target` event";
    let rows = [
        (400, detail("Failed to decode JWT"), "Failed to decode JWT", Some("get a new identity token")),
        (400, detail("Unsupported JWT issuer: https://ci.example"), "Unsupported JWT issuer", None),
        (400, detail("Missing JWT key ID"), "Missing JWT key ID", None),
        (400, detail("Invalid JWT key ID"), "Invalid JWT key ID", None),
        (500, detail("Failed to load OIDC key set"), "Failed to load OIDC key set", None),
        (400, detail("JWT has already been used"), "already been used", again),
        (400, detail(events), "pull_request_target", None),
        (
            400,
            detail("No Trusted Publishing config found for repository `acme/widget`."),
            "config found",
            None,
        ),
        (400, detail("The repository owner's id `9` is none of the configured `1`"), "owner's id `9`", None),
        (400, detail("The workflow file `publish.yml` is not the configured one"), "workflow file", None),
        (400, detail("The environment `test` is not the configured `release`"), "environment `test`", None),
        (415, detail("Expected request with `Content-Type: application/json`"), "application/json", None),
        (422, detail("Failed to deserialize the JSON body into the target type"), "deserialize", None),
    ];
    refuses(&CratesIo::public(), &Scope::Identity, "crates.io", &rows).await;
}

/// A message, and errors with codes and descriptions, by warehouse's source (`oidc/views.py`): the status is always 422. That the
/// whole is off, the endpoint of the audience says, with 403 (`registries.rs`).
#[tokio::test]
async fn pypi() {
    let said = |code: &str, description: &str| {
        let errors = json!([{ "code": code, "description": description }]);
        json!({ "message": "Token request failed", "errors": errors })
    };
    let payload = |description: &str| said("invalid-payload", description);
    let rows = [
        (422, payload("Input should be a valid string"), "valid string", None),
        (422, payload("malformed JWT"), "malformed JWT", None),
        (422, payload("unknown trusted publishing issuer"), "unknown trusted publishing issuer", None),
        // A pending publisher could not create its project: the words are those of the creation.
        (422, payload("The name 'pip' isn't allowed."), "isn't allowed", None),
        (
            422,
            said("not-enabled", "GitHub trusted publishing functionality not enabled"),
            "GitHub trusted publishing functionality not enabled",
            None,
        ),
        (422, said("invalid-token", "malformed or invalid token"), "malformed or invalid token", None),
        (
            422,
            said("invalid-publisher", "valid token, but no corresponding publisher (environment differs)"),
            "no corresponding publisher (environment differs)",
            None,
        ),
        (422, said("invalid-reuse-token", "invalid token: already used"), "already used", Some("taken once")),
        (
            422,
            said("invalid-pending-publisher", "valid token, but project already exists"),
            "project already exists",
            Some("run the publish again"),
        ),
    ];
    refuses(&Pypi::public(), &Scope::Identity, "pypi", &rows).await;
}

/// rubygems.org says little: 400 for the form, 404 for everything else.
#[tokio::test]
async fn rubygems() {
    let rows = [
        (400, json!({ "error": "Invalid JWT" }), "Invalid JWT", None),
        (404, json!("Not Found"), "404", None),
    ];
    refuses(&RubyGems::public(), &Scope::Identity, "rubygems.org", &rows).await;
}

/// Answers in the form that npm's own client reads. npmjs says the same of an unknown package and of any claim that differs, and
/// 401 of a token or an issuer that it does not know.
#[tokio::test]
async fn npm() {
    let rows = [
        (400, json!({ "message": "Bad Request" }), "Bad Request", None),
        (401, json!({ "message": "unauthorized" }), "unauthorized", None),
        (403, json!({ "message": "OIDC permission denied" }), "permission denied", None),
        (
            404,
            json!({ "message": "OIDC token exchange error - package not found" }),
            "token exchange error - package not found",
            None,
        ),
        (
            403,
            json!({ "message": "OIDC permission denied for this action" }),
            "permission denied",
            Some("allowed actions"),
        ),
        (500, json!({ "message": "Internal Server Error" }), "Internal Server Error", None),
    ];
    let scope = Npm::scope("@acme/widget").unwrap();
    refuses(&Npm::public(), &scope, "npm:registry.npmjs.org", &rows).await;
}

/// Answers in the form of `NuGetGallery`'s.
#[tokio::test]
async fn nuget() {
    let said = |text: &str| json!({ "error": text });
    let named = Some("account that created the policy");
    let rows = [
        (400, said("The username property in the request body is required."), "username", None),
        (400, said("A User-Agent header is required."), "User-Agent", None),
        (401, said("The bearer token could not be validated."), "bearer token", None),
        (401, said("The bearer token has already been used."), "already been used", Some("taken once")),
        (401, said("No matching trust policy owned by user 'acme' was found."), "trust policy", named),
        (401, said("Trust policies can't be used directly for organizations."), "organizations", named),
        (404, said("The feature is not available."), "not available", None),
        (415, said("The request must have a JSON body."), "JSON body", None),
    ];
    refuses(&NuGet::public("acme"), &Scope::Identity, "https://www.nuget.org", &rows).await;
}

#[tokio::test]
async fn registries_that_only_their_clients_are_known_of() {
    let rows = [(401, json!({ "error": "invalid token" }), "invalid token", None)];
    refuses(&PrefixDev::public(), &Scope::Identity, "prefix.dev", &rows).await;
    let marketplace = VsMarketplace::public("acme");
    refuses(&marketplace, &Scope::Identity, "marketplace.visualstudio.com", &rows).await;
    let not_there = [(404, json!({ "message": "no such page" }), "no such page", None)];
    refuses(&marketplace, &Scope::Identity, "marketplace.visualstudio.com", &not_there).await;
    let rows = [
        (401, json!({ "status": "error", "message": "Invalid token" }), "Invalid token", None),
        (403, json!({ "status": "error", "message": "No trusted publisher" }), "No trusted publisher", None),
    ];
    let packagist = Packagist::public("acme".parse().unwrap());
    let scope = Packagist::scope("acme/widget").unwrap();
    refuses(&packagist, &scope, "https://packagist.com", &rows).await;
}
