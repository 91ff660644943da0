//! The endpoints that take provenance, as one.

use oidc_core::http::Response;
use oidc_provenance::{Artifact, Bundle, Statement};
use serde_json::Value;
use tests::gems;
use tests::uploads::Endpoint;

use super::{Job, NAME, World, artifact, document, file_of};

/// An endpoint that takes provenance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProvenanceEndpoint {
    Npm,
    Pypi,
    Gem,
}

impl ProvenanceEndpoint {
    pub(super) const ALL: [Self; 3] = [Self::Npm, Self::Pypi, Self::Gem];

    pub(super) async fn token(self, world: &World) -> String {
        let endpoint = match self {
            Self::Npm => Endpoint::Npm,
            Self::Pypi => Endpoint::Pypi,
            Self::Gem => Endpoint::Gem,
        };
        endpoint.token(&world.scene).await
    }

    /// The statement that the sample job makes of the file.
    pub(super) fn statement(self, world: &World) -> Statement {
        self.statement_of(world, Job::default())
    }

    /// The statement that a job makes of the file.
    pub(super) fn statement_of(self, world: &World, job: Job) -> Statement {
        match self {
            Self::Npm => Statement::npm(&artifact(NAME, "1.0.0"), &world.context(job)).unwrap(),
            Self::Pypi => {
                let (name, content) = file_of("1.0.0");
                Statement::pypi_publish(&Artifact::file(name, &content))
            }
            Self::Gem => {
                let gem = Artifact::file("widget-1.0.0.gem", &gems::named(NAME, "1.0.0"));
                Statement::github_build(&gem, &world.claims(job)).unwrap()
            }
        }
    }

    /// The text of a bundle as clients send it; `None` where its form has no place for a part of it.
    pub(super) fn written(self, bundle: &Value) -> Option<String> {
        match self {
            Self::Npm | Self::Gem => Some(bundle.to_string()),
            Self::Pypi => Some(Bundle::new(bundle.to_string()).to_pep_740().ok()?.to_string()),
        }
    }

    /// Publishes version 1.0.0 with a bundle in the endpoint's form.
    pub(super) async fn send(self, world: &World, bundle: &str, token: &str) -> Response {
        match self {
            Self::Npm => world.publish(&document("1.0.0", Some(bundle)), token).await,
            Self::Pypi => world.upload("1.0.0", Some(&format!("[{bundle}]")), token).await,
            Self::Gem => world.push(&format!("[{bundle}]"), token).await,
        }
    }

    /// The status of a refusal, and that of a publish.
    pub(super) fn statuses(self) -> (u16, u16) {
        match self {
            Self::Npm => (422, 201),
            Self::Pypi => (400, 200),
            Self::Gem => (422, 200),
        }
    }

    /// Returns `true` if an answer is a refusal for a reason whose code begins so: a member for npm, the end of the text for those
    /// whose clients show the answer as it is.
    pub(super) fn refuses(self, answer: &Response, code: &str) -> bool {
        let text = String::from_utf8_lossy(&answer.body);
        let told = match self {
            Self::Npm => text.contains(&format!("\"code\":\"{code}")),
            Self::Pypi | Self::Gem => {
                text.ends_with(')')
                    && text.rsplit_once('(').is_some_and(|(_, behind)| behind.starts_with(code))
            }
        };
        told && answer.status == self.statuses().0
    }
}
