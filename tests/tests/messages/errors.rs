//! Errors as data: every public error type of the libraries gives the error below it as itself, and does not repeat its text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::error::Error;
use std::io;
use std::net::TcpListener;
use std::path::Path;

use oidc_core::blocking::{WouldBlock, complete};
use oidc_core::http::{
    BlockingHttp, HttpClient, HttpError, HttpErrorKind, HttpSettings, Request, SystemHttp,
};
use oidc_core::testing::{FakeIssuer, FakePlatform};
use oidc_core::verify::{Gate, Verifier, backend::AwsLc};
use oidc_core::{
    Ambient, Audience, Command, CommandError, Context, Environment, FileError, HttpUrl, IdToken,
    InvalidIdToken, ProviderSet, SourceError, SystemFiles, TokenSource, VariableSource,
};
use oidc_exchange::client::{ExchangeError, ExchangeRequest, Failure, Npm, Registry as _};
use oidc_exchange::server::{MintError, Package, Refusal, StoreError, TrustError};
use oidc_exchange::sql::SqlStore;
use oidc_providers::generic::{CommandSource, FileSource};
use serde_json::json;

/// An address where nobody listens.
fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}

/// An address where whoever comes is sent away without a word.
fn hanging_up() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            drop(stream);
        }
    });
    url
}

fn audience() -> Audience {
    Audience::new("npm:127.0.0.1").unwrap()
}

fn system(variables: &[(&str, &str)]) -> Context {
    let environment = Environment::from_iter(variables.iter().copied());
    let settings = HttpSettings::from_environment(&environment);
    Context::system_with(environment, settings).unwrap().with_policy(
        // Trying again changes nothing here.
        oidc_core::OperationPolicy::default().with_tries(1).unwrap(),
    )
}

/// The errors of a real client about hosts and proxies that are not there.
async fn http_errors() -> Vec<HttpError> {
    let (closed, hanging_up) = (closed(), hanging_up());
    let https = closed.replace("http:", "https:");
    let mut errors = Vec::new();
    for (url, proxy) in [
        (closed.as_str(), None),
        (&https, None),
        (&hanging_up, None),
        ("https://registry.example/", Some(&closed)),
        ("https://registry.example/", Some(&hanging_up)),
    ] {
        let variables: Vec<_> = proxy.map(|proxy| ("HTTPS_PROXY", proxy.as_str())).into_iter().collect();
        let settings = HttpSettings::from_environment(&Environment::from_iter(variables));
        let request = Request::get(HttpUrl::parse(url).unwrap());
        let awaited = SystemHttp::new(settings.clone()).unwrap().send(request.clone()).await;
        let blocked = complete(BlockingHttp::new(settings).unwrap().send(request)).unwrap();
        errors.extend([awaited.unwrap_err(), blocked.unwrap_err()]);
    }
    errors
}

/// The errors of token sources, each with the error below it.
async fn source_errors() -> Vec<SourceError> {
    let github = format!("{}token", closed());
    let cx = system(&[
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", &github),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "hunter2"),
        ("NO_TOKEN", "header.payload.signature"),
    ]);
    let platform = Ambient::detect(&oidc_providers::all(), &cx).unwrap();
    let error = platform.token(&audience()).await.unwrap_err();
    assert!(error.source().unwrap().is::<HttpError>(), "{error:?}");
    assert!(matches!(error.http().unwrap().kind(), HttpErrorKind::Connect(_)), "{error:?}");
    let mut errors = vec![error];

    let error = VariableSource::new(&cx, "NO_TOKEN").token(&audience()).await.unwrap_err();
    assert!(error.source().unwrap().is::<InvalidIdToken>() && error.http().is_none(), "{error:?}");
    errors.push(error);

    let command = CommandSource::new(&cx, Command::new("no-such-command-here", [""; 0]));
    let error = command.token(&audience()).await.unwrap_err();
    assert!(error.source().unwrap().is::<CommandError>(), "{error:?}");
    errors.push(error);

    let file = FileSource::new(&cx.with_files(SystemFiles), Path::new("/no/such/file"));
    let error = file.token(&audience()).await.unwrap_err();
    assert!(error.source().unwrap().is::<FileError>(), "{error:?}");
    errors.push(error);
    errors
}

/// The errors about a registry that is not there.
async fn exchange_error() -> ExchangeError {
    let token = FakeIssuer::new("https://issuer.example").sign(&json!({ "aud": audience().as_str() }));
    let token = IdToken::new(token, audience()).unwrap();
    let request = ExchangeRequest::new(&token, Npm::scope("widget").unwrap());
    let error = Npm::at(&closed()).unwrap().exchange(&request, &system(&[])).await.unwrap_err();
    assert!(error.source().unwrap().is::<HttpError>(), "{error:?}");
    assert!(matches!(error.http().unwrap().kind(), HttpErrorKind::Connect(_)), "{error:?}");
    error
}

