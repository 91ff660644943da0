//! Comparison of the publisher that the user intends with the job.

use oidc_core::{
    Claims, Diagnosis, FieldValue, Mismatch, Provider, Publisher, PublisherField, Target, Unverified, shown,
};
use serde_json::{Map, Value};

use super::report::{Difference, Report};
use crate::codes;

/// Compares key by key, by the platform's own rules where it has them.
pub(super) fn compare(
    provider: Option<&dyn Provider>,
    claims: &Unverified<Claims>,
    intended: &Map<String, Value>,
    report: &mut Report,
) {
    let fields = provider.map_or(&[] as &[_], Provider::publisher_fields);
    let comparison = Comparison {
        provider,
        fields,
        claims,
        settings: report.settings.clone(),
        intended: typed(fields, intended),
    };
    let unusable = comparison.unusable();
    let whatever = comparison.refused_whatever();
    report.add_stated(whatever.filter(|why| report.diagnoses.iter().all(|one| one.code != why.code)));
    for (key, stated) in intended {
        let (difference, why) = comparison.one(key, stated);
        report.differences.push(difference);
        let is_said = unusable.iter().any(|one| one.target == Target::Field(key.clone()));
        report.add_stated(why.filter(|_| !is_said));
    }
    report.add_all(unusable);
}

/// The configuration that the user intends, with each text converted to the type of its field.
fn typed(fields: &[PublisherField], intended: &Map<String, Value>) -> Map<String, Value> {
    let typed = |(key, value): (&String, &Value)| {
        let field = PublisherField::find(fields, key).ok();
        let read = field.and_then(|field| field.value_of(value.as_str()?));
        (key.clone(), read.unwrap_or_else(|| value.clone()))
    };
    intended.iter().map(typed).collect()
}

struct Comparison<'a> {
    provider: Option<&'a dyn Provider>,
    fields: &'static [PublisherField],
    claims: &'a Unverified<Claims>,
    settings: Vec<FieldValue>,
    intended: Map<String, Value>,
}

impl Comparison<'_> {
    /// The faults of the whole configuration.
    fn unusable(&self) -> Vec<Diagnosis> {
        let config = self.intended.iter().fold(self.base(), |config, (key, value)| with(config, key, value));
        let read = self.provider.map(|provider| provider.publisher(&config.into()));
        read.and_then(Result::err).map_or_else(Vec::new, |invalid| invalid.faults().to_vec())
    }

    /// The reason why no publisher at all accepts this job.
    fn refused_whatever(&self) -> Option<Diagnosis> {
        self.publisher(self.base())?.explain(self.claims).map(|why| why.diagnosis().clone())
    }

    /// The required fields of a publisher for this job, with the values of the job, or else those that the
    /// user intends.
    fn base(&self) -> Map<String, Value> {
        let value = |setting: &FieldValue| {
            setting.value.clone().or_else(|| self.intended.get(setting.field.key).cloned())
        };
        let required = self.settings.iter().filter(|setting| setting.field.required);
        required.filter_map(|setting| Some((setting.field.key.to_owned(), value(setting)?))).collect()
    }

    fn one(&self, key: &str, stated: &Value) -> (Difference, Option<Diagnosis>) {
        let setting = self.settings.iter().find(|setting| setting.field.key == key);
        let of_table = || PublisherField::find(self.fields, key).ok().and_then(|field| field.claim);
        let claim = setting.map_or_else(of_table, |setting| setting.claim).unwrap_or(key);
        let job = match setting {
            Some(setting) => setting.text(),
            None => self.claims.read_unverified().text(claim).map(String::from),
        };
        let value = self.intended.get(key).unwrap_or(stated);
        let is_usable = self.provider.is_none() || self.publisher(self.with_ids(key, value)).is_some();
        let why = self.mismatch(key, value).or_else(|| self.differs(setting, claim, job.as_deref(), value));
        let difference = Difference {
            key: key.to_owned(),
            claim: claim.to_owned(),
            publisher: PublisherField::text_of(stated).into_owned(),
            job,
            differs: why.is_some() || !is_usable,
        };
        (difference, why)
    }

    /// The mismatch of one key by the platform's own rule, unless the job is refused for another reason
    /// anyway.
    fn mismatch(&self, key: &str, value: &Value) -> Option<Diagnosis> {
        let base = self.publisher(self.base())?;
        let changed = self.publisher(self.with_ids(key, value))?;
        let explain = |publisher: &dyn Publisher| publisher.explain(self.claims);
        let why: Option<Mismatch> = explain(&*changed).filter(|why| explain(&*base).as_ref() != Some(why));
        why.map(|why| why.diagnosis().clone())
    }

    /// The base with one key changed, and with those intended ids that match the job, since they distinguish
    /// a renamed repository from another one.
    fn with_ids(&self, key: &str, value: &Value) -> Map<String, Value> {
        let fits = |setting: &&FieldValue| {
            let stated = self.intended.get(setting.field.key);
            setting.field.learned && stated.is_some() && stated == setting.value.as_ref()
        };
        let ids = self.settings.iter().filter(fits).filter_map(|id| Some((id.field.key, id.value.as_ref()?)));
        let base = ids.fold(self.base(), |base, (key, value)| with(base, key, value));
        with(base, key, value)
    }

    /// The platform's publisher for a configuration, if the platform accepts it.
    fn publisher(&self, config: Map<String, Value>) -> Option<Box<dyn Publisher>> {
        self.provider?.publisher(&config.into()).ok()
    }

    /// The mismatch of one key by plain comparison, where the platform's rule is not available.
    fn differs(
        &self,
        setting: Option<&FieldValue>,
        claim: &str,
        job: Option<&str>,
        value: &Value,
    ) -> Option<Diagnosis> {
        let expected = PublisherField::text_of(value);
        let asked = setting.is_some() && self.publisher(self.base()).is_some();
        let fits = asked || expected.contains('*') || job == Some(&*expected);
        if fits {
            return None;
        }
        let problem = format!("claim `{}` is not what the publisher is meant to have", shown(claim));
        let diagnosis = Diagnosis::new(codes::PUBLISHER_DIFFERS, Target::Claim(claim.to_owned()), problem)
            .expected(expected);
        let diagnosis = diagnosis.fix("configure the publisher with what this job has, or change the job");
        Some(match job {
            Some(job) => diagnosis.found(job),
            None => diagnosis,
        })
    }
}

fn with(mut config: Map<String, Value>, key: &str, value: &Value) -> Map<String, Value> {
    config.insert(key.to_owned(), value.clone());
    config
}
