use std::io::{self, Write as _};

use cargo_credential::{
    Action, CacheControl, Credential, CredentialResponse, Error, Operation, RegistryInfo, Secret,
};
use oidc_core::{Context, ProviderSet, Timestamp, in_words};
use oidc_exchange::blocking;
use oidc_exchange::client::{FailureKind, IdentityPublishToken, PublishRequest, masking_line};
use time::OffsetDateTime;

use super::index;

/// The credential provider: the platforms whose identity tokens it exchanges, and the outside world.
#[derive(Debug)]
pub struct Provider {
    providers: ProviderSet,
    cx: Context,
}

impl Provider {
    /// A provider for jobs of these platforms. The context's HTTP client must be one that blocks, since there is no runtime.
    pub fn new(providers: ProviderSet, cx: Context) -> Self {
        Self { providers, cx }
    }

    fn publish_token(&self, index: &str, arguments: &[&str]) -> Result<IdentityPublishToken, Error> {
        let registry =
            index::registry(index, arguments, &self.cx).map_err(|why| Error::from(why.to_string()))?;
        match blocking::publish_token(&registry, PublishRequest::identity(), &self.providers, &self.cx) {
            Ok(token) => Ok(token),
            // Outside of CI another provider may have a token.
            Err(blocking::Error::Failed(why)) if why.kind() == FailureKind::NotDetected => {
                Err(Error::NotFound)
            }
            Err(blocking::Error::Failed(why)) => Err(Error::from(why.diagnosis().to_string())),
            Err(error) => Err(Error::from(error.to_string())),
        }
    }

    /// Masks the token in the job's log, and tells how long it lives. That nobody reads it is no reason to stop.
    fn tell(&self, token: &IdentityPublishToken) {
        let mut err = io::stderr();
        if let Some(line) = masking_line(token.secret(), self.cx.environment()) {
            let _told = writeln!(err, "{line}");
        }
        if let Some(ends) = token.expires_at() {
            let left = in_words(ends.since(self.cx.clock().now()));
            let _told =
                writeln!(err, "trusted-publish: publishing by this job's identity; the token ends in {left}");
        }
    }
}

impl Credential for Provider {
    fn perform(
        &self,
        registry: &RegistryInfo<'_>,
        action: &Action<'_>,
        arguments: &[&str],
    ) -> Result<CredentialResponse, Error> {
        match action {
            Action::Get(operation) if is_publish(operation, registry) => {
                let token = self.publish_token(registry.index_url, arguments)?;
                self.tell(&token);
                let cache = cache(token.renew_at(self.cx.clock().now()));
                let token = Secret::from(token.secret().expose().to_owned());
                // It is for every crate that trusts the job, so cargo asks once for a workspace.
                Ok(CredentialResponse::Get { token, cache, operation_independent: true })
            }
            // A token of this kind does nothing but publish.
            Action::Get(_) => Err(Error::NotFound),
            _ => Err(Error::OperationNotSupported),
        }
    }
}

/// Returns `true` if cargo is about to publish. Before it builds what it publishes, it asks for a token as for reading,
/// without the headers of an answer that refused to let it read.
fn is_publish(operation: &Operation<'_>, registry: &RegistryInfo<'_>) -> bool {
    match operation {
        Operation::Publish { .. } => true,
        Operation::Read => registry.headers.is_empty(),
        _ => false,
    }
}

/// The time until which cargo uses a token: until it should be renewed, or for the whole run where its end is not known.
fn cache(renew_at: Option<Timestamp>) -> CacheControl {
    let time = |at: Timestamp| {
        let seconds = i64::try_from(at.as_secs()).ok()?;
        OffsetDateTime::from_unix_timestamp(seconds).ok()
    };
    match renew_at.and_then(time) {
        Some(expiration) => CacheControl::Expires { expiration },
        None => CacheControl::Session,
    }
}

#[cfg(test)]
mod tests {
    use oidc_core::http::Response;
    use oidc_core::testing::{FakeHttp, FakePlatform, ManualClock};
    use serde_json::json;

    use super::*;

    const INDEX: &str = "sparse+https://registry.example/index/";

    /// A job on the fake platform, with this world around it.
    fn provider(http: &FakeHttp, clock: &ManualClock, is_job: bool) -> Provider {
        let cx = if is_job { FakePlatform::job() } else { Context::default() };
        let cx = cx.with_http(http.clone()).with_clock(clock.clone());
        Provider::new(ProviderSet::default().with(FakePlatform::new()), cx)
    }

    /// The network to a registry whose index names this as its API.
    fn network(api: &'static str) -> FakeHttp {
        FakeHttp::new().on_request(move |request| {
            let body = match request.url.path() {
                path if path.ends_with("config.json") => json!({ "dl": "x", "api": api }),
                _ => json!({ "token": "cio_tp_hunter2" }),
            };
            Some(Ok(Response::new(200, Vec::new(), body.to_string())))
        })
    }

    fn ask(
        provider: &Provider,
        action: &str,
        index: &str,
        arguments: &[&str],
    ) -> Result<CredentialResponse, Error> {
        let action: Action<'_> = serde_json::from_str(action).unwrap();
        let registry = json!({ "index-url": index }).to_string();
        let registry: RegistryInfo<'_> = serde_json::from_str(&registry).unwrap();
        provider.perform(&registry, &action, arguments)
    }

    const READ: &str = r#"{"kind":"get","operation":"read"}"#;

    const PUBLISH: &str = r#"{"kind":"get","operation":"publish","name":"a","vers":"1.0.0","cksum":"x"}"#;

