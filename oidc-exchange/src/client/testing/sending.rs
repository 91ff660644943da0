//! Requests to a registry, and those that must not be made.

use oidc_core::{Audience, HttpUrl, IdToken, Secret};

use super::harness::Harness;
use super::scene::{Exchanged, PUBLISH_TOKEN, Scene, assert_sound, assert_told, carries, id_token, network};
use crate::client::{ExchangeErrorKind, ExchangeRequest, PublishToken, Scope};

pub(super) async fn an_exchange_sends_the_identity_token_once<H: Harness>(harness: &H) {
    let scene = Scene::of(harness).await;
    let registry = &*scene.registry;
    for name in registry.protocol().token_variables {
        let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        assert!(!name.is_empty() && name.chars().all(is_name), "`{name}` is a variable's name");
    }
    let exchanged = scene.exchange(None).await;
    let expected = if scene.exchanges_nothing() { scene.text() } else { PUBLISH_TOKEN };
    let sent = if scene.exchanges_nothing() { 0 } else { 1 };
    assert_eq!(exchanged.carrying(scene.text()), sent, "an exchange sends the identity token in one request");
    let Exchanged { outcome, requests } = exchanged;
    for request in requests.iter().filter(|request| carries(request, scene.text())) {
        assert_sound(registry, request, scene.text());
        assert!(request.method.as_str() != "GET", "an exchange is no `GET`, which may be tried again");
    }
    let token = outcome.expect("the registry gives a token to a job that it accepts");
    assert_eq!(token.scope(), &harness.scope(), "a publish token is for the scope that was asked for");
    let secret = token.secret_for(&harness.scope()).expect("a publish token's text is for its scope");
    assert!(secret.expose().contains(expected), "a publish token's text is the registry's");
    assert!(!format!("{token:?}").contains(expected), "a publish token's `Debug` shows no text");
    assert!(!format!("{registry:?}").contains(scene.text()), "a registry's `Debug` shows no token");
}

/// Two exchanges, each with a token of its own, as long publishes need.
pub(super) async fn each_exchange_sends_its_own_identity_token<H: Harness>(harness: &H) {
    let first = Scene::of(harness).await;
    let second = Scene { token: id_token(first.token.audience().as_str()), ..Scene::of(harness).await };
    for (scene, other) in [(&first, &second), (&second, &first)] {
        let exchanged = scene.exchange(None).await;
        assert_eq!(
            exchanged.carrying(other.text()),
            0,
            "an exchange sends no identity token of another exchange"
        );
        assert!(exchanged.outcome.is_ok(), "a registry is asked as often as there are identity tokens");
    }
    let opaque = IdToken::opaque("whatever-the-variable-holds", first.token.audience().clone());
    let opaque = Scene { token: opaque.expect("a text that is no JWT"), ..Scene::of(harness).await };
    let outcome = opaque.exchange(None).await.outcome;
    assert!(
        outcome.is_ok(),
        "a token that is no JWT is sent, if it was requested for this registry: {outcome:?}"
    );
}

/// Names that no registry has for a package.
fn hostile_names() -> Vec<Scope> {
    let names = [
        "",
        " ",
        "..",
        "../../evil",
        "a/b/c/d",
        "a%2f..",
        "a b",
        "a\r\nhost: evil.example",
        "a\0b",
        "a\u{1b}[31m",
        "?a=b",
        "#a",
        "\u{202e}a",
        "https://evil.example/",
        "@",
    ];
    let long = Scope::Package("a".repeat(100_000));
    names.into_iter().map(|name| Scope::Package(name.to_owned())).chain([long]).collect()
}

pub(super) async fn a_foreign_scope_is_refused_before_anything_is_sent<H: Harness>(harness: &H) {
    let scene = Scene::of(harness).await;
    let accepted = scene.registry.check_scope(&harness.scope());
    assert!(accepted.is_ok(), "a scope that the registry has tokens for passes its check: {accepted:?}");
    for scope in hostile_names() {
        let checked = scene.registry.check_scope(&scope);
        assert!(checked.is_err(), "what is no package's name is refused: {scope}");
    }
    for scope in hostile_names().into_iter().chain([Scope::Identity]) {
        let Err(checked) = scene.registry.check_scope(&scope) else { continue };
        let kinds = [ExchangeErrorKind::Unsupported, ExchangeErrorKind::InvalidRequest];
        assert!(
            kinds.contains(checked.kind()),
            "a scope that there are no tokens for is unsupported or invalid: {checked:?}"
        );
        assert_told("a foreign scope", &checked, &[scene.text()]);
        let (http, cx) = network(harness, None);
        let outcome = scene.registry.exchange(&ExchangeRequest::new(&scene.token, scope.clone()), &cx).await;
        let error = outcome.err().map(|error| error.diagnosis().code);
        assert_eq!(
            error,
            Some(checked.diagnosis().code),
            "an exchange refuses what the check refuses: {scope}"
        );
        assert!(http.requests().is_empty(), "nothing is sent for a scope that is refused: {scope}");
    }
}

