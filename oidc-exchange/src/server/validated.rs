//! Publishers that were read before, so that an exchange does not read their rules anew.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oidc_core::{InvalidPublisher, Provider, Publisher};
use serde_json::Value;

use super::record::PublisherRecord;

/// The number of publishers after which those that were not used since the last time are given up.
const GENERATION: usize = 2048;
/// The limit on the texts in the rules of a publisher that is kept, in bytes.
const MAX_TEXT: usize = 4096;

/// Publishers by id. A record that differs from the one that was read, in anything that the platform reads, is
/// read again.
#[derive(Default)]
pub(super) struct Validated(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<String, Kept>,
    old: HashMap<String, Kept>,
}

/// A publisher that was read, and the line for people by which it describes itself.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) publisher: Arc<dyn Publisher>,
    pub(super) description: Arc<str>,
}

struct Kept {
    issuer: String,
    config: Value,
    learned: BTreeMap<String, String>,
    read: Read,
}

impl Kept {
    fn is_of(&self, record: &PublisherRecord) -> bool {
        self.learned == record.learned
            && self.issuer == record.identity.issuer
            && self.config == record.config
    }
}

impl Validated {
    /// Returns the publisher of a record of this platform.
    pub(super) fn publisher(
        &self,
        provider: &dyn Provider,
        record: &PublisherRecord,
    ) -> Result<Read, InvalidPublisher> {
        if let Some(read) = self.lock().find(record) {
            return Ok(read);
        }
        let publisher: Arc<dyn Publisher> = provider.publisher(&record.rules())?.into();
        let read = Read { description: publisher.describe().into(), publisher };
        if text_of(&record.config).is_some_and(|length| length <= MAX_TEXT) {
            self.lock().keep(record, &read);
        }
        Ok(read)
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Validated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validated").finish_non_exhaustive()
    }
}

impl Generations {
    fn find(&mut self, record: &PublisherRecord) -> Option<Read> {
        if !self.young.contains_key(&record.id) {
            let (id, kept) = self.old.remove_entry(&record.id)?;
            self.add(id, kept);
        }
        let kept = self.young.get(&record.id).filter(|kept| kept.is_of(record))?;
        Some(kept.read.clone())
    }

    fn keep(&mut self, record: &PublisherRecord, read: &Read) {
        let kept = Kept {
            issuer: record.identity.issuer.clone(),
            config: record.config.clone(),
            learned: record.learned.clone(),
            read: read.clone(),
        };
        self.add(record.id.clone(), kept);
    }

    fn add(&mut self, id: String, kept: Kept) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id, kept);
    }
}

/// The length of all texts of a value that is not deeply nested; `None` of any other.
fn text_of(config: &Value) -> Option<usize> {
    let of_one = |value: &Value| match value {
        Value::String(text) => Some(text.len()),
        Value::Array(values) => values.iter().map(|value| value.as_str().map(str::len)).sum(),
        Value::Object(_) => None,
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(8),
    };
    let members = config.as_object()?;
    members.iter().map(|(name, value)| Some(name.len() + of_one(value)?)).sum()
}

#[cfg(test)]
mod tests {
    use oidc_core::testing::FakePlatform;
    use oidc_core::{Identity, Timestamp};
    use serde_json::json;

    use super::*;
    use crate::server::Package;

    fn record(id: &str, workflow: &str) -> PublisherRecord {
        let config = json!({ "repository": "acme/widget", "workflow": workflow });
        let identity = Identity::new(FakePlatform::ISSUER, "acme/widget");
        PublisherRecord::new(
            id,
            Package::new("npm", "widget"),
            "fake",
            identity,
            config,
            Timestamp::default(),
        )
    }

    fn read(validated: &Validated, record: &PublisherRecord) -> Arc<dyn Publisher> {
        let read = validated.publisher(&FakePlatform::new(), record).unwrap();
        assert_eq!(*read.description, *read.publisher.describe());
        read.publisher
    }

    #[test]
    fn a_publisher_is_read_once_and_again_when_it_changes() {
        let validated = Validated::default();
        let first = record("p", "publish.yml");
        let publisher = read(&validated, &first);
        assert!(Arc::ptr_eq(&publisher, &read(&validated, &first)));
        let mut learned = first.clone();
        learned.learned.insert("repository_id".to_owned(), "2".to_owned());
        let mut of_another_issuer = first.clone();
        of_another_issuer.identity.issuer = "https://other.example".to_owned();
        for changed in [learned, of_another_issuer, record("p", "other.yml")] {
            assert!(!Arc::ptr_eq(&publisher, &read(&validated, &changed)), "{changed:?}");
            let again = read(&validated, &first);
            assert!(!Arc::ptr_eq(&publisher, &again), "the latest is kept");
            assert_eq!(again.describe(), publisher.describe());
        }
        assert!(read(&validated, &record("p", "other.yml")).describe().contains("other.yml"));
    }

    #[test]
    fn publishers_of_strangers_take_up_no_more_room() {
        let validated = Validated::default();
        let used = record("p", "publish.yml");
        let publisher = read(&validated, &used);
        for number in 0..3 * GENERATION {
            read(&validated, &record(&number.to_string(), "publish.yml"));
            if number % 1000 == 0 {
                assert!(Arc::ptr_eq(&publisher, &read(&validated, &used)), "whoever is used stays");
            }
        }
        let kept = validated.lock();
        assert!(kept.young.len() + kept.old.len() <= 2 * GENERATION);
    }

    #[test]
    fn long_rules_are_not_kept() {
        let validated = Validated::default();
        let long = record("p", &format!("{}.yml", "a".repeat(MAX_TEXT)));
        if let Ok(first) = validated.publisher(&FakePlatform::new(), &long) {
            assert!(!Arc::ptr_eq(&first.publisher, &read(&validated, &long)));
        }
        assert_eq!(text_of(&json!({ "a": { "b": "c" } })), None);
        assert_eq!(text_of(&json!({ "a": [1] })), None);
        assert_eq!(text_of(&json!({ "ab": ["c", "def"], "g": true })), Some(2 + 4 + 1 + 8));
    }
}
