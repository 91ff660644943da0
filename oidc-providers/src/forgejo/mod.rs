//! Forgejo Actions: Codeberg and self-hosted instances, since Forgejo 15.
//!
//! # Environment variables
//!
//! | variable | what for |
//! |---|---|
//! | `FORGEJO_ACTIONS`, `FORGEJO_TOKEN` | `true`, or set on a server that is not GitHub's, in every job; they tell it from a job on GitHub, whose variables Forgejo's runner sets too |
//! | `GITHUB_SERVER_URL` | the server, which Forgejo's runner sets too |
//! | `ACTIONS_ID_TOKEN_REQUEST_URL` | where to ask for a token, below `/api/actions/` of the instance; only with `enable-openid-connect: true` |
//! | `ACTIONS_ID_TOKEN_REQUEST_TOKEN` | the secret to ask with; only with `enable-openid-connect: true` |
//!
//! `permissions:` has no effect here, and no message of this platform mentions it as a fix.
//!
//! # A job that may publish
//!
//! The workflow asks for tokens with a key of Forgejo's own.
//!
//! ```yaml
//! # .forgejo/workflows/publish.yml
//! on:
//!   push:
//!     tags: ["v*"]
//! enable-openid-connect: true
//! jobs:
//!   publish:
//!     runs-on: docker
//!     steps:
//!       - uses: actions/checkout@v4
//!       - run: npm publish
//! ```
//!
//! A tool finds the platform from the job's variables alone, without a request:
//!
//! ```
//! use oidc_core::{Context, Detection, Environment, Provider as _};
//! use oidc_providers::Forgejo;
//!
//! let variables = [
//!     ("FORGEJO_ACTIONS", "true"),
//!     ("GITHUB_ACTIONS", "true"),
//!     ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://codeberg.org/api/actions/token"),
//!     ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret"),
//! ];
//! let job = Context::default().with_environment(Environment::from_iter(variables));
//! let platform = Forgejo::public();
//! assert!(platform.detect(&Detection::from(&job))?.is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Claims
//!
//! All values except the times are strings. The names are those of Forgejo's discovery document.
//!
//! Tokens are signed with RS256, unless the instance's administrator chose another algorithm. ES256, ES384 and EdDSA (Ed25519) are
//! verified as well. RS384, RS512 and ES512, which can also be chosen, are not: such an instance's tokens are refused
//! (`token-algorithm`). That there is this choice, and among which algorithms, is uncertain: it was read in the tests of Forgejo's
//! source and not in its documentation.
//!
//! | claim | use | outlives a rename | compared |
//! |---|---|---|---|
//! | `repository` | required | no | ignoring ASCII case |
//! | `repository_owner` | required, equal to the owner in `repository` | no | ignoring ASCII case |
//! | `repository_id`, `repository_owner_id` | optional, configured or learned where present; tokens of Forgejo 15.0 lack them | yes | exactly |
//! | `workflow_ref` | required: the workflow's path, and the run's own ref | no | repository ignoring ASCII case, path exactly |
//! | `event_name` | required | | exactly |
//! | `ref` | required | no | as a pattern |
//! | `ref_protected` | optional, `"true"` or `"false"` | | exactly |
//! | `run_number`, `sha` | optional, for the link to the run | | |
//! | `sub` | ignored: new repositories have ids in it, older ones do not | | |
//! | `actor`, `actor_id`, `base_ref`, `head_ref`, `jti`, `ref_type`, `run_attempt`, `run_id`, `workflow` | ignored; no `jti` is documented, so a token is known by its digest | | |
//!
//! # What a token does not prove
//!
//! | it does not prove | because |
//! |---|---|
//! | that a person approved the publish | anyone who can start the workflow gets a token, and Forgejo has no environments |
//! | that the code was reviewed | the workflow is the one of the run's ref; constrain `ref` or `ref_protected` |
//! | whose machine ran the job | any runner of the repository, its owner or the instance may have |
//! | that the repository is still the same one | a name can change hands, and tokens of Forgejo 15.0 have no ids |
//! | that the instance is honest | its administrators sign what they like, for their own issuer alone |
//!
//! # A publisher's configuration
//!
//! | key | | example | what it is | compared |
//! |---|---|---|---|---|
//! | `repository` | required | `"acme/widget"` | the repository, as owner/name | ignoring ASCII case |
//! | `workflow` | required | `".forgejo/workflows/publish.yml"` | the path of the workflow's file in the repository | exactly |
//! | `repository_id` | learned | `"123456"` | the number that Forgejo gave the repository, which tokens of Forgejo 15.0 lack | exactly |
//! | `repository_owner_id` | learned | `"123456"` | the number that Forgejo gave the repository's owner, which tokens of Forgejo 15.0 lack | exactly |
//! | `ref` | optional | `"refs/tags/v*"` | the full name of the run's branch or tag | as a pattern |
//! | `ref_protected` | optional | `true` | true if the branch or tag must be protected; false is no rule | exactly |
//! | `event` | optional | `["push", "release"]` | the events that may start the run; without it push, release, `workflow_dispatch` and schedule, and never `pull_request_target` | one of the values |

mod claims;
mod fields;
mod publisher;
#[cfg(feature = "testing")]
pub mod sample;
mod source;
#[cfg(test)]
mod tests;

use oidc_core::{Algorithm, ReplaySource};

use self::claims::CLAIMS;
pub use self::fields::ForgejoPublisher;
use self::publisher::RULES;
use crate::provider::{Definition, provider};
use crate::run::Pages;
use crate::runner::IDENTITY_VARIABLES;

/// The platform's name in configuration and in logs.
pub(crate) const ID: &str = "forgejo";

/// The issuer of Codeberg.
const ISSUER: &str = "https://codeberg.org/api/actions";

/// The path of an issuer below its instance.
const PATH: &str = "/api/actions";

static DEFINITION: Definition = Definition {
    id: ID,
    title: "Forgejo Actions",
    source_variables: &[
        "FORGEJO_ACTIONS",
        "FORGEJO_TOKEN",
        "GITHUB_SERVER_URL",
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    ],
    identity_variables: IDENTITY_VARIABLES,
    detect: source::detect,
    algorithms: &[Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa],
    replay: ReplaySource::Digest,
    claims: CLAIMS,
    rules: &RULES,
    renewal: |_| "run the publish again: Forgejo gives a new token each time it is asked".into(),
    pages: Pages {
        repository: "{repository}",
        sha: "sha",
        git_ref: &["ref"],
        run: &["{repository}/actions/runs/{run_number}"],
        ..Pages::NONE
    },
    site: |issuer| Some(issuer.strip_suffix(PATH).unwrap_or(issuer).to_owned()),
    ..Definition::EMPTY
};

provider! {
    /// Forgejo Actions with one issuer.
    Forgejo(DEFINITION)

    /// Forgejo Actions of Codeberg.
    public(ISSUER);

    /// Forgejo Actions with this issuer and no other: `https://INSTANCE/api/actions`, or an issuer on loopback
    /// for tests.
    at;
}

provider!(Forgejo: Default);
