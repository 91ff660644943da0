//! The suite for platforms: the fake one passes it, and a platform that breaks a promise fails it with the promise's sentence.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use async_trait::async_trait;
use oidc_core::http::Request;
use oidc_core::testing::FakePlatform;
use oidc_core::testing::conformance::{self, Harness, Job};
use oidc_core::{
    Audience, Claims, Detection, Diagnosis, HttpUrl, IdToken, Identity, ImmutableId, InvalidPublisher, Match,
    Mismatch, Profile, Provider, Publisher, PublisherField, Run, SourceError, SourceErrorKind, Target,
    TokenSource, Verified,
};
use serde_json::Value;

fn at(issuer: &str) -> FakePlatform {
    FakePlatform::at(issuer).unwrap()
}

/// The fake platform, which may break a promise.
#[derive(Clone, Copy, Debug, Default)]
struct Fake(Option<Fault>);

impl Harness for Fake {
    fn provider(&self, issuer: &str) -> Arc<dyn Provider> {
        match self.0 {
            None => Arc::new(at(issuer)),
            Some(fault) => Arc::new(Broken { fake: at(issuer), fault }),
        }
    }

    fn claims(&self, issuer: &str, audience: &str, now: u64) -> Value {
        at(issuer).claims(audience, now)
    }

    fn jobs(&self) -> Vec<Job> {
        vec![
            Job::permitted("a job", FakePlatform::variables()).with_secret(SECRET),
            Job::unpermitted("a job that may not ask", [("FAKE_CI", "true")]),
            Job::elsewhere("a machine", [("FAKE_CI", "false")]),
        ]
    }
}

const SECRET: &str = "secret-key";

#[tokio::test]
async fn the_fake_platform_conforms() {
    conformance::all(&Fake(None)).await;
}

/// A promise that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    AsksInDetection,
    NamesNotEveryVariable,
    PassesOver,
    ShowsSecret,
    GivesAnyAudience,
    TakesUnknownKeys,
    NamesNoField,
    ReadsNoWorkflow,
    IgnoresCase,
    TakesAnyIssuer,
    NamesTheIssuerByThePlatform,
    LearnsAgain,
    TellsStrangers,
    TellsNoRename,
    TellsNoCode,
}

#[tokio::test]
async fn whoever_breaks_a_promise_is_told_which() {
    for (fault, sentence) in [
        (Fault::AsksInDetection, "detection asks nobody over HTTP"),
        (
            Fault::NamesNotEveryVariable,
            "`FAKE_CI` is looked up and not among the platform's `source_variables`",
        ),
        (Fault::PassesOver, "a job without tokens is not passed over"),
        (Fault::ShowsSecret, "shows a secret"),
        (Fault::GivesAnyAudience, "for the audience that was asked for"),
        (Fault::TakesUnknownKeys, "a key that the table of fields lacks is refused"),
        (Fault::NamesNoField, "is told with its field"),
        (Fault::ReadsNoWorkflow, "claim `workflow`, absent: a token with another value"),
        (Fault::IgnoresCase, "claim `workflow`, in upper case: a token with another value"),
        (Fault::TakesAnyIssuer, "another issuer's token with the same claims is refused"),
        (Fault::NamesTheIssuerByThePlatform, "an identity is of the token's issuer"),
        (Fault::LearnsAgain, "an id that was learned is not learned anew"),
        (Fault::TellsStrangers, "is a stranger"),
        (Fault::TellsNoRename, "is of a renamed one"),
        (Fault::TellsNoCode, "a refusal has a stable code"),
    ] {
        let suite = tokio::spawn(async move { conformance::all(&Fake(Some(fault))).await });
        let error = suite.await.expect_err(sentence).into_panic();
        let text = error.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| error.downcast_ref::<&str>().copied()).unwrap_or_default();
        assert!(text.contains(sentence), "{fault:?}: {text}");
    }
}

#[derive(Debug)]
struct Broken {
    fake: FakePlatform,
    fault: Fault,
}