pub(super) async fn a_token_for_another_audience_is_sent_to_nobody<H: Harness>(harness: &H) {
    let scene = Scene::of(harness).await;
    let others =
        ["sigstore", "sts.amazonaws.com", "https://vault.corp.example", "npm:another.registry.example"];
    for other in others {
        let audience = Audience::new(other).expect("an audience");
        let is_own = scene.registry.is_own_audience(&audience) && audience != *scene.token.audience();
        assert!(!is_own, "the audience `{other}` is another party's");
        let foreign = id_token(other);
        let (http, cx) = network(harness, None);
        let outcome = scene.registry.exchange(&ExchangeRequest::new(&foreign, harness.scope()), &cx).await;
        assert!(outcome.is_err(), "a token for `{other}` is refused");
        assert!(http.requests().is_empty(), "a token for `{other}` is compared before anything is sent");
        let Err(error) = outcome else { continue };
        assert_eq!(
            error.kind(),
            &ExchangeErrorKind::InvalidRequest,
            "a token for another audience is an invalid request"
        );
        assert_eq!(
            error.diagnosis().code,
            oidc_core::codes::AUDIENCE,
            "a token for another audience is told so"
        );
        assert_told("a token for another audience", &error, &[foreign.secret().expose()]);
    }
}

pub(super) async fn a_token_is_ended_where_it_is_from<H: Harness>(harness: &H) {
    let scene = Scene::of(harness).await;
    let registry = &*scene.registry;
    let token =
        scene.exchange(None).await.outcome.expect("the registry gives a token to a job that it accepts");
    let text = token.secret_for(&harness.scope()).expect("a publish token's text is for its scope").clone();
    let (http, cx) = network(harness, None);
    let ended = registry.revoke(&token, &cx).await;
    let carrying = http.requests().iter().filter(|request| carries(request, text.expose())).count();
    match ended {
        Ok(true) => assert_eq!(carrying, 1, "a token that is ended is sent in one request"),
        Ok(false) => assert!(
            http.requests().is_empty(),
            "nothing is sent where the protocol has no way to end a token"
        ),
        Err(error) => assert!(error.to_string().is_empty(), "a registry ends its token: {error}"),
    }
    for request in http.requests() {
        assert_sound(registry, &request, text.expose());
    }
    is_refused(harness, &scene, &token, &text).await;
    let elsewhere = HttpUrl::parse("https://elsewhere.example/").expect("a URL");
    let stranger = PublishToken::new(Secret::new("hunter3"), harness.scope(), None).from(&elsewhere);
    let (http, cx) = network(harness, None);
    let ended = registry.revoke(&stranger, &cx).await;
    assert!(!matches!(ended, Ok(true)), "a registry ends no token of another one");
    assert!(http.requests().is_empty(), "a publish token of another registry is sent to nobody");
}

/// Checks that a registry which does not end a token is told of, without the token.
async fn is_refused<H: Harness>(harness: &H, scene: &Scene<'_, H>, token: &PublishToken, text: &Secret) {
    let repeating = format!("{{\"message\":\"no {}\"}}", text.expose());
    let refusal = oidc_core::http::Response::new(500, Vec::new(), repeating);
    let (http, cx) = network(harness, Some((text.expose().to_owned(), Ok(refusal))));
    match scene.registry.revoke(token, &cx).await {
        Ok(ended) => assert!(!ended, "a token that the registry did not end is not said to be ended"),
        Err(error) => {
            assert_eq!(http.requests().len(), 1, "the end of a token is asked for once");
            assert_told("a token that is not ended", &error, &[text.expose()]);
        }
    }
}
