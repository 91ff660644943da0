//! Publishers for every repository of an owner.

use super::fields::{
    ENVIRONMENT, EVENT, JOB_WORKFLOW, OWNER_ID, REF, REF_PROTECTED, REPOSITORY, RUNNER_ENVIRONMENT, WORKFLOW,
};
use super::names;
use super::publisher::{RUN, WORKFLOWS};
use crate::codes;
use crate::rules::rule::Rule;
use crate::rules::table::{Ids, Key, Table};
use crate::rules::typed::typed_publisher;
use crate::rules::{Field, fields};

/// The rules of an owner whose repositories may publish. No repository is called `*`.
pub(super) static OWNER_RULES: Table = Table {
    fields: OWNER_FIELDS,
    keys: &[Key::new(&OWNER, names::owner).between("", "/*")],
    ids: Ids::numbers(&[&OWNER_ID]).tell_renames(),
    rules: &[
        &[
            Rule::Below(&OWNER, &REPOSITORIES),
            Rule::StartedFiles(&FILES, &WORKFLOWS),
            Rule::CalledWorkflow(&WORKFLOWS),
        ],
        RUN,
    ],
    ..Table::EMPTY
};

const OWNER: Field = Field::new(
    codes::GITHUB_REPOSITORY_OWNER,
    fields::OWNER
        .claim("repository_owner")
        .summary("the user or organization whose repositories may publish"),
);
const REPOSITORIES: Field = REPOSITORY.for_several(
    "Repositories",
    "acme/widget-*",
    "those of the owner's repositories that may publish, as owner/name; without it all of them",
);
const FILES: Field = WORKFLOW.for_several(
    "Workflows",
    "publish*.yml",
    "the names of the files in .github/workflows that the run may begin with; without it all of them",
);

typed_publisher! {
    /// The typed configuration of a publisher for every repository of an owner. It serializes and converts to the JSON
    /// form; [`GitHub::allowing_owners`](super::GitHub::allowing_owners) reads it.
    ///
    /// ```
    /// use oidc_core::Provider as _;
    /// use oidc_providers::{GitHub, GitHubOwnerPublisher};
    ///
    /// /// The owners that an account administers, with their ids: what GitHub answered with the account's own log-in.
    /// fn administered(account: &str) -> &'static [(&'static str, &'static str)] {
    ///     if account == "alice" { &[("acme", "1")] } else { &[] }
    /// }
    ///
    /// /// The publisher that an account may save, with the id by GitHub's answer and never by the request.
    /// fn publisher(account: &str, owner: &str) -> Option<GitHubOwnerPublisher> {
    ///     let mut owners = administered(account).iter();
    ///     let (name, id) = owners.find(|(name, _)| name.eq_ignore_ascii_case(owner))?;
    ///     Some(GitHubOwnerPublisher::new(*name).repository_owner_id(*id).workflow("publish*.yml"))
    /// }
    ///
    /// assert!(publisher("bob", "acme").is_none());
    /// let publisher = publisher("alice", "Acme").ok_or("GitHub calls alice no administrator of Acme")?;
    /// assert!(GitHub::public().publisher(&publisher.clone().into()).is_err(), "no registry takes one by itself");
    /// // The registry's verifier and its configuration of publishers (`Trust`) get this platform.
    /// assert!(GitHub::public().allowing_owners().publisher(&publisher.into()).is_ok());
    /// # Ok::<(), &str>(())
    /// ```
    OWNER_FIELDS, GitHubOwnerPublisher(owner: OWNER)

    /// Sets a pattern for the owner's repositories, as owner/name.
    fn repository(text REPOSITORIES);

    /// Sets a pattern for the file that the run began with.
    fn workflow(text FILES);

    /// Sets the job's environment.
    fn environment(text ENVIRONMENT);

    /// Sets a pattern for the called workflow that holds the job, with its ref or commit.
    fn job_workflow(text JOB_WORKFLOW);

    /// Sets the owner's number, which is otherwise learned.
    fn repository_owner_id(text OWNER_ID);

    /// Sets a pattern for the full name of the run's branch or tag, `ref` in JSON.
    fn git_ref(text REF);

    /// Allows protected branches and tags only.
    fn ref_protected(flag REF_PROTECTED);

    /// Allows these events only, `event` in JSON.
    fn events(texts EVENT);

    /// Allows `github-hosted` or `self-hosted` runners only.
    fn runner_environment(text RUNNER_ENVIRONMENT);
}
