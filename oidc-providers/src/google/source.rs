use std::path::Path;

use async_trait::async_trait;
use oidc_core::http::Request;
use oidc_core::{
    Audience, Context, Detection, Diagnosis, HttpUrl, IdToken, Secret, SourceError, SourceErrorKind, Target,
    TokenSource,
};
use serde::Deserialize;
use serde_json::json;

use crate::codes;
use crate::endpoint::Endpoint;

const METADATA_HOST: &str = "GCE_METADATA_HOST";
const ACCOUNT: &str = "GOOGLE_SERVICE_ACCOUNT_NAME";

/// The metadata server's address, and the names that stand for it.
const METADATA_ADDRESS: &str = "169.254.169.254";
const METADATA_NAMES: [&str; 2] = ["metadata.google.internal", "metadata"];

/// The metadata of the machine's own service account.
const OWN_ACCOUNT: &str = "computeMetadata/v1/instance/service-accounts/default";

/// The header without which the metadata server refuses every request.
const FLAVOR: (&str, &str) = ("metadata-flavor", "Google");

/// The file with the machine's product name, and its content on Google's machines.
const PRODUCT: &str = "/sys/class/dmi/id/product_name";
const PRODUCTS: [&str; 2] = ["Google", "Google Compute Engine"];
const MAX_PRODUCT: usize = 256;

/// The IAM Service Account Credentials API.
const CREDENTIALS: &str = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts";

/// The OAuth scope that the machine's account needs to impersonate another account.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

const FIX: &str = "let the machine or the build run as a service account that may create identity tokens";

/// Returns a token source, if the job runs on Google Cloud.
pub(super) fn detect(detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
    let context = detection.context;
    let host = context.environment().get(METADATA_HOST);
    let account = context.environment().get(ACCOUNT);
    if host.is_none() && account.is_none() && !is_googles(context) {
        return Ok(None);
    }
    // The metadata server's own names are replaced by its address, and `link_local` refuses any other name.
    let host = host.filter(|host| !METADATA_NAMES.contains(host)).unwrap_or(METADATA_ADDRESS);
    let metadata = HttpUrl::link_local(&format!("http://{host}")).map_err(|error| {
        let fix = "leave it out, or set it to the metadata server's address";
        invalid(codes::GOOGLE_METADATA_HOST, METADATA_HOST, &error.to_string(), fix).with_source(error)
    })?;
    if account.is_some_and(|account| !is_address(account)) {
        let fix = "set it to a service account's e-mail address";
        return Err(invalid(codes::GOOGLE_ACCOUNT, ACCOUNT, "it is not an e-mail address", fix));
    }
    let account = account.map(str::to_owned);
    Ok(Some(Box::new(GoogleSource { context: context.clone(), metadata, account })))
}

/// Returns `true` if the machine is one of Google's.
fn is_googles(context: &Context) -> bool {
    let product = context.files().read(Path::new(PRODUCT), MAX_PRODUCT).unwrap_or_default();
    std::str::from_utf8(&product).is_ok_and(|product| PRODUCTS.contains(&product.trim()))
}

/// Returns `true` if a text is an e-mail address that is safe in a URL's path.
fn is_address(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._@".contains(&byte);
    text.split('@').count() == 2 && text.bytes().all(is_plain)
}

fn invalid(code: &'static str, variable: &str, why: &str, fix: &str) -> SourceError {
    let problem = format!("variable `{variable}` can't be used: {why}");
    let diagnosis = Diagnosis::new(code, Target::Variable(variable.to_owned()), problem).fix(fix);
    SourceError::new(SourceErrorKind::Unavailable, diagnosis)
}

/// A token source that asks the metadata server.
#[derive(Debug)]
struct GoogleSource {
    context: Context,
    metadata: HttpUrl,
    /// The account to impersonate; `None` for the machine's own account.
    account: Option<String>,
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl TokenSource for GoogleSource {
    fn provider(&self) -> &str {
        super::ID
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        match &self.account {
            Some(account) => self.impersonated(account, audience).await,
            None => self.own(audience).await,
        }
    }

    fn is_renewable(&self) -> bool {
        true
    }
}

impl GoogleSource {
    /// Gets a token of the machine's own account.
    async fn own(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        let url = self.metadata.below(&format!("{OWN_ACCOUNT}/identity"));
        let url = url.with_query("audience", audience.as_str()).with_query("format", "full");
        let request = Request::get(url.clone()).header(FLAVOR.0, FLAVOR.1);
        let endpoint = self.endpoint();
        let response = endpoint.ask(request, None).await?;
        match String::from_utf8(response.body) {
            Ok(token) => endpoint.token(&url, &token, audience),
            Err(_) => Err(endpoint.no_token(&url, "a text")),
        }
    }

    /// Gets a token of another account, which the machine's own account may impersonate.
    async fn impersonated(&self, account: &str, audience: &Audience) -> Result<IdToken, SourceError> {
        let url = self.metadata.below(&format!("{OWN_ACCOUNT}/token")).with_query("scopes", SCOPE);
        let request = Request::get(url.clone()).header(FLAVOR.0, FLAVOR.1);
        let endpoint = self.endpoint();
        let access = endpoint.ask(request, None).await?.json::<AccessToken>();
        let Some(access) = access else {
            return Err(endpoint.no_token(&url, "an access token to ask for one with"));
        };
        // The access token can do far more than publish, so it is a secret before it gets into a request or
        // an error.
        let access = Secret::new(access.access_token);
        let url = HttpUrl::parse(CREDENTIALS).map_err(|error| endpoint.no_token(&url, &error.to_string()))?;
        let url = url.below(&format!("{account}:generateIdToken"));
        let body = json!({ "audience": audience.as_str(), "includeEmail": true }).to_string();
        let request = Request::post(url.clone()).bearer(&access).body("application/json", body);
        endpoint.token_in("token", request, Some(&access), audience).await
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::new(&self.context, "Google Cloud", FIX)
    }
}

#[derive(Deserialize)]
struct AccessToken {
    access_token: String,
}
