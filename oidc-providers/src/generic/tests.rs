use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use oidc_core::testing::FakeIssuer;
use oidc_core::{
    Audience, Command, CommandError, CommandOutput, Commands, Context, FileError, Files, Provider,
    SourceErrorKind, TokenSource,
};
use serde_json::json;

use super::{CommandSource, FileSource, Generic, sample};
use crate::cases::{self, Platform};
use crate::harness::{AUDIENCE, NOW, verified};

#[test]
fn every_case_holds() {
    let at = |issuer: &str| Ok(Arc::new(Generic::at(issuer)?) as _);
    cases::hold(Platform { name: super::ID, at, claims: sample::claims_with });
}

const ISSUER: &str = "https://issuer.example";

/// A command that prints.
#[derive(Debug)]
struct Prints(&'static str, String);

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Commands for Prints {
    async fn run(&self, command: Command) -> Result<CommandOutput, CommandError> {
        assert_eq!(command.program, self.0);
        Ok(CommandOutput::new(Some(0), self.1.clone()))
    }
}

/// A file that another process replaces: each read finds another content.
#[derive(Debug, Default)]
struct Replaced(AtomicUsize);

impl Files for Replaced {
    fn read(&self, _path: &Path, _limit: usize) -> Result<Vec<u8>, FileError> {
        Ok(token(self.0.fetch_add(1, Ordering::SeqCst)).into_bytes())
    }
}

fn token(number: usize) -> String {
    FakeIssuer::new(ISSUER).sign(&json!({"aud": AUDIENCE, "number": number}))
}

#[tokio::test]
async fn a_file_is_read_each_time() {
    let source = FileSource::new(&Context::default().with_files(Replaced::default()), "/token");
    let audience = Audience::new(AUDIENCE).unwrap();
    for number in 0..3 {
        assert_eq!(source.token(&audience).await.unwrap().secret().expose(), token(number));
    }
}

#[tokio::test]
async fn a_commands_token_is_held_against_the_audience_afterwards() {
    let context = Context::default().with_commands(Prints("my-agent", token(1)));
    let source = CommandSource::new(&context, Command::new("my-agent", ["token"]));
    assert!(source.token(&Audience::new(AUDIENCE).unwrap()).await.is_ok());
    let error = source.token(&Audience::new("another").unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::InvalidToken);
    assert!(error.diagnosis().to_string().contains("expected `another`"), "{error}");
}

#[test]
fn a_rule_is_what_it_is_seen_as() {
    let provider = Generic::at(ISSUER).unwrap();
    for text in ["a\0", "\u{7}a", "a\u{200b}b", "a\u{202e}b", "a\nb"] {
        for claims in
            [json!({"sub": text}), json!({"sub": "a", "x": ["b", text]}), json!({"sub": "a", text: 1})]
        {
            let error = provider.publisher(&json!({"claims": claims})).unwrap_err().to_string();
            assert!(error.contains("invisible"), "{error}");
        }
    }
    let long = "größe ".repeat(100);
    assert!(
        provider.publisher(&json!({"claims": {"sub": long.trim_end(), "https://acme/x y": "::"}})).is_err()
    );
    assert!(
        provider.publisher(&json!({"claims": {"sub": long.trim_end(), "https://acme/x y": "a::b"}})).is_ok()
    );
}

#[test]
fn a_rule_has_a_bound_and_a_description_no_values() {
    let provider = Generic::at(ISSUER).unwrap();
    for (length, is_taken) in [(1024, true), (1025, false), (2000, false)] {
        let config = json!({"claims": {"sub": "x".repeat(length), "project": 7}});
        match provider.publisher(&config) {
            Ok(publisher) if is_taken => assert_eq!(publisher.describe(), "rules on project, sub"),
            refused => assert!(refused.is_err() && !is_taken, "{length}"),
        }
    }
}

#[test]
fn a_refusal_tells_what_was_found_and_not_what_was_expected() {
    let config = json!({"claims": {"sub": "system:serviceaccount:acme:other"}});
    let provider = Generic::at(ISSUER).unwrap();
    let mut claims = sample::claims(ISSUER, AUDIENCE, NOW, "id");
    claims["aud"] = AUDIENCE.into();
    let claims = verified(&provider, &claims).unwrap();
    let mismatch = provider.publisher(&config).unwrap().check(&claims).unwrap_err().to_string();
    assert!(mismatch.contains("acme:publisher") && !mismatch.contains("acme:other"), "{mismatch}");
}

#[test]
fn another_tenant_of_the_issuer_is_a_stranger_under_another_identity() {
    let generic = Generic::at(ISSUER).unwrap();
    let rules = json!({ "found_by": "project", "claims": { "project": "acme", "tier": "production" } });
    let publisher = generic.publisher(&rules).unwrap();
    let of = |claims: serde_json::Value| {
        let mut sample = sample::claims(ISSUER, AUDIENCE, NOW, "id");
        sample["aud"] = json!(AUDIENCE);
        sample.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        verified(&generic, &sample).unwrap()
    };
    let tenant = of(json!({ "project": "evil", "tier": "production", "sub": "acme" }));
    assert!(!generic.identities(&tenant).unwrap().contains(&publisher.identity()));
    assert!(publisher.check(&tenant).unwrap_err().is_stranger());
    let own = of(json!({ "project": "acme", "tier": "test" }));
    assert!(generic.identities(&own).unwrap().contains(&publisher.identity()));
    assert!(!publisher.check(&own).unwrap_err().is_stranger());
    // A claim's value under another name is another identity.
    let swapped = of(json!({ "sub": "project=acme", "project": "x", "owner": "acme" }));
    assert!(!generic.identities(&swapped).unwrap().contains(&publisher.identity()));
}
