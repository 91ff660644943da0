//! AWS: CodeBuild, and whatever else runs as a role whose account has outbound identity federation.
//!
//! # Environment variables
//!
//! | variable | what for |
//! |---|---|
//! | `CODEBUILD_BUILD_ID` | set in every build of CodeBuild |
//! | `AWS_REGION`, `AWS_DEFAULT_REGION` | read by the command `aws`: only the endpoints of a region give tokens |
//!
//! A job asks the command `aws sts get-web-identity-token`, with ES384. On EC2, ECS and Lambda no job is
//! detected, since most programs that run there publish nothing: put the command's token into the registry's
//! variable there. Once for each account, `aws iam enable-outbound-web-identity-federation` has to be run, and the
//! role needs `sts:GetWebIdentityToken`.
//!
//! # A job that may publish
//!
//! The build's role may ask for tokens, in an account with outbound identity federation.
//!
//! ```yaml
//! # buildspec.yml
//! version: 0.2
//! phases:
//!   build:
//!     commands:
//!       - trusted-publish exec --registry npm -- npm publish
//! ```
//!
//! A tool finds the platform from the job's variables alone, without a request:
//!
//! ```
//! use oidc_core::{Audience, Context, Detection, Environment, Provider as _};
//! use oidc_providers::Aws;
//!
//! let variables = [
//!     ("CODEBUILD_BUILD_ID", "publish:1"),
//!     ("AWS_REGION", "eu-central-1"),
//! ];
//! let job = Context::default().with_environment(Environment::from_iter(variables));
//! let platform = Aws::client();
//! assert!(platform.detect(&Detection::from(&job))?.is_some());
//!
//! let line = platform.variable_line("NPM_ID_TOKEN", &Audience::new("npm:registry.example")?);
//! assert!(line.is_some_and(|line| line.contains("aws sts get-web-identity-token")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Claims
//!
//! The names are those of AWS's user guide. All but the registered claims are members of one object.
//!
//! | claim | use | outlives a rename | compared |
//! |---|---|---|---|
//! | `sub` | required: the role's ARN, without the session | no | exactly |
//! | `https://sts.amazonaws.com/` | every publisher needs it: an object, whose `aws_account` is the one in the ARN | no | `org_id`, `source_region`, `lambda_source_function_arn` and each of `principal_tags` exactly; the others are ignored |
//! | `jti` | required | | |
//!
//! # What a token does not prove
//!
//! | it does not prove | because |
//! |---|---|
//! | which code published | a token names a role, and everyone who may assume the role may publish |
//! | which build or repository it was | for CodeBuild no claim names either; give each project a role of its own, or a tag of the role |
//! | what `request_tags` say | whoever asks for the token chooses them, so no rule reads them |
//! | that the session's tags are the role's | whoever may assume the role with `sts:TagSession` chooses the session's |
//! | that the role is still the same one | a role that was deleted and created again has the same ARN |
//!
//! # A publisher's configuration
//!
//! | key | | example | what it is | compared |
//! |---|---|---|---|---|
//! | `role` | required | `"arn:aws:iam::123456789012:role/publisher"` | the role's ARN, without the session | exactly |
//! | `principal_tags` | recommended | `{ project = "widget" }` | tags that the role or its session must have, each with its value | exactly |
//! | `organization_id` | optional | `"o-abc1234567"` | the id of the account's organization in AWS Organizations | exactly |
//! | `region` | optional | `"eu-central-1"` | the region whose endpoint was asked for the token | exactly |
//! | `lambda_function` | optional | `"arn:aws:lambda:eu-central-1:123456789012:function:publish"` | the ARN of the Lambda function that asked for the token | exactly |

mod claims;
mod fields;
mod publisher;
#[cfg(feature = "testing")]
pub mod sample;
mod source;
#[cfg(test)]
mod tests;

use oidc_core::{Algorithm, Claims, FieldValue, ProviderKind, PublisherField, Unverified};
use serde_json::Value;

use self::claims::{CLAIMS, NAMESPACE};
pub use self::fields::AwsPublisher;
use self::publisher::{MEMBERS, RULES};
use crate::command::variable_line;
use crate::provider::{Definition, Platform, provider};

/// The platform's name in configuration and in logs.
pub(crate) const ID: &str = "aws";

/// The variables that give a job its role's credentials, with which it asks for tokens.
const IDENTITY_VARIABLES: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN*",
    "AWS_CONTAINER_CREDENTIALS_*",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
];

static DEFINITION: Definition = Definition {
    id: ID,
    title: "AWS",
    kind: ProviderKind::Cloud,
    source_variables: &["CODEBUILD_BUILD_ID"],
    identity_variables: IDENTITY_VARIABLES,
    detect: |detection| Ok(source::detect(detection)),
    algorithms: &[Algorithm::Es384, Algorithm::Rs256],
    claims: CLAIMS,
    // AWS's tokens name a role and no run.
    rules: &RULES,
    settings,
    renewal: |_| "ask for another token, with `aws sts get-web-identity-token`".into(),
    variable_line: |name, audience| Some(variable_line(name, &source::command(audience))),
    ..Definition::EMPTY
};

provider! {
    /// AWS with the issuer of one account.
    Aws(DEFINITION)

    /// The client half alone, which needs no issuer: each account has its own.
    client;

    /// AWS with this issuer and no other: `https://UUID.tokens.sts.global.api.aws` of an account, or an issuer on
    /// loopback for tests.
    at;
}

/// The role and the members that a rule may read. Which of its tags tell a role from others is not known here.
fn settings(platform: &Platform, claims: &Unverified<Claims>) -> Vec<FieldValue> {
    let own = claims.read_unverified().get(NAMESPACE);
    let member = |field: &PublisherField| {
        let (_, name) = MEMBERS.into_iter().find(|(known, _)| known.key == field.key)?;
        own.as_ref()?.member(name)?.as_text().filter(|text| !text.is_empty()).map(Value::from)
    };
    platform.settings_with(claims, |field| {
        (field.claim == Some(NAMESPACE)).then(|| FieldValue::new(field, member(field)))
    })
}
