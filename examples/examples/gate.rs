//! A service that lets the jobs of one workflow in, and needs no store, no exchange and no token of its own.
//!
//! `cargo run --example gate -- https://deploy.example acme/widget 123456 deploy.yml` reads an identity token from standard
//! input. The number is the repository's id. It must be configured, since this service does not store the ids that a publisher learns
//! (`Match::learned`): without the id, it would accept the next owner of the repository's name. It accepts a token as often as it is
//! presented until the token expires. Where a token must be used once, store its `Verified::replay_key` until `Verified::accepted_until`.

use std::error::Error;
use std::io::{Write as _, read_to_string, stdin, stdout};

use oidc_core::verify::{Verifier, backend::AwsLc};
use oidc_core::{Audience, Context, Provider as _, ProviderSet, Publisher};
use oidc_providers::{GitHub, GitHubPublisher};

/// The workflow that is let in, and the verifier of its tokens.
pub(crate) struct Gate {
    verifier: Verifier,
    allowed: Box<dyn Publisher>,
}

impl Gate {
    pub(crate) fn new(audience: &str, rules: GitHubPublisher, cx: &Context) -> Result<Self, Box<dyn Error>> {
        let providers = ProviderSet::default().with(GitHub::public());
        let verifier = Verifier::new(AwsLc, [Audience::new(audience)?], &providers, cx)?;
        Ok(Self { verifier, allowed: GitHub::public().publisher(&rules.into())? })
    }

    /// The repository whose job the token is from. Both errors may be shown to whoever sent the token.
    pub(crate) async fn admit(&self, token: &str) -> Result<String, Box<dyn Error>> {
        let verified = self.verifier.verify(token).await?;
        self.allowed.check(&verified)?;
        Ok(verified.text("repository").unwrap_or_default().into_owned())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().ok_or_else(|| format!("which {what}?"));
    let (audience, repository, id, workflow) =
        (next("audience")?, next("repository")?, next("id")?, next("workflow")?);
    let rules = GitHubPublisher::new(repository, workflow).repository_id(id);
    let gate = Gate::new(&audience, rules, &Context::system()?)?;
    let admitted = gate.admit(read_to_string(stdin())?.trim()).await?;
    Ok(writeln!(stdout(), "a job of {admitted}")?)
}
