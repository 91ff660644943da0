//! The codes of the platforms' diagnoses: of jobs that get no token, of tokens that a publisher does not
//! accept, and of publishers with an invalid configuration.
//!
//! [`oidc_core::codes`] describes their use and stability. Codes that begin with a platform's name belong to
//! that platform; `publisher-…` are faults of a configuration; `token-…` are faults of a token source.

mod activestate;
mod aws;
mod azure;
mod bitbucket;
mod buildkite;
mod circleci;
mod forgejo;
mod generic;
mod github;
mod gitlab;
mod google;
mod job;
mod publisher;
mod semaphore;
mod terraform;
mod token;

pub use self::{
    activestate::*, aws::*, azure::*, bitbucket::*, buildkite::*, circleci::*, forgejo::*, generic::*,
    github::*, gitlab::*, google::*, job::*, publisher::*, semaphore::*, terraform::*, token::*,
};

oidc_core::__codes! { of activestate aws azure bitbucket buildkite circleci job forgejo generic github gitlab google publisher semaphore terraform token }