    #[test]
    fn a_publish_gets_a_token_that_cargo_keeps_until_it_should_be_renewed() {
        let clock = ManualClock::at(FakePlatform::NOW);
        let http = network("https://registry.example/");
        let provider = provider(&http, &clock, true);
        let expected = |now: u64| {
            json!({
                "kind": "get", "token": "cio_tp_hunter2", "cache": "expires", "expiration": now + 25 * 60,
                "operation_independent": true,
            })
        };
        let response = ask(&provider, PUBLISH, INDEX, &[]).unwrap();
        assert_eq!(serde_json::to_value(&response).unwrap(), expected(FakePlatform::NOW));
        assert!(!format!("{response:?} {provider:?}").contains("hunter2"));
        let exchange = http.requests().pop().unwrap();
        assert_eq!(exchange.url.as_str(), "https://registry.example/api/v1/trusted_publishing/tokens");
        assert_eq!(ask(&provider, READ, INDEX, &[]).unwrap(), response, "cargo asks so before it builds");
        // cargo asks again when that time is over, and gets another token.
        clock.advance(std::time::Duration::from_secs(25 * 60));
        let response = ask(&provider, PUBLISH, INDEX, &[]).unwrap();
        assert_eq!(serde_json::to_value(&response).unwrap(), expected(FakePlatform::NOW + 25 * 60));
        let again = http.requests().pop().unwrap();
        assert_ne!(again.body, exchange.body, "a new identity token was exchanged");
    }

    #[test]
    fn an_identity_token_goes_to_the_indexs_own_origin_or_where_the_settings_say() {
        let clock = ManualClock::at(FakePlatform::NOW);
        for (api, arguments, sent_to) in [
            (
                "https://registry.example/sub",
                vec![],
                Some("https://registry.example/sub/api/v1/trusted_publishing/tokens"),
            ),
            ("https://evil.example/", vec![], None),
            ("https://registry.example@evil.example/", vec![], None),
            ("http://registry.example/", vec![], None),
            (
                "https://evil.example/",
                vec!["--url", "https://api.own.example/"],
                Some("https://api.own.example/api/v1/trusted_publishing/tokens"),
            ),
            ("https://registry.example/", vec!["--url"], None),
            ("https://registry.example/", vec!["--url", "ftp://x"], None),
            ("https://registry.example/", vec!["--unknown", "x"], None),
        ] {
            let http = network(api);
            let outcome = ask(&provider(&http, &clock, true), PUBLISH, INDEX, &arguments);
            let sent: Vec<_> =
                http.requests().into_iter().filter(|request| request.method.as_str() == "POST").collect();
            let urls: Vec<_> = sent.iter().map(|request| request.url.as_str()).collect();
            assert_eq!(urls, sent_to.into_iter().collect::<Vec<_>>(), "{api} {arguments:?}");
            assert_eq!(outcome.is_ok(), sent_to.is_some(), "{api} {arguments:?}: {outcome:?}");
            assert!(matches!(outcome, Ok(_) | Err(Error::Other(_))), "{api} {arguments:?}: {outcome:?}");
        }
    }

    #[test]
    fn crates_io_is_known_by_its_indexes() {
        let clock = ManualClock::at(FakePlatform::NOW);
        for index in ["sparse+https://index.crates.io/", "https://github.com/rust-lang/crates.io-index"] {
            let http = network("x");
            ask(&provider(&http, &clock, true), PUBLISH, index, &[]).unwrap();
            let [exchange] = &http.requests()[..] else { panic!("asked once") };
            assert_eq!(exchange.url.host(), "crates.io");
        }
        for index in ["https://github.com/acme/index", "sparse+https://user:x@registry.example/", "sparse+x"]
        {
            let http = network("x");
            let outcome = ask(&provider(&http, &clock, true), PUBLISH, index, &[]);
            assert!(matches!(outcome, Err(Error::Other(_))), "{index}: {outcome:?}");
            assert!(http.requests().is_empty(), "{index}");
        }
    }

    #[test]
    fn what_is_no_publish_and_no_job_is_left_to_other_providers() {
        let clock = ManualClock::at(FakePlatform::NOW);
        let http = network("https://registry.example/");
        for operation in ["yank\",\"name\":\"a\",\"vers\":\"1", "owners\",\"name\":\"a", "something-new"] {
            let action = format!(r#"{{"kind":"get","operation":"{operation}"}}"#);
            let outcome = ask(&provider(&http, &clock, true), &action, INDEX, &[]);
            assert!(matches!(outcome, Err(Error::NotFound)), "{operation}: {outcome:?}");
        }
        // A registry that lets nobody read without a token.
        let action: Action<'_> = serde_json::from_str(READ).unwrap();
        let refused = json!({ "index-url": INDEX, "headers": ["WWW-Authenticate: Cargo"] }).to_string();
        let refused: RegistryInfo<'_> = serde_json::from_str(&refused).unwrap();
        let outcome = provider(&http, &clock, true).perform(&refused, &action, &[]);
        assert!(matches!(outcome, Err(Error::NotFound)), "{outcome:?}");
        for action in [r#"{"kind":"login"}"#, r#"{"kind":"logout"}"#, r#"{"kind":"something-new"}"#] {
            let outcome = ask(&provider(&http, &clock, true), action, INDEX, &[]);
            assert!(matches!(outcome, Err(Error::OperationNotSupported)), "{action}: {outcome:?}");
        }
        assert!(http.requests().is_empty());
        let outcome = ask(&provider(&http, &clock, false), PUBLISH, INDEX, &[]);
        assert!(matches!(outcome, Err(Error::NotFound)), "{outcome:?}");
    }
}
