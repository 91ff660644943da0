//! A registry under test, and what is sent to it.

use std::error::Error as _;

use oidc_core::http::{HttpErrorKind, Request, Response};
use oidc_core::testing::{FakeHttp, FakePlatform, ManualClock};
use oidc_core::{Audience, Context, IdToken, shown};

use super::harness::Harness;
use crate::client::{ExchangeError, ExchangeRequest, PublishToken, Registry};

/// The text of each publish token that the suite's registries give. No message shows it.
pub(super) const PUBLISH_TOKEN: &str = "publish-hunter2";

/// An answer is no longer than this.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// A message is no longer than this.
const MAX_MESSAGE: usize = 8 * 1024;

/// An answer in the place of the registry's.
pub(super) type Answer = Result<Response, HttpErrorKind>;

/// A registry, an identity token for it, and the network between them.
pub(super) struct Scene<'a, H> {
    pub(super) harness: &'a H,
    pub(super) registry: Box<dyn Registry>,
    pub(super) token: IdToken,
}

impl<'a, H: Harness> Scene<'a, H> {
    /// The registry, with a token for the audience that it asks for.
    pub(super) async fn of(harness: &'a H) -> Self {
        let registry = harness.registry();
        let (http, cx) = network(harness, None);
        let audience = registry.audience(&cx).await.expect("the registry tells its audience");
        assert!(registry.is_own_audience(&audience), "the audience that the registry asks for is its own");
        assert!(
            http.requests().iter().all(|request| request.method.as_str() == "GET"),
            "the audience is asked for by a request that changes nothing"
        );
        let token = id_token(audience.as_str());
        Self { harness, registry, token }
    }

    pub(super) fn request(&self) -> ExchangeRequest<'_> {
        ExchangeRequest::new(&self.token, self.harness.scope())
    }

    /// An exchange whose request with the identity token is answered so, or as the registry answers.
    pub(super) async fn exchange(&self, answer: Option<Answer>) -> Exchanged {
        let (http, cx) = network(self.harness, answer.map(|answer| (self.text().to_owned(), answer)));
        let outcome = self.registry.exchange(&self.request(), &cx).await;
        Exchanged { outcome, requests: http.requests() }
    }

    /// The identity token's text.
    pub(super) fn text(&self) -> &str {
        self.token.secret().expose()
    }

    /// Returns `true` if the identity token itself is the publish token.
    pub(super) fn exchanges_nothing(&self) -> bool {
        !self.registry.protocol().exchanges
    }
}

/// The outcome of an exchange.
pub(super) struct Exchanged {
    pub(super) outcome: Result<PublishToken, ExchangeError>,
    pub(super) requests: Vec<Request>,
}

impl Exchanged {
    /// The number of requests that carry a text.
    pub(super) fn carrying(&self, text: &str) -> usize {
        self.requests.iter().filter(|request| carries(request, text)).count()
    }
}

/// An identity token for an audience, signed by nobody that is trusted.
pub(super) fn id_token(audience: &str) -> IdToken {
    let token = FakePlatform::new().token(audience, FakePlatform::NOW);
    IdToken::new(token, Audience::new(audience).expect("an audience")).expect("a token for the audience")
}

/// The network to a registry. A request that carries a text is answered otherwise.
pub(super) fn network<H: Harness>(harness: &H, otherwise: Option<(String, Answer)>) -> (FakeHttp, Context) {
    network_giving(harness, PUBLISH_TOKEN, otherwise)
}

/// The same, with another text for the publish token.
pub(super) fn network_giving<H: Harness>(
    harness: &H,
    token: &'static str,
    otherwise: Option<(String, Answer)>,
) -> (FakeHttp, Context) {
    let harness = harness.clone();
    let http = FakeHttp::new().on_request(move |request| match &otherwise {
        Some((text, answer)) if carries(request, text) => Some(answer.clone()),
        _ => Some(Ok(harness.answer(request, token))),
    });
    let cx = Context::default().with_clock(ManualClock::at(FakePlatform::NOW)).with_http(http.clone());
    (http, cx)
}

/// A network whose every request is answered so.
pub(super) fn answering(answer: Answer) -> (FakeHttp, Context) {
    let http = FakeHttp::new().on_request(move |_| Some(answer.clone()));
    let cx = Context::default().with_clock(ManualClock::at(FakePlatform::NOW)).with_http(http.clone());
    (http, cx)
}

/// Returns `true` if a text stands in a request: in its URL, a header or its body.
pub(super) fn carries(request: &Request, text: &str) -> bool {
    let in_body = String::from_utf8_lossy(&request.body).contains(text);
    in_body
        || request.url.as_str().contains(text)
        || request.headers.iter().any(|(_, value)| value.expose().contains(text))
}

/// Checks a request that carries a token: bounded, to the registry's own origin, and the token nowhere that is shown.
pub(super) fn assert_sound(registry: &dyn Registry, request: &Request, token: &str) {
    let url = request.url.as_str();
    assert!(
        registry.url().same_origin(&request.url),
        "a token is sent to the registry's own origin, and not to {}",
        shown(url)
    );
    assert!(!url.contains(token), "a token stands in no URL, where logs have it");
    assert!(request.max_body <= MAX_BODY, "an answer is read within {MAX_BODY} bytes");
    assert!(!request.deadline.is_zero(), "a request has a deadline");
    assert!(!format!("{request:?}").contains(token), "a request's `Debug` shows no token");
}

/// Checks that an error says in one line what is wrong, and shows none of these texts.
pub(super) fn assert_told(what: &str, error: &ExchangeError, secrets: &[&str]) {
    let line = error.to_string();
    assert!(!line.is_empty() && !line.contains(char::is_control), "{what}: an error is one line: {line:?}");
    assert!(!error.diagnosis().code.is_empty(), "{what}: an error has a stable code: {line}");
    let mut texts = vec![line, error.diagnosis().to_text(), format!("{error:?}")];
    let mut below = error.source();
    while let Some(error) = below {
        texts.push(format!("{error} {error:?}"));
        below = error.source();
    }
    for text in texts {
        assert!(text.len() <= MAX_MESSAGE, "{what}: an error is told within {MAX_MESSAGE} bytes");
        let secret = secrets.iter().find(|secret| text.contains(**secret));
        assert!(secret.is_none(), "{what}: an error shows no token: {}", shown(&text));
    }
}
