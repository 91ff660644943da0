//! A registry's exchange, compared with recorded requests and answers.
#![allow(unreachable_pub)]

use oidc_core::http::{HeaderValue, Method, Request, Response};
use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_core::{Audience, Context, IdToken, Timestamp};
use oidc_exchange::client::{ExchangeErrorKind, ExchangeRequest, PublishToken, Registry, Scope};
use serde_json::{Value, json};

/// The job's clock.
pub const NOW: u64 = 1_700_000_000;
pub const EXPIRY: u64 = 1_767_229_200;
pub const EXPIRY_TEXT: &str = "2026-01-01T01:00:00Z";

pub fn id_token(audience: &str) -> IdToken {
    let issuer = FakeIssuer::new("https://issuer.example");
    let claims =
        json!({ "iss": issuer.url(), "aud": audience, "jti": FakeIssuer::unique_id(), "exp": EXPIRY });
    IdToken::new(issuer.sign(&claims), Audience::new(audience).unwrap()).unwrap()
}

pub fn context(http: &FakeHttp) -> Context {
    Context::default().with_http(http.clone()).with_clock(ManualClock::at(NOW))
}

pub fn answering(status: u16, body: &str) -> FakeHttp {
    let body = body.to_owned();
    FakeHttp::new().on_request(move |_| Some(Ok(Response::new(status, Vec::new(), body.clone()))))
}

/// The place of an identity token in a request.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    Bearer,
    Member(&'static str),
}

/// One registry's exchange as it is on the wire.
pub struct Recorded<R: Registry> {
    pub registry: R,
    pub scope: Scope,
    pub audience: &'static str,
    pub url: &'static str,
    pub place: Place,
    /// The members of the body in addition to the token.
    pub body: Value,
    pub answer: (u16, Value),
    pub token: &'static str,
    pub expires: Option<u64>,
}

pub fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let found = request.headers.iter().find(|(header, _)| *header == name);
    found.map(|(_, value)| value.expose())
}

/// The members of a body, of JSON or of a form.
fn members(request: &Request) -> Value {
    if header(request, "content-type") == Some("application/x-www-form-urlencoded") {
        let pairs = form_urlencoded::parse(&request.body);
        return pairs.map(|(name, value)| (name.into_owned(), Value::from(value.into_owned()))).collect();
    }
    serde_json::from_slice(&request.body).unwrap_or(json!({}))
}

impl<R: Registry> Recorded<R> {
    pub async fn exchanged(&self, http: &FakeHttp) -> PublishToken {
        let token = id_token(self.audience);
        self.registry
            .exchange(&ExchangeRequest::new(&token, self.scope.clone()), &context(http))
            .await
            .unwrap()
    }

    pub async fn check(&self) {
        let body = match &self.answer.1 {
            Value::String(raw) => raw.clone(),
            answer => answer.to_string(),
        };
        let http = answering(self.answer.0, &body);
        let token = self.exchanged(&http).await;
        assert_eq!(token.secret_for(&self.scope).unwrap().expose(), self.token, "{}", self.url);
        assert_eq!(token.expires_at().map(Timestamp::as_secs), self.expires, "{}", self.url);
        assert!(!format!("{token:?}").contains(self.token));

        let [request] = &http.requests()[..] else { panic!("asked once") };
        assert_eq!((request.method, request.url.as_str()), (Method::Post, self.url));
        let mut sent = members(request);
        let jwt = match self.place {
            Place::Bearer => {
                header(request, "authorization").unwrap().strip_prefix("Bearer ").unwrap().to_owned()
            }
            Place::Member(name) => {
                assert_eq!(header(request, "authorization"), None);
                sent.as_object_mut().unwrap().remove(name).unwrap().as_str().unwrap().to_owned()
            }
        };
        assert_eq!(jwt.split('.').count(), 3, "{}", self.url);
        assert_eq!(sent, self.body, "{}", self.url);
        assert!(
            !request
                .headers
                .iter()
                .any(|(_, value)| matches!(value, HeaderValue::Plain(text) if text.contains(&jwt)))
        );

        self.refusals().await;
        self.reasons().await;
        self.hostile_answers().await;
        self.hostile_tokens().await;
    }

    async fn refusals(&self) {
        for body in [
            r#"{"errors":[{"detail":"no such publisher"}]}"#,
            r#"{"message":"Token request failed","errors":[{"code":"x","description":"no such publisher"}]}"#,
            r#"{"error":"no such publisher"}"#,
            r#"{"message":"no such publisher"}"#,
            "no such publisher",
        ] {
            let http = answering(403, body);
            let token = id_token(self.audience);
            let error = self
                .registry
                .exchange(&ExchangeRequest::new(&token, self.scope.clone()), &context(&http))
                .await
                .unwrap_err();
            assert!(matches!(error.kind(), ExchangeErrorKind::Rejected { status: 403, .. }));
            assert!(error.to_string().contains("no such publisher"), "{error}");
            assert_eq!(http.requests().len(), 1, "an exchange is never tried again");
        }
    }

