//! Google Cloud: Cloud Build, and any other workload that runs as a service account.
//!
//! # Environment variables and files
//!
//! | where | what for |
//! |---|---|
//! | `GOOGLE_SERVICE_ACCOUNT_NAME` | the service account to impersonate, by its e-mail address |
//! | `GCE_METADATA_HOST` | where the metadata server is, if not at its usual address |
//! | `/sys/class/dmi/id/product_name` | `Google` or `Google Compute Engine` on a machine of theirs |
//!
//! The metadata server is asked at its link-local address, `169.254.169.254`, and never by its name, which a
//! resolver could direct elsewhere.
//!
//! # A job that may publish
//!
//! The build runs as the service account that the publisher names.
//!
//! ```yaml
//! # cloudbuild.yaml
//! serviceAccount: projects/PROJECT/serviceAccounts/publisher@PROJECT.iam.gserviceaccount.com
//! steps:
//!   - name: node
//!     entrypoint: sh
//!     args: ["-c", "trusted-publish exec --registry npm -- npm publish"]
//! ```
//!
//! A tool finds the platform from the job's variables alone, without a request:
//!
//! ```
//! use oidc_core::{Context, Detection, Environment, Provider as _};
//! use oidc_providers::Google;
//!
//! let variables = [
//!     ("GOOGLE_SERVICE_ACCOUNT_NAME", "publisher@acme.iam.gserviceaccount.com"),
//! ];
//! let job = Context::default().with_environment(Environment::from_iter(variables));
//! let platform = Google::public();
//! assert!(platform.detect(&Detection::from(&job))?.is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Claims
//!
//! The names are those of [Google's reference][claims].
//!
//! | claim | use | outlives a rename | compared |
//! |---|---|---|---|
//! | `email` | required | no | exactly |
//! | `email_verified` | required: JSON's `true`, and not the text `"true"` | | |
//! | `sub` | required, configured or learned: the account's number | yes | exactly |
//! | `azp`, `at_hash`, `google`, `hd`, `jti` | ignored; no `jti` is documented, so a token is known by its digest | | |
//!
//! # What a token does not prove
//!
//! | it does not prove | because |
//! |---|---|
//! | which code published | a token names only an account, and everyone who may act as the account may publish |
//! | that it is a service account | any Google account with the address is accepted; name a service account's |
//! | that the account is still the same one | an address can change hands; `sub` is compared too, once it is learned |
//!
//! # A publisher's configuration
//!
//! | key | | example | what it is | compared |
//! |---|---|---|---|---|
//! | `email` | required | `"publisher@project.iam.gserviceaccount.com"` | the service account's address | exactly |
//! | `sub` | learned | `"100000000000000000001"` | the number that Google gave the account | exactly |
//!
//! [claims]: https://cloud.google.com/docs/authentication/get-id-token

mod claims;
mod fields;
mod publisher;
#[cfg(feature = "testing")]
pub mod sample;
mod source;
#[cfg(test)]
mod tests;

use oidc_core::{Issuer, ProviderKind, ReplaySource};

use self::claims::CLAIMS;
pub use self::fields::GooglePublisher;
use self::publisher::RULES;
use crate::provider::{Definition, Platform, provider};

/// The platform's name in configuration and in logs.
pub(crate) const ID: &str = "google";

/// The variables that decide whose tokens are requested and where, and the credentials that give access to
/// them.
const IDENTITY_VARIABLES: &[&str] = &[
    "GCE_METADATA_*",
    "GOOGLE_SERVICE_ACCOUNT_NAME",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CREDENTIALS",
    "GOOGLE_GHA_CREDS_PATH",
    "GOOGLE_OAUTH_ACCESS_TOKEN",
    "CLOUDSDK_AUTH_*",
];

/// The public issuer.
const ISSUER: &str = "https://accounts.google.com";

/// The host of the keys of [`ISSUER`], by its discovery document.
const KEY_HOST: &str = "www.googleapis.com";

static DEFINITION: Definition = Definition {
    id: ID,
    title: "Google Cloud",
    kind: ProviderKind::Cloud,
    source_variables: &["GCE_METADATA_HOST", "GOOGLE_SERVICE_ACCOUNT_NAME"],
    identity_variables: IDENTITY_VARIABLES,
    detect: source::detect,
    replay: ReplaySource::Digest,
    claims: CLAIMS,
    // Google's tokens name an account and no run.
    rules: &RULES,
    ..Definition::EMPTY
};

provider! {
    /// Google Cloud with one issuer.
    Google(DEFINITION)

    /// Google Cloud with this issuer and no other, such as an issuer on loopback for tests.
    at;
}

impl Google {
    /// Google Cloud with its public issuer.
    pub fn public() -> Self {
        let mut issuer = Issuer::constant(ISSUER);
        issuer.key_hosts = vec![KEY_HOST.to_owned()];
        Self(Platform::new(&DEFINITION, Some(issuer)))
    }
}

provider!(Google: Default);
