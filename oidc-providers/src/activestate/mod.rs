//! ActiveState: the builder that publishes to registries on a user's behalf.
//!
//! # Environment variables
//!
//! | variable | what for |
//! |---|---|
//! | none | ActiveState's own builder asks for its tokens and presents them; no job can |
//!
//! Only the registry half exists: no token source is ever found. A client that has a token from elsewhere
//! takes it from a named variable ([`VariableSource`](oidc_core::VariableSource)).
//!
//! # Claims
//!
//! All values except the times are strings. The names are those of PyPI's model of ActiveState publishers
//! (warehouse, `oidc/models/activestate.py`).
//!
//! | claim | use | outlives a rename | compared |
//! |---|---|---|---|
//! | `organization`, `project` | required | no | exactly |
//! | `actor_id` | required: the user's UUID | yes | exactly |
//! | `builder` | required: `pypi-publisher` | | exactly |
//! | `sub` | required: begins with `org:ORGANIZATION:project:PROJECT` | no | exactly |
//! | `organization_id`, `project_id` | optional, learned where present | yes | exactly |
//! | `actor`, `artifact_id`, `branch_id`, `ingredient`, `ingredient_name`, `jti`, `project_path`, `project_visibility` | ignored; a token is known by its digest | | |
//!
//! # What a token does not prove
//!
//! | it does not prove | because |
//! |---|---|
//! | which code was built | no claim names a commit or a file |
//! | that the names still have the same owner | names can change hands; the ids are compared too, but not every token has them |
//!
//! # A publisher's configuration
//!
//! | key | | example | what it is | compared |
//! |---|---|---|---|---|
//! | `organization` | required | `"acme"` | the organization's name in the web address | exactly |
//! | `project` | required | `"widget"` | the project's name in the web address | exactly |
//! | `actor_id` | required | `"00000000-0000-1000-8000-000000000002"` | the user's UUID | exactly |
//! | `organization_id` | learned | `"0184990a-477b-4fa8-9968-496074483cee"` | the organization's UUID, which not every token has | exactly |
//! | `project_id` | learned | `"0184990a-477b-4fa8-9968-496074483cee"` | the project's UUID, which not every token has | exactly |

mod claims;
mod fields;
mod publisher;
#[cfg(feature = "testing")]
pub mod sample;
#[cfg(test)]
mod tests;

use oidc_core::ReplaySource;

use self::claims::CLAIMS;
pub use self::fields::ActiveStatePublisher;
use self::publisher::RULES;
use crate::provider::{Definition, provider};
use crate::run::Pages;

/// The platform's name in configuration and in logs.
pub(crate) const ID: &str = "activestate";

/// The public issuer.
const ISSUER: &str = "https://platform.activestate.com/api/v1/oauth/oidc";

static DEFINITION: Definition = Definition {
    id: ID,
    title: "ActiveState",
    // A job has no variables for tokens of its own: no publish tool runs in one.
    claims: CLAIMS,
    replay: ReplaySource::Digest,
    rules: &RULES,
    pages: Pages { repository: "{organization}/{project}", ..Pages::NONE },
    ..Definition::EMPTY
};

provider! {
    /// ActiveState with one issuer.
    ActiveState(DEFINITION)

    /// ActiveState's public platform.
    public(ISSUER);

    /// ActiveState with this issuer and no other, such as an issuer on loopback for tests.
    at;
}

provider!(ActiveState: Default);
