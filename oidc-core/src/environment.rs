use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::secret::Secret;

/// Environment variables, as a value. `Debug` shows their names only.
///
/// An empty variable counts as missing: CI platforms set variables to the empty text where they mean to leave
/// them out.
#[derive(Clone, Default)]
pub struct Environment(Variables);

#[derive(Clone)]
enum Variables {
    Listed(Arc<BTreeMap<String, Secret>>),
    LookedUp(Arc<Lookup>),
}

impl Environment {
    /// Returns the variable's value, if it is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name).map(Secret::expose).filter(|value| !value.is_empty())
    }

    /// Returns `true` if the variable is set to the empty text.
    pub fn is_blank(&self, name: &str) -> bool {
        self.find(name).is_some_and(Secret::is_empty)
    }

    /// Returns `true` if the variable is `true`, in any case.
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Returns the names of the variables that are set and not empty, in order. In an environment with a
    /// [look-up function](Environment::from_fn), these are only names that were asked for.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let mut set: Vec<(&str, &Secret)> = match &self.0 {
            Variables::Listed(listed) => listed.iter().map(|(name, value)| (name.as_str(), value)).collect(),
            Variables::LookedUp(lookup) => lookup.found().collect(),
        };
        set.retain(|(_, value)| !value.is_empty());
        set.sort_unstable_by_key(|(name, _)| *name);
        set.into_iter().map(|(name, _)| name)
    }

    fn find(&self, name: &str) -> Option<&Secret> {
        match &self.0 {
            Variables::Listed(listed) => listed.get(name),
            Variables::LookedUp(lookup) => lookup.find(name),
        }
    }
}

impl Environment {
    /// Returns this process's environment as it is now. Variables that are not Unicode are left out.
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the process's environment")]
    pub fn system() -> Self {
        // `std::env::vars` panics where a variable is not Unicode.
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// Takes the variables from a look-up function, for a host that reads its environment through a function
    /// and has no list of it. The function is called when a variable is first asked for, and once for each name.
    /// `oidc_exchange::client::source_variables` lists the names that are looked up for a registry,
    /// [`ProviderSet::source_variables`](crate::ProviderSet::source_variables) those of the platforms alone, and
    /// `HttpSettings::VARIABLES` those of the transport's settings.
    ///
    /// ```
    /// use oidc_core::Environment;
    ///
    /// let lookup = |name: &str| (name == "NPM_ID_TOKEN").then(|| "eyJ…".to_owned());
    /// let environment = Environment::from_fn(lookup);
    /// assert!(environment.get("NPM_ID_TOKEN").is_some() && environment.get("GITHUB_ACTIONS").is_none());
    /// ```
    pub fn from_fn(look_up: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        let lookup = Lookup { look_up: Box::new(look_up), asked: OnceLock::new() };
        Self(Variables::LookedUp(Arc::new(lookup)))
    }
}

impl Default for Variables {
    fn default() -> Self {
        Self::Listed(Arc::default())
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), Secret::new(value)));
        Self(Variables::Listed(Arc::new(variables.collect())))
    }
}

type LookUp = dyn Fn(&str) -> Option<String> + Send + Sync;

/// A look-up function, and its answers so far: a list that only grows, so that its values can be borrowed.
struct Lookup {
    look_up: Box<LookUp>,
    asked: OnceLock<Box<Asked>>,
}

struct Asked {
    name: String,
    value: Option<Secret>,
    next: OnceLock<Box<Asked>>,
}

impl Lookup {
    fn find(&self, name: &str) -> Option<&Secret> {
        let ask = || {
            let value = (self.look_up)(name).map(Secret::new);
            Box::new(Asked { name: name.to_owned(), value, next: OnceLock::new() })
        };
        let mut asked = self.asked.get_or_init(ask);
        while asked.name != name {
            asked = asked.next.get_or_init(ask);
        }
        asked.value.as_ref()
    }

    fn found(&self) -> impl Iterator<Item = (&str, &Secret)> {
        let asked = std::iter::successors(self.asked.get(), |asked| asked.next.get());
        asked.filter_map(|asked| Some((asked.name.as_str(), asked.value.as_ref()?)))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// An environment that is looked up, and the names that were.
    fn looked_up() -> (Environment, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let environment = Environment::from_fn(move |name| {
            log.lock().unwrap().push(name.to_owned());
            match name {
                "GITLAB_CI" => Some("true".to_owned()),
                "NPM_ID_TOKEN" => Some("hunter2".to_owned()),
                "EMPTY" => Some(String::new()),
                _ => None,
            }
        });
        (environment, asked)
    }

    #[test]
    fn a_variable_is_looked_up_when_it_is_asked_for_and_once() {
        let (environment, asked) = looked_up();
        assert!(asked.lock().unwrap().is_empty());
        let clone = environment.clone();
        for _ in 0..2 {
            assert_eq!(environment.get("NPM_ID_TOKEN"), Some("hunter2"));
            assert_eq!(clone.get("NOT_SET"), None);
            assert!(clone.is_true("GITLAB_CI"));
            assert!(environment.is_blank("EMPTY") && environment.get("EMPTY").is_none());
        }
        assert_eq!(*asked.lock().unwrap(), ["NPM_ID_TOKEN", "NOT_SET", "GITLAB_CI", "EMPTY"]);
        assert_eq!(environment.names().collect::<Vec<_>>(), ["GITLAB_CI", "NPM_ID_TOKEN"]);
        assert_eq!(format!("{environment:?}"), r#"{"GITLAB_CI", "NPM_ID_TOKEN"}"#);
    }

    #[test]
    fn threads_that_ask_at_once_get_each_their_own_variable() {
        let environment = Environment::from_fn(|name| Some(format!("value of {name}")));
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let environment = &environment;
                scope.spawn(move || {
                    for name in (0..50).map(|number| format!("V{}", (number + thread * 7) % 50)) {
                        assert_eq!(environment.get(&name), Some(&*format!("value of {name}")));
                    }
                });
            }
        });
        assert_eq!(environment.names().count(), 50);
    }

    #[test]
    fn an_environment_that_is_listed_knows_its_names() {
        let environment = Environment::from_iter([("B", "hunter2"), ("A", "1"), ("EMPTY", "")]);
        assert_eq!(environment.names().collect::<Vec<_>>(), ["A", "B"]);
        assert!(!format!("{environment:?}").contains("hunter2"));
    }
}
