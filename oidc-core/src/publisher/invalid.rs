use std::fmt;

use serde_json::{Map, Value};

use super::PublisherField;
use super::value::kind;
use crate::codes;
use crate::diagnosis::{Diagnosis, Target};
use crate::text::shown;

/// The number of faults of one configuration that are reported.
const MAX_FAULTS: usize = 32;

/// The length in bytes above which a key is not compared with known keys.
const MAX_KEY: usize = 255;

/// The number of letters by which a key may differ from a known key to be taken for a misspelling.
const MAX_SLIPS: usize = 2;

/// An invalid configuration of a publisher: each fault with its field and its fix.
///
/// `Display` writes all faults in one line. A form shows each fault beside its field:
///
/// ```
/// use oidc_core::{InvalidPublisher, PublisherField};
/// use serde_json::json;
///
/// const FIELDS: &[PublisherField] = &[
///     PublisherField::required("project", "Project").example("acme/widget"),
///     PublisherField::optional("branch", "Branch").example("main"),
/// ];
/// let error = InvalidPublisher::check_keys(FIELDS, &json!({ "brunch": "main" })).unwrap_err();
/// assert_eq!(error.faults().len(), 2);
/// let of_project: Vec<_> = error.of("project").map(|fault| fault.to_string()).collect();
/// assert_eq!(of_project, ["a publisher needs this field; write it, such as `acme/widget`"]);
/// assert!(error.to_string().contains("write `branch`"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPublisher(Vec<Diagnosis>);

impl InvalidPublisher {
    /// An error with one fault, whose subject is a field.
    pub fn new(fault: Diagnosis) -> Self {
        Self(vec![fault])
    }

    /// Returns `Ok` where there are no faults, and otherwise an error with the first 32 of them.
    ///
    /// # Errors
    ///
    /// When there is a fault.
    pub fn check(faults: impl IntoIterator<Item = Diagnosis>) -> Result<(), Self> {
        let faults: Vec<Diagnosis> = faults.into_iter().take(MAX_FAULTS).collect();
        if faults.is_empty() { Ok(()) } else { Err(Self(faults)) }
    }

    /// Checks that a configuration is an object with all required keys and no unknown ones. A key that is
    /// `null` is absent. The values of the keys are not checked.
    ///
    /// # Errors
    ///
    /// With every missing key, and every unknown key with the nearest known one.
    pub fn check_keys<'a>(
        fields: &[PublisherField],
        config: &'a Value,
    ) -> Result<&'a Map<String, Value>, Self> {
        let Some(keys) = config.as_object() else { return Err(Self::new(no_object(fields, config))) };
        let unknown = keys.keys().map(String::as_str).filter(|key| is_unknown(fields, key));
        let unknown: Vec<&str> = unknown.take(MAX_FAULTS).collect();
        // A misspelled required key is reported once, as unknown with its correction, and not as missing too.
        let is_meant = |field: &PublisherField| {
            unknown.iter().any(|key| nearest(fields, key).is_some_and(|near| near.key == field.key))
        };
        let is_missing =
            |field: &&PublisherField| field.required && keys.get(field.key).is_none_or(Value::is_null);
        let missing = fields.iter().filter(is_missing).filter(|field| !is_meant(field)).map(missing);
        Self::check(unknown.iter().map(|key| unknown_key(fields, key)).chain(missing))?;
        Ok(keys)
    }

    /// Returns every fault, at least one. The subject of each is a field.
    pub fn faults(&self) -> &[Diagnosis] {
        &self.0
    }

    /// Returns the faults of one field, by its key. A fault of a table's entry belongs to the table:
    /// `claims.sub` to `claims`.
    pub fn of<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Diagnosis> {
        self.0.iter().filter(move |fault| match &fault.target {
            Target::Field(name) => {
                name.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            }
            _ => false,
        })
    }
}

impl fmt::Display for InvalidPublisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            write!(f, "{separator}{}: {fault}", fault.target)?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidPublisher {}

impl PublisherField {
    /// Finds the field of this key.
    ///
    /// # Errors
    ///
    /// When there is no such field, with the nearest existing one.
    ///
    /// ```
    /// use oidc_core::PublisherField;
    ///
    /// const FIELDS: &[PublisherField] = &[PublisherField::required("project", "Project")];
    /// assert_eq!(PublisherField::find(FIELDS, "project").unwrap().title, "Project");
    /// assert!(PublisherField::find(FIELDS, "projekt").unwrap_err().to_string().contains("write `project`"));
    /// ```
    pub fn find<'a>(fields: &'a [Self], key: &str) -> Result<&'a Self, InvalidPublisher> {
        let found = fields.iter().find(|field| field.key == key);
        found.ok_or_else(|| InvalidPublisher::new(unknown_key(fields, key)))
    }
}

fn is_unknown(fields: &[PublisherField], key: &str) -> bool {
    fields.iter().all(|field| field.key != key)
}

fn no_object(fields: &[PublisherField], config: &Value) -> Diagnosis {
    let subject = Target::Field("publisher".to_owned());
    Diagnosis::new(codes::PUBLISHER_TYPE, subject, "a publisher's configuration is an object")
        .found(kind(config))
        .fix(format!("write an object with the keys {}", keys_of(fields)))
}

