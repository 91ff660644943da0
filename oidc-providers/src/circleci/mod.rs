//! CircleCI: circleci.com and CircleCI server.
//!
//! # Environment variables
//!
//! | variable | what for |
//! |---|---|
//! | `CIRCLECI` | `true` in every job |
//! | `CIRCLE_OIDC_TOKEN`, `CIRCLE_OIDC_TOKEN_V2` | never read: their audience is the organization's id, which no registry may accept |
//!
//! A token for a registry comes from the command `circleci run oidc get`, which every executor has. The
//! audience is the only claim that a job can choose with it.
//!
//! # A job that may publish
//!
//! Every job can ask for tokens. Tools that ask no platform get the token in a variable.
//!
//! ```yaml
//! # .circleci/config.yml
//! jobs:
//!   publish:
//!     docker:
//!       - image: cimg/node:current
//!     steps:
//!       - checkout
//!       - run:
//!           command: |
//!             export NPM_ID_TOKEN="$(circleci run oidc get --claims '{"aud":"npm:registry.example"}')"
//!             npm publish
//! ```
//!
//! A tool finds the platform from the job's variables alone, without a request:
//!
//! ```
//! use oidc_core::{Audience, Context, Detection, Environment, Provider as _};
//! use oidc_providers::CircleCi;
//!
//! let variables = [
//!     ("CIRCLECI", "true"),
//! ];
//! let job = Context::default().with_environment(Environment::from_iter(variables));
//! let platform = CircleCi::public();
//! assert!(platform.detect(&Detection::from(&job))?.is_some());
//!
//! let line = platform.variable_line("NPM_ID_TOKEN", &Audience::new("npm:registry.example")?);
//! assert!(line.is_some_and(|line| line.contains("circleci run oidc get")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Claims
//!
//! The names begin with `oidc.circleci.com/`, except for the registered claims. Ids are UUIDs. The names are
//! those of [CircleCI's reference][claims].
//!
//! | claim | use | outlives a rename | compared |
//! |---|---|---|---|
//! | `oidc.circleci.com/org-id` | required, and the one in the issuer's path | yes | exactly |
//! | `oidc.circleci.com/project-id` | required | yes | exactly |
//! | `oidc.circleci.com/pipeline-definition-id` | required | yes | exactly |
//! | `oidc.circleci.com/ssh-rerun` | required: JSON's `false`, else a person was logged in | | |
//! | `oidc.circleci.com/vcs-origin` | absent in pipelines of custom webhooks; a fork's pipeline has the fork's | no | exactly |
//! | `oidc.circleci.com/vcs-ref` | optional, absent as the origin is | no | as a pattern |
//! | `oidc.circleci.com/context-ids` | optional, an array | yes | each one exactly |
//! | `oidc.circleci.com/workflow-id` | optional, for the link to the run | | |
//! | `sub` | ignored: it repeats the others | | |
//! | `oidc.circleci.com/job-id`, `oidc.circleci.com/pipeline-id`, `jti` | ignored; no `jti` is documented, so a token is known by its digest | | |
//!
//! # What a token does not prove
//!
//! | it does not prove | because |
//! |---|---|
//! | that it is of your organization | every organization has an issuer whose tokens have valid signatures too, which is the reason for the rule on `org-id` |
//! | that the code is the project's | forks get tokens if the project passes secrets to them, which is the reason for the rule on `vcs-origin` |
//! | that the code was reviewed | the configuration is the one of the pipeline's ref; constrain `vcs_ref` or `context_ids` |
//! | that a person approved the publish | only a context with a restriction asks for more |
//! | that the machine is CircleCI's | self-hosted runners get the same tokens |
//!
//! # A publisher's configuration
//!
//! | key | | example | what it is | compared |
//! |---|---|---|---|---|
//! | `org_id` | required | `"0184990a-477b-4fa8-9968-496074483cee"` | the organization's UUID, which its settings show | exactly |
//! | `project_id` | required | `"0184990a-477b-4fa8-9968-496074483cee"` | the project's UUID, which its settings show | exactly |
//! | `pipeline_definition_id` | required | `"0184990a-477b-4fa8-9968-496074483cee"` | the pipeline definition's UUID, which the project's settings show | exactly |
//! | `vcs_origin` | recommended | `"github.com/acme/widget"` | host, owner and name of the repository; without it only pipelines of custom webhooks publish, which have none | exactly |
//! | `vcs_ref` | optional | `"refs/heads/main"` | the full name of the pipeline's branch or tag | as a pattern |
//! | `context_ids` | optional | `"0184990a-477b-4fa8-9968-496074483cee"` | the UUIDs of contexts that the job must have | all of the values |
//!
//! Of several matching publishers of a package, the one with more of `vcs_ref` and `context_ids` is more
//! specific.
//!
//! # Issuers
//!
//! `https://oidc.circleci.com/org/UUID` is the issuer of one organization, and `https://oidc.circleci.com`
//! the root issuer that all organizations share. Each is configured separately, and keys are fetched only for
//! configured issuers. A job gets a token of its organization's issuer unless it asks for the root issuer
//! ([`CircleCi::asking_root_issuer`]); npm accepts tokens of the organization's issuer.
//!
//! [claims]: https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/

