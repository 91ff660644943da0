//! The extensions of a certificate, made from the claims of an identity token as Fulcio's configuration for the public
//! instance makes them.
//!
//! They are written down here once more, beside the table of `oidc-provenance`, on purpose: a mistake in either shows as a
//! bundle that does not verify.

use oidc_core::Claims;
use rcgen::CustomExtension;
use x509_cert::der::Encode as _;
use x509_cert::der::asn1::Utf8StringRef;

use super::SigstoreError;

/// The arc of Fulcio's extensions.
const ARC: [u64; 8] = [1, 3, 6, 1, 4, 1, 57264, 1];
/// The last extension whose value is text without an ASN.1 header.
const LAST_RAW: u64 = 6;
/// GitHub's server, which its claims don't name.
const GITHUB: &str = "https://github.com";

/// The identity that a certificate is issued for.
#[derive(Debug)]
pub(super) struct Identity {
    /// The subject alternative name.
    pub(super) san: String,
    /// The values by the last number of their object identifier.
    values: Vec<(u64, String)>,
}

impl Identity {
    /// The identity of a token of this kind of platform; `None` for a kind that gets no certificates, or with claims missing.
    pub(super) fn of(kind: &str, claims: &Claims) -> Option<Self> {
        match kind {
            "github" => github(claims),
            "gitlab" => gitlab(claims),
            _ => None,
        }
    }

    pub(super) fn extensions(&self) -> Result<Vec<CustomExtension>, SigstoreError> {
        let extension = |(number, value): &(u64, String)| {
            let content = match *number {
                ..=LAST_RAW => value.clone().into_bytes(),
                _ => Utf8StringRef::new(value)?.to_der()?,
            };
            let oid: Vec<u64> = ARC.iter().copied().chain([*number]).collect();
            Ok(CustomExtension::from_oid_content(&oid, content))
        };
        self.values.iter().map(extension).collect()
    }
}

fn github(claims: &Claims) -> Option<Identity> {
    let claim = |name: &str| claims.text(name).map(std::borrow::Cow::into_owned);
    let at = |name: &str| claim(name).map(|value| format!("{GITHUB}/{value}"));
    let repository = at("repository")?;
    let run = format!("{repository}/actions/runs/{}/attempts/{}", claim("run_id")?, claim("run_attempt")?);
    let san = at("job_workflow_ref")?;
    let values = [
        (1, claim("iss")),
        (2, claim("event_name")),
        (3, claim("sha")),
        (4, claim("workflow")),
        (5, claim("repository")),
        (6, claim("ref")),
        (8, claim("iss")),
        (9, Some(san.clone())),
        (10, claim("job_workflow_sha")),
        (11, claim("runner_environment")),
        (12, Some(repository)),
        (13, claim("sha")),
        (14, claim("ref")),
        (15, claim("repository_id")),
        (16, at("repository_owner")),
        (17, claim("repository_owner_id")),
        (18, at("workflow_ref")),
        (19, claim("workflow_sha")),
        (20, claim("event_name")),
        (21, Some(run)),
        (22, claim("repository_visibility")),
        (23, claim("environment")),
        (24, claim("sub")),
    ];
    Some(Identity { san, values: present(values) })
}

/// GitLab's server is the issuer.
fn gitlab(claims: &Claims) -> Option<Identity> {
    let claim = |name: &str| claims.text(name).map(std::borrow::Cow::into_owned);
    let at = |name: &str| Some(format!("{}/{}", claim("iss")?, claim(name)?));
    let project = at("project_path")?;
    let kind = if claim("ref_type")? == "tag" { "tags" } else { "heads" };
    let configuration = format!("https://{}", claim("ci_config_ref_uri")?);
    let values = [
        (8, claim("iss")),
        (9, Some(configuration.clone())),
        (10, claim("ci_config_sha")),
        (11, claim("runner_environment")),
        (12, Some(project.clone())),
        (13, claim("sha")),
        (14, Some(format!("refs/{kind}/{}", claim("ref")?))),
        (15, claim("project_id")),
        (16, at("namespace_path")),
        (17, claim("namespace_id")),
        (18, Some(configuration.clone())),
        (19, claim("ci_config_sha")),
        (20, claim("pipeline_source")),
        (21, Some(format!("{project}/-/jobs/{}", claim("job_id")?))),
        (22, claim("project_visibility")),
        (23, claim("environment")),
        (24, claim("sub")),
    ];
    Some(Identity { san: configuration, values: present(values) })
}

/// The values whose claims the token has. An empty one is left out, as Fulcio does.
fn present<const N: usize>(values: [(u64, Option<String>); N]) -> Vec<(u64, String)> {
    let present = |(number, value): (u64, Option<String>)| Some((number, value?));
    values.into_iter().filter_map(present).filter(|(_, value)| !value.is_empty()).collect()
}