fn missing(field: &PublisherField) -> Diagnosis {
    let subject = Target::Field(field.key.to_owned());
    Diagnosis::new(codes::PUBLISHER_MISSING_FIELD, subject, "a publisher needs this field")
        .fix(format!("write it, such as `{}`", field.example))
}

fn unknown_key(fields: &[PublisherField], key: &str) -> Diagnosis {
    let fix = match nearest(fields, key) {
        Some(near) => format!("write `{}`; a rule that is left out restricts nothing", near.key),
        None => format!("rename it to one of {}, or remove it", keys_of(fields)),
    };
    let subject = Target::Field(shown(key).to_string());
    Diagnosis::new(codes::PUBLISHER_UNKNOWN_FIELD, subject, "there is no such field").found(key).fix(fix)
}

fn keys_of(fields: &[PublisherField]) -> String {
    fields.iter().map(|field| field.key).collect::<Vec<_>>().join(", ")
}

/// The field that the author of `key` may have meant: a misspelling of its key, a longer form of it, or a
/// shorter one.
fn nearest<'a>(fields: &'a [PublisherField], key: &str) -> Option<&'a PublisherField> {
    let plain = |name: &str| name.to_ascii_lowercase().replace(['_', '-'], "");
    if key.len() > MAX_KEY || plain(key).is_empty() {
        return None;
    }
    let key = plain(key);
    let rank = |field: &&PublisherField| {
        let known = plain(field.key);
        match strsim::osa_distance(&key, &known) {
            slips @ 0..=1 => Some((0, slips)),
            slips if key.contains(&known) => Some((1, slips)),
            _ if known.contains(&key) => Some((2, 0)),
            slips @ ..=MAX_SLIPS => Some((3, slips)),
            _ => None,
        }
    };
    let ranked = fields.iter().filter_map(|field| Some((rank(&field)?, field)));
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, field)| field)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FIELDS: &[PublisherField] = &[
        PublisherField::required("project_path", "Project").example("acme/widget"),
        PublisherField::required("workflow", "Workflow").example("publish.yml"),
        PublisherField::id("project_id", "Project id"),
        PublisherField::optional("ref", "Ref"),
    ];

    fn faults(config: &Value) -> Vec<(String, &'static str, String)> {
        let error = InvalidPublisher::check_keys(FIELDS, config).unwrap_err();
        let fault = |fault: &Diagnosis| match &fault.target {
            Target::Field(key) => (key.clone(), fault.code, fault.fix.clone().unwrap()),
            other => panic!("{other}"),
        };
        error.faults().iter().map(fault).collect()
    }

    #[test]
    fn every_missing_and_every_unknown_key_is_told_at_once() {
        let found = faults(&json!({"workflow": null, "reff": "a", "sub": "b"}));
        let codes: Vec<(&str, &str)> = found.iter().map(|(key, code, _)| (&**key, *code)).collect();
        assert_eq!(
            codes,
            [
                ("reff", "publisher-unknown-field"),
                ("sub", "publisher-unknown-field"),
                ("project_path", "publisher-missing-field"),
                ("workflow", "publisher-missing-field"),
            ]
        );
    }

    #[test]
    fn a_misspelt_key_is_not_missing_as_well() {
        for (key, meant) in [
            ("workflow_filename", "workflow"),
            ("Work-Flow", "workflow"),
            ("work", "workflow"),
            ("wrokflow", "workflow"),
        ] {
            let found = faults(&json!({"project_path": "a", key: "b"}));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].2.starts_with(&format!("write `{meant}`;")), "{found:?}");
        }
    }

    #[test]
    fn the_nearest_name_is_told_and_none_where_no_name_is_near() {
        for (key, meant) in [
            ("project", "project_path"),
            ("project_idd", "project_id"),
            ("projectId", "project_id"),
            ("gitlab_project_id", "project_id"),
            ("refs", "ref"),
        ] {
            assert_eq!(nearest(FIELDS, key).map(|field| field.key), Some(meant), "{key}");
        }
        for key in ["", "_", "sub", "issuer", &"ref".repeat(100)] {
            assert_eq!(nearest(FIELDS, key), None, "{key}");
        }
    }

    #[test]
    fn what_is_no_object_has_one_fault() {
        for config in [json!(null), json!([]), json!("a"), json!(1), json!(true)] {
            let found = faults(&config);
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].2, "write an object with the keys project_path, workflow, project_id, ref");
        }
    }

    #[test]
    fn no_more_faults_are_told_than_somebody_reads() {
        let keys = (0..10_000).map(|number| (format!("x{number}"), json!(0)));
        assert_eq!(faults(&keys.collect::<Map<_, _>>().into()).len(), MAX_FAULTS);
    }

    #[test]
    fn a_tables_entry_is_of_the_table() {
        let fault = |key: &str| Diagnosis::new("a", Target::Field(key.to_owned()), "b");
        let error = InvalidPublisher::check(["claims", "claims.sub", "claimsx"].map(fault)).unwrap_err();
        assert_eq!(error.of("claims").count(), 2);
        assert_eq!(error.of("claim").count(), 0);
        assert_eq!(error.to_string(), "field `claims`: b; field `claims.sub`: b; field `claimsx`: b");
    }
}
