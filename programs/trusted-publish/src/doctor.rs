//! `trusted-publish doctor`: the library's findings, for a person, for a program and for the CI platform.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use oidc_core::{
    ComparedWorkflow, Context, Diagnosis, Environment, HttpUrl, InvalidPublisher, Provider, ProviderSet,
    PublisherField, RegistryRules, Severity, gitlab_annotations,
};
use oidc_exchange::client::doctor::{self, Report, Verdict, unusable_url};
use oidc_exchange::client::{Mode, Wording};
use oidc_exchange::codes;
use serde_json::{Map, Value};

use super::ecosystem::{Ecosystem, Opened};
use super::error::PublishError;
use super::format::{self, Format};
use super::progress;
use super::provenance::{Wish, findings};
use super::target::Target;
use super::{manifest, table};

/// The arguments of `doctor`.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    pub(super) target: Target,
    /// Exchange the identity token even if this job gets no other (GitLab): a publish after it may then be refused.
    #[arg(long)]
    exchange: bool,
    /// A field of the trusted publisher that is meant to accept this job, such as `workflow=publish.yml`; may be
    /// repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = field, num_args = 1..)]
    publisher: Vec<(String, String)>,
    /// The workflow that the registry compares where one workflow calls another: the one that was started, or the one that holds the
    /// job. The public registries' rules are known; a registry of your own is taken to compare the started one.
    #[arg(long, value_enum, value_name = "WHICH")]
    compared_workflow: Option<Workflow>,
    /// Also check, before anything is signed, whether the registry would take this job's provenance, and whether the tool would
    /// leave it out without saying so.
    #[arg(long, value_enum, value_name = "WISH", num_args = 0..=1, require_equals = true, default_missing_value = "required")]
    provenance: Option<Wish>,
    /// Check every package of the workspace in the working directory that is published: npm's `workspaces`, cargo's, uv's.
    #[arg(long, conflicts_with = "package")]
    pub(super) workspace: bool,
    /// Also write GitLab's annotations report, for `artifacts:reports:annotations`.
    #[arg(long, value_name = "FILE")]
    gitlab_annotations: Option<PathBuf>,
}

/// The workflow that a registry compares.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Workflow {
    /// The one that was started (`workflow_ref`).
    Started,
    /// The one that holds the job (`job_workflow_ref`), in the same repository.
    Called,
}

impl From<Workflow> for RegistryRules {
    fn from(workflow: Workflow) -> Self {
        Self::comparing(match workflow {
            Workflow::Started => ComparedWorkflow::Started,
            Workflow::Called => ComparedWorkflow::Called,
        })
    }
}

fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected `key=value`, such as `workflow=publish.yml`".to_owned()),
    }
}

/// The names of `trusted-publish`'s commands and options, for what a report of the library proposes.
pub fn wording() -> Wording {
    Wording::default()
        .publish_command("trusted-publish exec")
        .check_command("trusted-publish doctor")
        .publisher_option("--publisher KEY=VALUE")
        .exchange_option("--exchange")
        .always_option("--trusted-publishing always")
}

/// The question to the library.
#[derive(Clone)]
struct Question<'a> {
    exchanges_always: bool,
    intended: Map<String, Value>,
    rules: Option<RegistryRules>,
    providers: &'a ProviderSet,
    cx: &'a Context,
}

impl Question<'_> {
    async fn ask(self, opened: Opened) -> Report {
        let doctor =
            doctor::Doctor::of(&*opened.registry, opened.scope).intending(self.intended).wording(wording());
        let doctor = match opened.named {
            Some(name) => doctor.naming(name),
            None => doctor,
        };
        let doctor = if self.exchanges_always { doctor.exchanging_always() } else { doctor };
        let doctor = match self.rules {
            Some(rules) => doctor.by_rules(rules),
            None => doctor,
        };
        doctor.examine(self.providers, self.cx).await
    }
}

