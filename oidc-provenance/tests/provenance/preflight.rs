//! What a job can know before it signs.

use std::collections::BTreeMap;

use oidc_core::{Context, Severity, Unverified};
use oidc_provenance::{Ecosystem, Preflight, codes};
use serde_json::{Value, json};

use crate::support::job;

/// The variables of the job, with changes: `None` removes one.
fn cx(of: &Context, changes: &[(&str, Option<&str>)]) -> Context {
    let variable = |name: &str| (name.to_owned(), of.environment().get(name).unwrap().to_owned());
    let mut variables: BTreeMap<String, String> = of.environment().names().map(variable).collect();
    for (name, value) in changes {
        match value {
            Some(value) => variables.insert((*name).to_owned(), (*value).to_owned()),
            None => variables.remove(*name),
        };
    }
    Context::default().with_environment(variables.into_iter().collect())
}

fn github(changes: &[(&str, Option<&str>)]) -> Context {
    let all = [&[("ACTIONS_ID_TOKEN_REQUEST_URL", Some("https://token.example"))], changes].concat();
    cx(&job::context(&job::claims(&[])), &all)
}

fn gitlab(changes: &[(&str, Option<&str>)]) -> Context {
    let all = [&[("SIGSTORE_ID_TOKEN", Some("token"))], changes].concat();
    cx(&job::gitlab_context(&job::gitlab_claims()), &all)
}

fn manifest() -> Value {
    json!({ "name": "@acme/widget", "repository": "github:acme/widget" })
}

#[test]
fn a_job_that_is_right_has_no_faults() {
    let manifest = manifest();
    let claims = Unverified::new(job::claims(&[]));
    let preflight = Preflight::new(Ecosystem::Npm).asked().claims(&claims).manifest(&manifest).public(true);
    assert_eq!(preflight.check(&github(&[])), []);
    let claims = Unverified::new(job::gitlab_claims());
    let manifest = json!({ "repository": "https://gitlab.com/acme/group/widget.git" });
    let preflight = Preflight::new(Ecosystem::Npm).asked().claims(&claims).manifest(&manifest).public(true);
    assert_eq!(preflight.check(&gitlab(&[])), []);
    let private = Unverified::new(job::claims(&[("repository_visibility", "private")]));
    for ecosystem in [Ecosystem::Pypi, Ecosystem::RubyGems] {
        assert_eq!(Preflight::new(ecosystem).asked().claims(&private).check(&github(&[])), []);
    }
    assert_eq!(
        Preflight::new(Ecosystem::Pypi).check(&gitlab(&[("CI_PROJECT_VISIBILITY", Some("private"))])),
        []
    );
}

#[test]
fn every_fault_is_told_before_anything_is_signed() {
    let unchanged: &[(&str, &str)] = &[];
    let private = &[("repository_visibility", "private")];
    let refless = &[("ref", "")];
    let hosted = &[("runner_environment", "self-hosted")];
    let other = &[("event_name", "workflow_dispatch")];
    for (what, cx, claims, manifest, code) in [
        (
            "no id-token",
            github(&[("ACTIONS_ID_TOKEN_REQUEST_URL", None)]),
            unchanged,
            manifest(),
            codes::PROVENANCE_TOKEN,
        ),
        ("a private repository", github(&[]), private, manifest(), codes::PROVENANCE_VISIBILITY),
        (
            "a self-hosted runner",
            github(&[("RUNNER_ENVIRONMENT", Some("self-hosted"))]),
            hosted,
            manifest(),
            codes::PROVENANCE_RUNNER,
        ),
        (
            "an empty ref",
            github(&[("GITHUB_REF", Some(""))]),
            refless,
            manifest(),
            codes::PROVENANCE_VARIABLE,
        ),
        ("a token without ref", github(&[]), refless, manifest(), codes::PROVENANCE_EXTENSION),
        ("a token of another event", github(&[]), other, manifest(), codes::PROVENANCE_PREDICATE),
        ("no repository", github(&[]), unchanged, json!({}), codes::PROVENANCE_REPOSITORY),
        (
            "another case",
            github(&[]),
            unchanged,
            json!({ "repository": "Acme/widget" }),
            codes::PROVENANCE_REPOSITORY,
        ),
    ] {
        let claims = Unverified::new(job::claims(claims));
        let preflight =
            Preflight::new(Ecosystem::Npm).asked().claims(&claims).manifest(&manifest).public(true);
        let faults = preflight.check(&cx);
        assert_eq!(
            faults.first().map(|fault| (fault.code, fault.severity)),
            Some((code, Severity::Error)),
            "{what}: {faults:?}"
        );
    }
}

#[test]
fn without_claims_the_variables_are_all_there_is() {
    let check = |cx: &Context| {
        let faults = Preflight::new(Ecosystem::Npm).asked().check(cx);
        faults.iter().map(|fault| fault.code).collect::<Vec<_>>()
    };
    assert!(check(&github(&[])).is_empty());
    assert_eq!(check(&github(&[("RUNNER_ENVIRONMENT", Some("self-hosted"))])), [codes::PROVENANCE_RUNNER]);
    assert_eq!(
        check(&gitlab(&[("CI_PROJECT_VISIBILITY", Some("internal"))])),
        [codes::PROVENANCE_VISIBILITY]
    );
    assert_eq!(check(&gitlab(&[("SIGSTORE_ID_TOKEN", None)])), [codes::PROVENANCE_TOKEN]);
    let own = [("CI_SERVER_URL", Some("https://gitlab.acme.example"))];
    assert_eq!(check(&gitlab(&own)), [codes::PROVENANCE_PLATFORM]);
    assert!(Preflight::new(Ecosystem::Npm).private_instance().check(&gitlab(&own)).is_empty());
    assert_eq!(check(&Context::default()), [codes::PROVENANCE_PLATFORM]);
    assert_eq!(Preflight::new(Ecosystem::RubyGems).check(&gitlab(&[]))[0].code, codes::PROVENANCE_PLATFORM);
}

#[test]
fn what_a_tool_skips_in_silence_is_told_loudly() {
    let private = Unverified::new(job::claims(&[("repository_visibility", "private")]));
    let circle = cx(&Context::default(), &[("CIRCLECI", Some("true"))]);
    let manifest = json!({ "repository": "acme/widget" });
    let npm = Preflight::new(Ecosystem::Npm);
    for (what, faults) in [
        ("a private repository", npm.clone().claims(&private).check(&github(&[]))),
        ("no second token on GitLab", npm.clone().check(&gitlab(&[("SIGSTORE_ID_TOKEN", None)]))),
        ("CircleCI", npm.clone().check(&circle)),
        ("a new package", npm.clone().manifest(&manifest).public(false).check(&github(&[]))),
    ] {
        assert_eq!(faults.len(), 1, "{what}: {faults:?}");
        assert_eq!(faults[0].severity, Severity::Warning, "{what}");
        assert!(faults[0].problem.contains("will have no provenance"), "{what}: {}", faults[0]);
    }
    // A new package whose manifest says so is public.
    let public = json!({ "repository": "acme/widget", "publishConfig": { "access": "public" } });
    assert_eq!(npm.manifest(&public).public(false).check(&github(&[])), []);
}