mod advice;
mod claims;
mod fields;
mod publisher;
#[cfg(feature = "testing")]
pub mod sample;
mod source;
#[cfg(test)]
mod tests;

use oidc_core::{HttpUrl, InvalidUrl, ReplaySource};

use self::claims::CLAIMS;
pub use self::fields::CircleCiPublisher;
use self::publisher::RULES;
use crate::command::variable_line;
use crate::provider::{Definition, Platform, provider};
use crate::rules::link::is_uuid;
use crate::run::Pages;

/// The platform's name in configuration and in logs.
pub(crate) const ID: &str = "circleci";

/// The issuer that all organizations of circleci.com share, which is also the prefix of each organization's
/// own.
const ISSUER: &str = "https://oidc.circleci.com";

/// The web site that shows the runs of [`ISSUER`].
const SERVER: &str = "https://app.circleci.com";

/// The way to get another token.
const RENEWAL: &str =
    "rerun the job, or ask for another token in it: `circleci run oidc get --claims '{\"aud\":\"…\"}'`";

const DEFINITION: Definition = Definition {
    id: ID,
    title: "CircleCI",
    source_variables: &["CIRCLECI"],
    // The variables with the tokens that every job has.
    identity_variables: &["CIRCLE_OIDC_TOKEN*"],
    detect: |detection| Ok(source::detect(detection, false)),
    replay: ReplaySource::Digest,
    claims: CLAIMS,
    rules: &RULES,
    advise: |token| advice::advise(token.claims),
    renewal: |_| RENEWAL.into(),
    variable_line: |name, audience| Some(variable_line(name, &source::command(audience, false))),
    pages: Pages {
        repository: "{oidc.circleci.com/vcs-origin}",
        git_ref: &["oidc.circleci.com/vcs-ref"],
        run: &["pipelines/workflows/{oidc.circleci.com/workflow-id}"],
        ..Pages::NONE
    },
    site: |issuer| issuer.starts_with(ISSUER).then(|| SERVER.to_owned()),
    ..Definition::EMPTY
};

static OF_ORGANIZATION: Definition = DEFINITION;

/// The definition with a client half that asks for the root issuer's tokens.
static OF_ROOT: Definition = Definition {
    detect: |detection| Ok(source::detect(detection, true)),
    variable_line: |name, audience| Some(variable_line(name, &source::command(audience, true))),
    ..DEFINITION
};

/// CircleCI with one issuer: the root issuer, or that of one organization.
#[derive(Clone, Debug)]
pub struct CircleCi(Platform);

impl CircleCi {
    /// CircleCI with the root issuer of circleci.com, which all organizations share.
    pub fn public() -> Self {
        Self(Platform::public(&OF_ORGANIZATION, ISSUER))
    }

    /// CircleCI with one organization's own issuer, by the organization's id.
    ///
    /// # Errors
    ///
    /// When the id is not a UUID in lower case.
    pub fn organization(id: &str) -> Result<Self, InvalidUrl> {
        Self::at(&format!("{ISSUER}/org/{id}"))
    }

    /// CircleCI with this issuer and no other: that of an organization, of CircleCI server, or an issuer on
    /// loopback for tests. The URL is compared with `iss` byte by byte.
    ///
    /// # Errors
    ///
    /// When the URL is not https (http is allowed on loopback), or has a path other than `/org/` and a UUID
    /// in lower case.
    pub fn at(issuer: &str) -> Result<Self, InvalidUrl> {
        organization_of(issuer)?;
        Platform::at(&OF_ORGANIZATION, issuer).map(Self)
    }

    /// Makes the client half ask for the root issuer's tokens, as PyPI's and Sigstore's clients do. By
    /// default it asks for those of the organization's issuer, as CircleCI and npm do.
    #[must_use]
    pub fn asking_root_issuer(self) -> Self {
        Self(self.0.defined(&OF_ROOT))
    }
}

provider!(CircleCi, public);

/// The organization in an issuer's path; `None` for the root issuer.
fn organization_of(issuer: &str) -> Result<Option<&str>, InvalidUrl> {
    let root = HttpUrl::parse(issuer)?.at_root();
    match issuer.strip_prefix(root.as_str().trim_end_matches('/')) {
        Some("") => Ok(None),
        Some(path) if path.strip_prefix("/org/").is_some_and(is_uuid) => Ok(path.strip_prefix("/org/")),
        _ => Err(InvalidUrl::new(
            issuer,
            "expected nothing behind the host, or `/org/` and a UUID in lower case",
        )),
    }
}