impl Doctor {
    /// Checks, and prints the report. 0 only if a publish would be accepted.
    pub(super) async fn run(
        &self,
        providers: &ProviderSet,
        cx: &Context,
        out: &mut impl Write,
        err: &mut impl Write,
    ) -> Result<u8, PublishError> {
        let (watched, progress) = progress::watched(cx);
        let mut reports = progress.report_during(self.examine(providers, &watched), err).await?;
        for report in &mut reports {
            self.examine_provenance(report, providers, cx).await?;
        }
        match (&*reports, self.target.format) {
            ([report], Format::Text) => out.write_all(report.to_text().as_bytes())?,
            ([report], Format::Json) => writeln!(out, "{}", format::pretty(report)?)?,
            (reports, Format::Text) => out.write_all(table::text(reports).as_bytes())?,
            (reports, Format::Json) => {
                let reports = serde_json::json!({ "reports": reports });
                writeln!(out, "{}", format::pretty(&reports)?)?;
            }
        }
        out.flush()?;
        let diagnoses = different(&reports);
        annotate(&diagnoses, cx.environment(), err)?;
        if let Some(path) = &self.gitlab_annotations {
            write_report(path, &diagnoses)?;
        }
        Ok(u8::from(!reports.iter().all(|report| report.verdict.is_accepted())))
    }

    /// Adds the findings about provenance. An error among them refuses a release that asks for provenance.
    async fn examine_provenance(
        &self,
        report: &mut Report,
        providers: &ProviderSet,
        cx: &Context,
    ) -> Result<(), PublishError> {
        let Some(wish) = self.provenance else { return Ok(()) };
        let ecosystem = self.target.ecosystem()?;
        let url = HttpUrl::parse(self.target.url(ecosystem)?).ok();
        let package = report.package.clone();
        let found = findings(ecosystem.name, url.as_ref(), package.as_deref(), wish, providers, cx).await;
        if found.iter().any(|fault| fault.severity == Severity::Error) {
            report.verdict = Verdict::Refused;
        }
        report.diagnoses.extend(found);
        report.diagnoses.sort_by_key(|fault| std::cmp::Reverse(fault.severity));
        Ok(())
    }

    async fn examine(&self, providers: &ProviderSet, cx: &Context) -> Result<Vec<Report>, PublishError> {
        let ecosystem = self.target.ecosystem()?;
        if self.target.trusted_publishing == Mode::Never {
            return Err(PublishError::NothingToCheck);
        }
        self.check_fields(providers, cx)?;
        let fields = self.publisher.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
        let question = Question {
            exchanges_always: self.exchange,
            intended: fields.collect(),
            rules: self.compared_workflow.map(Into::into),
            providers,
            cx,
        };
        let named = match self.workspace {
            true => manifest::workspace(ecosystem.name, cx).await?,
            false => self.target.package.clone(),
        };
        self.examine_each(ecosystem, &named, &question).await
    }

    /// The report of each package, or of none in particular. A report that holds for all packages is made once.
    async fn examine_each(
        &self,
        ecosystem: &Ecosystem,
        named: &[String],
        question: &Question<'_>,
    ) -> Result<Vec<Report>, PublishError> {
        let packages: Vec<Option<&str>> = match named.len() {
            0 => vec![None],
            _ => named.iter().map(|name| Some(name.as_str())).collect(),
        };
        let mut reports: Vec<Report> = Vec::new();
        for package in packages {
            let shared = reports.first().filter(|first| is_for_all(first, ecosystem));
            let report = match shared {
                Some(first) => of_package(first, package),
                None => self.target.examine(ecosystem, package, question.clone()).await?,
            };
            reports.push(report);
        }
        Ok(reports)
    }

