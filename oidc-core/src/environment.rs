use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::secret::Secret;

/// Environment variables, as a value. `Debug` shows their names only.
///
/// An empty variable counts as missing: CI platforms set variables to the empty text where they mean to leave
/// them out.
#[derive(Clone, Default)]
pub struct Environment(Arc<BTreeMap<String, Secret>>);

impl Environment {
    /// Returns the variable's value, if it is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(Secret::expose).filter(|value| !value.is_empty())
    }

    /// Returns `true` if the variable is set to the empty text.
    pub fn is_blank(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(Secret::is_empty)
    }

    /// Returns `true` if the variable is `true`, in any case.
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// Returns the names of the variables that are set and not empty, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name.as_str())
    }
}

impl Environment {
    /// Returns this process's environment as it is now. Variables that are not Unicode are left out.
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the process's environment")]
    pub fn system() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// Collects the variables of these names from a look-up function, for a host that reads its environment
    /// through a function. The function is called once for each name before this returns.
    ///
    /// ```
    /// use oidc_core::Environment;
    ///
    /// let lookup = |name: &str| (name == "NPM_ID_TOKEN").then(|| "eyJ…".to_owned());
    /// let environment = Environment::from_fn(["NPM_ID_TOKEN", "GITHUB_ACTIONS"], lookup);
    /// assert_eq!(environment.names().collect::<Vec<_>>(), ["NPM_ID_TOKEN"]);
    /// ```
    pub fn from_fn<'a>(
        names: impl IntoIterator<Item = &'a str>,
        mut lookup: impl FnMut(&str) -> Option<String>,
    ) -> Self {
        names.into_iter().filter_map(|name| Some((name, lookup(name)?))).collect()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), Secret::new(value)));
        Self(Arc::new(variables.collect()))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