impl Provider for Broken {
    fn id(&self) -> &'static str {
        self.fake.id()
    }

    fn title(&self) -> &'static str {
        self.fake.title()
    }

    fn profile(&self) -> &Profile {
        self.fake.profile()
    }

    fn detect(&self, detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
        if self.fault == Fault::AsksInDetection {
            let request = Request::get(HttpUrl::parse("https://ci.example/").unwrap());
            let mut asked = pin!(detection.context.http().send(request));
            let answer = asked.as_mut().poll(&mut TaskContext::from_waker(Waker::noop()));
            assert!(matches!(answer, Poll::Ready(Err(_))));
        }
        match self.fake.detect(detection) {
            Err(_) if self.fault == Fault::PassesOver => Ok(None),
            Ok(Some(source)) => Ok(Some(Box::new(BrokenSource { source, fault: self.fault }))),
            found => found,
        }
    }

    fn source_variables(&self) -> &'static [&'static str] {
        let names = self.fake.source_variables();
        if self.fault == Fault::NamesNotEveryVariable { &names[1..] } else { names }
    }

    fn identity_variables(&self) -> &'static [&'static str] {
        self.fake.identity_variables()
    }

    fn identify(&self, claims: &Verified<Claims>) -> Result<Identity, Mismatch> {
        let mut identity = self.fake.identify(claims)?;
        if self.fault == Fault::NamesTheIssuerByThePlatform {
            self.id().clone_into(&mut identity.issuer);
        }
        Ok(identity)
    }

    fn immutable_id(&self, identity: &Identity, claims: &Verified<Claims>) -> Option<ImmutableId> {
        self.fake.immutable_id(identity, claims)
    }

    fn publisher_fields(&self) -> &'static [PublisherField] {
        self.fake.publisher_fields()
    }

    fn publisher(&self, config: &Value) -> Result<Box<dyn Publisher>, InvalidPublisher> {
        let mut config = config.clone();
        if self.fault == Fault::TakesUnknownKeys {
            let known = |key: &String| self.publisher_fields().iter().any(|field| field.key == key);
            if let Some(keys) = config.as_object_mut() {
                keys.retain(|key, _| known(key));
            }
        }
        let publisher = self.fake.publisher(&config).map_err(|error| match self.fault {
            Fault::NamesNoField => {
                let subject = Target::Field("publisher".to_owned());
                InvalidPublisher::new(Diagnosis::new("x", subject, "it is wrong").fix("write it anew"))
            }
            _ => error,
        })?;
        let mut lax = config.clone();
        if let Some(keys) = lax.as_object_mut() {
            keys.remove("workflow");
            keys.remove("repository_id");
        }
        let lax = self.fake.publisher(&lax)?;
        Ok(Box::new(BrokenPublisher { publisher, lax, config, fault: self.fault }))
    }

    fn run(&self, claims: &Verified<Claims>) -> Run {
        self.fake.run(claims)
    }
}

#[derive(Debug)]
struct BrokenSource {
    source: Box<dyn TokenSource>,
    fault: Fault,
}

#[async_trait]
impl TokenSource for BrokenSource {
    fn provider(&self) -> &str {
        self.source.provider()
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        match self.fault {
            Fault::ShowsSecret => {
                let problem = format!("the key {SECRET} was not taken");
                Err(SourceError::new(
                    SourceErrorKind::Rejected,
                    Diagnosis::new("x", Target::Platform, problem),
                ))
            }
            Fault::GivesAnyAudience => self.source.token(&Audience::new("any").unwrap()).await,
            _ => self.source.token(audience).await,
        }
    }

    fn is_renewable(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct BrokenPublisher {
    publisher: Box<dyn Publisher>,
    /// The same without rules on workflow and id.
    lax: Box<dyn Publisher>,
    config: Value,
    fault: Fault,
}

impl BrokenPublisher {
    fn is_same_workflow(&self, claims: &Claims) -> bool {
        let (found, expected) = (claims.text("workflow"), self.config["workflow"].as_str());
        found.zip(expected).is_some_and(|(found, expected)| found.eq_ignore_ascii_case(expected))
    }
}

impl Publisher for BrokenPublisher {
    fn identity(&self) -> Identity {
        self.publisher.identity()
    }

    fn check(&self, claims: &Verified<Claims>) -> Result<Match, Mismatch> {
        let checked = self.publisher.check(claims);
        let mismatch = match checked {
            Ok(matched) if self.fault == Fault::LearnsAgain => {
                return Ok(Match::new(matched.specificity, vec![ImmutableId::new("repository_id", "2")]));
            }
            Ok(matched) => return Ok(matched),
            Err(mismatch) => mismatch,
        };
        let diagnosis = mismatch.diagnosis().clone();
        match self.fault {
            Fault::ReadsNoWorkflow => self.lax.check(claims),
            Fault::IgnoresCase if self.is_same_workflow(claims) => self.lax.check(claims),
            Fault::TakesAnyIssuer if diagnosis.target == Target::Claim("iss".to_owned()) => {
                Ok(Match::new(2, Vec::new()))
            }
            Fault::TellsStrangers => Err(Mismatch::new(diagnosis)),
            Fault::TellsNoRename if mismatch.is_renamed() => Err(Mismatch::new(diagnosis)),
            Fault::TellsNoCode => {
                Err(Mismatch::new(Diagnosis::new("", diagnosis.target, "it is another").found("x")))
            }
            _ => Err(mismatch),
        }
    }

    fn describe(&self) -> String {
        self.publisher.describe()
    }
}