    /// Checks that each field is stated once and that publishers on the job's platform have it; on any platform, where the job's is
    /// not known.
    fn check_fields(&self, providers: &ProviderSet, cx: &Context) -> Result<(), PublishError> {
        let here = platforms(providers, cx);
        let mut stated = BTreeSet::new();
        let mut faults = Vec::new();
        for (key, _) in &self.publisher {
            if !stated.insert(key) {
                return Err(PublishError::RepeatedField(key.clone()));
            }
            let find =
                |provider: &&Arc<dyn Provider>| PublisherField::find(provider.publisher_fields(), key).err();
            let unknown: Vec<_> = here.iter().filter_map(find).collect();
            if let (Some(why), true) = (unknown.first(), unknown.len() == here.len()) {
                faults.extend_from_slice(why.faults());
            }
        }
        InvalidPublisher::check(faults).map_err(PublishError::UnknownField)
    }
}

/// The job's platform, or every platform where that is not known.
fn platforms<'a>(providers: &'a ProviderSet, cx: &Context) -> Vec<&'a Arc<dyn Provider>> {
    match providers.here(cx) {
        Some(provider) => vec![provider],
        None => providers.iter().collect(),
    }
}

/// The different findings of all reports.
fn different(reports: &[Report]) -> Vec<Diagnosis> {
    let mut found: Vec<Diagnosis> = Vec::new();
    for diagnosis in reports.iter().flat_map(|report| &report.diagnoses) {
        if found.iter().all(|known| known.to_github() != diagnosis.to_github()) {
            found.push(diagnosis.clone());
        }
    }
    found
}

/// Returns `true` if the first package's report holds for every other package: the exchange was for all packages of the job, and
/// nothing in the report is about one package.
fn is_for_all(first: &Report, ecosystem: &Ecosystem) -> bool {
    let is_not_granted = |one: &Diagnosis| one.code == codes::PACKAGE_NOT_GRANTED;
    let is_about_one = first.verdict == Verdict::Accepted || first.diagnoses.iter().any(is_not_granted);
    !ecosystem.is_for_one_package() && ecosystem.name != "hex" && !is_about_one
}

fn of_package(first: &Report, package: Option<&str>) -> Report {
    let mut report = first.clone();
    report.package = package.map(str::to_owned);
    report
}

impl Target {
    async fn examine(
        &self,
        ecosystem: &Ecosystem,
        package: Option<&str>,
        question: Question<'_>,
    ) -> Result<Report, PublishError> {
        self.check_scheme()?;
        let url = match HttpUrl::parse(self.url(ecosystem)?) {
            Ok(url) => url,
            Err(error) => {
                return Ok(Report::of_unusable(error.url(), package, unusable_url(&error)));
            }
        };
        let opened = ecosystem.opened(&self.asked(&url, package)?)?;
        Ok(question.ask(opened).await)
    }
}

/// Annotations on GitHub, which reads them from either stream.
fn annotate(diagnoses: &[Diagnosis], environment: &Environment, err: &mut impl Write) -> io::Result<()> {
    if !environment.is_true("GITHUB_ACTIONS") {
        return Ok(());
    }
    for diagnosis in diagnoses {
        writeln!(err, "{}", diagnosis.to_github())?;
    }
    err.flush()
}

fn write_report(path: &Path, diagnoses: &[Diagnosis]) -> io::Result<()> {
    std::fs::write(path, gitlab_annotations(diagnoses).to_string())
}

#[cfg(test)]
mod tests {
    use oidc_core::{Diagnosis, Target};

    use super::*;

    #[test]
    fn json_means_what_was_found_and_acts_on_nothing() {
        let text = "\u{9b}31m\u{202e}\u{7f}\u{e0041}é ##[stop-commands]x\n::error::y";
        let diagnosis = Diagnosis::new("x", Target::Claim("ref".to_owned()), "y").found(text);
        let json = format::pretty(&Report::of_unusable("https://r.example", Some(text), diagnosis)).unwrap();
        assert!(json.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{json}");
        assert!(!json.contains("##[") && json.lines().all(|line| !line.trim_start().starts_with("::")));
        let read: Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&read["package"], &read["diagnoses"][0]["found"]), (&text.into(), &text.into()));
    }
}