    /// A registry's own reason needs no advice by status, and a status without one has some.
    async fn reasons(&self) {
        for status in [400, 401, 403, 404, 409, 422] {
            for (body, has_reason) in [
                (r#"{"errors":[{"detail":"the environment `x` is wanted"}]}"#, true),
                (r#"{"errors":[{"code":"x","description":"the environment `x` is wanted"}]}"#, true),
                (r#"{"error":"the environment `x` is wanted"}"#, true),
                (r#"{"title":"x","detail":"the environment `x` is wanted"}"#, true),
                ("the environment `x` is wanted", true),
                ("", false),
                ("{}", false),
                (r#"{"error":"Bad Request"}"#, false),
            ] {
                let http = answering(status, body);
                let token = id_token(self.audience);
                let error = self
                    .registry
                    .exchange(&ExchangeRequest::new(&token, self.scope.clone()), &context(&http))
                    .await
                    .unwrap_err();
                let fix = error.diagnosis().fix.as_deref();
                assert_eq!(fix.is_none(), has_reason, "{} {status} {body}: {error}", self.url);
                assert_eq!(error.to_string().contains("environment `x`"), has_reason, "{error}");
            }
        }
    }

    /// An answer that holds no usable token gives none, and shows nothing that may be one.
    async fn hostile_answers(&self) {
        let long = format!("\"{}\"", "a".repeat(9000));
        for body in
            ["{}", "[]", "null", "{\"token\":7}", "<html>hi there</html>", "two words", "", long.as_str()]
        {
            let http = answering(200, body);
            let token = id_token(self.audience);
            let error = self
                .registry
                .exchange(&ExchangeRequest::new(&token, self.scope.clone()), &context(&http))
                .await;
            match error {
                Ok(token) => {
                    // prefix.dev's answer is text; what may stand in a header is a token to it.
                    assert!(self.url.contains("mint_token"), "{} {body}", self.url);
                    assert!(token.secret_for(&self.scope).unwrap().expose().is_ascii());
                }
                Err(error) => {
                    use ExchangeErrorKind::{InvalidAnswer, InvalidToken, NoToken};
                    assert!(
                        matches!(error.kind(), InvalidAnswer | InvalidToken | NoToken),
                        "{} {body}",
                        self.url
                    );
                    assert!(error.to_string().len() < 500);
                }
            }
        }
        // A redirect is an answer like any other that is no success.
        let http = FakeHttp::new().on_request(|_| {
            let to = vec![("location".to_owned(), "https://evil.example/".to_owned())];
            Some(Ok(Response::new(307, to, "")))
        });
        let token = id_token(self.audience);
        let error = self
            .registry
            .exchange(&ExchangeRequest::new(&token, self.scope.clone()), &context(&http))
            .await
            .unwrap_err();
        assert!(matches!(error.kind(), ExchangeErrorKind::Rejected { status: 307, .. }), "{error}");
        assert_eq!(http.requests().len(), 1);
    }

    /// A token that would be read as more than a token by a terminal, a header or the CI's runner is an error, and is not
    /// shown.
    async fn hostile_tokens(&self) {
        for hostile in [
            "a\nhunter3",
            "a\r::add-mask::hunter3",
            "a\u{1b}[31mhunter3",
            "a\0hunter3",
            "a\u{85}hunter3",
            "hunter3é",
            "two hunter3",
            "::stop-commands::hunter3",
            "::add-mask::hunter3",
            "##[add-mask]hunter3",
            "hunter3##[error]x",
            "x[y###[error]hunter3",
            "##vso[task.complete]hunter3",
            "x##vso[task.setvariable;variable=y]hunter3",
            "##teamcity[hunter3]",
        ] {
            let (status, mut body) = self.answer.clone();
            match &mut body {
                Value::String(raw) => hostile.clone_into(raw),
                answer => {
                    let members = answer.as_object_mut().unwrap();
                    let in_play =
                        |value: &Value| value.as_str().is_some_and(|text| self.token.contains(text));
                    for value in members.values_mut().filter(|value| in_play(value)) {
                        *value = hostile.into();
                    }
                }
            }
            let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
            let http = answering(status, &body);
            let token = id_token(self.audience);
            let error = self
                .registry
                .exchange(&ExchangeRequest::new(&token, self.scope.clone()), &context(&http))
                .await
                .unwrap_err();
            assert_eq!(error.kind(), &ExchangeErrorKind::InvalidToken, "{} {hostile:?}", self.url);
            let text = error.to_string();
            assert!(!text.contains("hunter3") && text.contains("publish token"), "{text}");
        }
    }

    /// The audience, of a registry that derives it.
    pub async fn check_audience(&self) {
        let audience = self.registry.audience(&Context::default()).await.unwrap();
        assert_eq!(audience.as_str(), self.audience);
    }

    /// A documented refusal: its words are told, and the fix where it is known.
    pub async fn refuses(&self, status: u16, body: &Value, says: &str, fix: Option<&str>) {
        let http = answering(status, &body.to_string());
        let token = id_token(self.audience);
        let request = ExchangeRequest::new(&token, self.scope.clone());
        let error = self.registry.exchange(&request, &context(&http)).await.unwrap_err();
        let kind = error.kind();
        assert!(
            matches!(kind, ExchangeErrorKind::Rejected { status: told, .. } if *told == status),
            "{error}"
        );
        assert!(error.to_string().contains(says), "{body}: {error}");
        let found = error.diagnosis().fix.as_deref();
        match fix {
            Some(fix) => assert!(found.is_some_and(|found| found.contains(fix)), "{body}: {found:?}"),
            None => assert_eq!(found, None, "{body}"),
        }
    }
}