/// Errors of every type that has one below it, under the type's name.
async fn samples() -> Vec<(&'static str, Box<dyn Error>)> {
    let mut samples: Vec<(&'static str, Box<dyn Error>)> = Vec::new();
    for error in http_errors().await {
        samples.push(("HttpErrorKind", Box::new(error.kind().clone())));
        samples.push(("HttpError", Box::new(error)));
    }
    for error in source_errors().await {
        samples.push(("SourceError", Box::new(error)));
    }
    for error in source_errors().await {
        samples.push(("Failure", Box::new(Failure::from(error))));
    }
    samples.push(("ExchangeError", Box::new(exchange_error().await)));
    samples.push(("Failure", Box::new(Failure::from(exchange_error().await))));
    let blocked = oidc_exchange::blocking::Error::from(Failure::from(exchange_error().await));
    samples.push(("Error", Box::new(blocked)));
    samples.push(("Error", Box::new(oidc_exchange::blocking::Error::from(WouldBlock))));
    let gone = || StoreError::new(io::Error::other("the disk is gone"));
    assert!(gone().source().unwrap().is::<io::Error>());
    samples.push(("StoreError", Box::new(gone())));
    samples.push(("TrustError", Box::new(TrustError::from(gone()))));
    samples.push(("MintError", Box::new(MintError::new(io::Error::other("the key is gone")))));
    let missing = SqlStore::open("sqlite:///no/such/folder/registry.db").await.unwrap_err();
    assert!(missing.source().is_some(), "{missing:?}");
    samples.push(("OpenError", Box::new(missing)));
    let refusal = Refusal::from(gone());
    assert!(refusal.source().unwrap().is::<StoreError>());
    samples.push(("Refusal", Box::new(refusal)));
    let provider = oidc_providers::at("github", "ftp://issuer.example").unwrap_err();
    samples.push(("InvalidProvider", Box::new(provider)));
    let package = Package::new("npm", "no name").check().unwrap_err();
    samples.push(("InvalidPackage", Box::new(package)));
    samples.extend(gate_errors().await);
    samples
}

/// The errors of a gate and its verifier: rules and a setting that they can't take, and a token that is refused.
async fn gate_errors() -> [(&'static str, Box<dyn Error>); 3] {
    let platform = FakePlatform::new();
    let providers = ProviderSet::of(platform.clone());
    let verifier = Verifier::new(AwsLc, [audience()], &providers, &platform.registry()).unwrap();
    let leeway = verifier.with_leeway(std::time::Duration::MAX).unwrap_err();
    let gate = Gate::new(verifier);
    let refused = gate.admit("no token").await.unwrap_err();
    let invalid = gate.allow("fake", None, json!({})).unwrap_err();
    [
        ("InvalidGate", Box::new(invalid)),
        ("GateError", Box::new(refused)),
        ("InvalidVerifier", Box::new(leeway)),
    ]
}

#[tokio::test]
async fn each_error_is_told_once_and_can_be_read_as_what_it_is() {
    for (name, error) in samples().await {
        let own = error.to_string();
        let mut below = error.source();
        while let Some(error) = below {
            let text = error.to_string();
            assert!(!own.contains(&text), "{name}: `{own}` repeats `{text}`");
            below = error.source();
        }
    }
}

#[tokio::test]
async fn a_connection_that_was_refused_can_be_told_by_its_type() {
    let error = Failure::from(exchange_error().await);
    let mut below: Option<&(dyn Error + 'static)> = Some(&error);
    let mut kinds = Vec::new();
    while let Some(error) = below {
        kinds.extend(error.downcast_ref::<io::Error>().map(io::Error::kind));
        below = error.source();
    }
    assert_eq!(kinds, [io::ErrorKind::ConnectionRefused]);
    assert!(error.http().is_some());
}

/// The public error types of a folder's code that have an error below them: those that name a source, and those that stand for
/// another error.
fn types_with_a_source(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            types_with_a_source(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for keyword in ["\npub struct ", "\npub enum "] {
            for (at, _) in code.match_indices(keyword) {
                let rest = code.get(at + keyword.len()..).unwrap();
                let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
                // What stands before it up to an empty line, and its own lines.
                let before = code.get(..at).unwrap().rsplit("\n\n").next().unwrap();
                let own = rest.split("\n}\n").next().unwrap().split("\n\n").next().unwrap();
                let is_error =
                    before.contains("thiserror::Error") || code.contains(&format!("Error for {name} "));
                let has_source = ["#[from]", "#[source]", "    source: ", "transparent"];
                if is_error && has_source.iter().any(|mark| own.contains(mark) || before.contains(mark)) {
                    found.insert(name);
                }
            }
        }
    }
}

#[tokio::test]
async fn no_public_error_type_is_left_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = BTreeSet::new();
    for library in ["oidc-core", "oidc-providers", "oidc-exchange"] {
        types_with_a_source(&root.join(library).join("src"), &mut found);
    }
    let sampled: BTreeSet<String> = samples().await.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found, sampled);
}
