//! The publisher that the user has in mind, held against the job.

use oidc_core::{
    Claims, Diagnosis, InvalidPublisher, Mismatch, Provider, Publisher, Setting, Subject, Unverified, shown,
};
use serde_json::{Map, Value};

use super::report::{Difference, Report};

/// Compares key by key, by the platform's own rules where it tells them.
pub(super) fn compare(
    provider: Option<&dyn Provider>,
    claims: &Unverified<Claims>,
    intended: &Map<String, Value>,
    report: &mut Report,
) {
    let comparison = Comparison { provider, claims, settings: report.settings.clone(), intended };
    let unusable = comparison.unusable();
    let whatever = comparison.refused_whatever();
    report.add_stated(whatever.filter(|why| report.diagnoses.iter().all(|one| one.code != why.code)));
    for (key, value) in intended {
        let (difference, why) = comparison.one(key, value);
        report.differences.push(difference);
        let is_said = unusable.as_ref().is_some_and(|one| one.subject == Subject::Field(key.clone()));
        report.add_stated(why.filter(|_| !is_said));
    }
    report.add_all(unusable);
}

struct Comparison<'a> {
    provider: Option<&'a dyn Provider>,
    claims: &'a Unverified<Claims>,
    settings: Vec<Setting>,
    intended: &'a Map<String, Value>,
}

impl Comparison<'_> {
    /// Why the whole configuration is none.
    fn unusable(&self) -> Option<Diagnosis> {
        let config = self.intended.iter().fold(self.base(), |config, (key, value)| with(config, key, value));
        publisher(self.provider?, config).err().map(|error| error.diagnosis().clone())
    }

    /// Why no publisher at all lets this job in.
    fn refused_whatever(&self) -> Option<Diagnosis> {
        let base = publisher(self.provider?, self.base()).ok()?;
        base.explain(self.claims).map(|why| why.diagnosis().clone())
    }

    /// What no publisher for this job can do without, as the job has it, or else as the user has it in mind.
    fn base(&self) -> Map<String, Value> {
        let value = |setting: &Setting| match &setting.value {
            Some(value) => Some(Value::from(value.as_str())),
            None => self.intended.get(setting.key).cloned(),
        };
        let required = self.settings.iter().filter(|setting| setting.required);
        required.filter_map(|setting| Some((setting.key.to_owned(), value(setting)?))).collect()
    }

    fn one(&self, key: &str, value: &Value) -> (Difference, Option<Diagnosis>) {
        let setting = self.settings.iter().find(|setting| setting.key == key);
        let claim = setting.map_or(key, |setting| setting.claim);
        let job = match setting {
            Some(setting) => setting.value.clone(),
            None => self.claims.read_unverified().text(claim).map(String::from),
        };
        let is_usable =
            self.provider.is_none_or(|provider| publisher(provider, self.with_ids(key, value)).is_ok());
        let why = self.mismatch(key, value).or_else(|| self.differs(setting, claim, job.as_deref(), value));
        let difference = Difference {
            key: key.to_owned(),
            claim: claim.to_owned(),
            publisher: text(value),
            job,
            differs: why.is_some() || !is_usable,
        };
        (difference, why)
    }

    /// What the platform's own rule says of one key, if nothing else about the job is refused anyway.
    fn mismatch(&self, key: &str, value: &Value) -> Option<Diagnosis> {
        let provider = self.provider?;
        let base = publisher(provider, self.base()).ok()?;
        let changed = publisher(provider, self.with_ids(key, value)).ok()?;
        let explain = |publisher: &dyn Publisher| publisher.explain(self.claims);
        let why: Option<Mismatch> = explain(&*changed).filter(|why| explain(&*base).as_ref() != Some(why));
        why.map(|why| why.diagnosis().clone())
    }

    /// The base with one key changed, and with those ids that fit: they tell a renamed repository from another one.
    fn with_ids(&self, key: &str, value: &Value) -> Map<String, Value> {
        let fits = |setting: &&Setting| {
            let stated = self.intended.get(setting.key);
            setting.key.ends_with("_id") && stated.is_some() && stated.map(text) == setting.value
        };
        let ids = self.settings.iter().filter(fits);
        let base = ids.fold(self.base(), |base, setting| {
            with(base, setting.key, &Value::from(setting.value.as_deref().unwrap_or_default()))
        });
        with(base, key, value)
    }

    /// A plain comparison, where the platform's rule can't be asked.
    fn differs(
        &self,
        setting: Option<&Setting>,
        claim: &str,
        job: Option<&str>,
        value: &Value,
    ) -> Option<Diagnosis> {
        let expected = text(value);
        let asked = setting.is_some()
            && self.provider.is_some_and(|provider| publisher(provider, self.base()).is_ok());
        let fits = asked || expected.contains('*') || job == Some(&*expected);
        if fits {
            return None;
        }
        let problem = format!("claim `{}` is not what the publisher is meant to have", shown(claim));
        let diagnosis =
            Diagnosis::new("publisher-differs", Subject::Claim(claim.to_owned()), problem).expected(expected);
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

/// A publisher from texts, of which those that can't be texts (`true`, an array) are read as JSON.
fn publisher(
    provider: &dyn Provider,
    mut config: Map<String, Value>,
) -> Result<Box<dyn Publisher>, InvalidPublisher> {
    loop {
        let error = match provider.publisher(&Value::Object(config.clone())) {
            Ok(publisher) => return Ok(publisher),
            Err(error) => error,
        };
        let Subject::Field(key) = &error.diagnosis().subject else { return Err(error) };
        let json =
            config.get(key).and_then(Value::as_str).and_then(|text| serde_json::from_str::<Value>(text).ok());
        match json.filter(|json| json.is_boolean() || json.is_array()) {
            Some(json) => config.insert(key.clone(), json),
            None => return Err(error),
        };
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
