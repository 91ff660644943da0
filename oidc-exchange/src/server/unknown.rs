use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use oidc_core::{Claims, Profile, Verified, shown};

/// The number of names that are remembered, so that each is reported once. Further names are not reported,
/// since on some platforms users choose the names of claims.
const MAX_NAMES: usize = 64;

/// Reports claims that are missing from the provider's table, each once: the platform has added a claim. The
/// report contains no values and changes no outcome.
#[derive(Debug, Default)]
pub(super) struct UnknownClaims(Mutex<BTreeSet<String>>);

impl UnknownClaims {
    pub(super) fn report(&self, profile: &Profile, claims: &Verified<Claims>) {
        let is_known = |name: &str| {
            profile.rule(name).is_some()
                || profile.claim_prefixes.iter().any(|prefix| name.starts_with(prefix))
        };
        for (name, _) in claims.iter().filter(|(name, _)| !is_known(name)) {
            if self.is_new(claims.provider(), name) {
                tracing::warn!(
                    target: "oidc_exchange::events",
                    provider = claims.provider(),
                    claim = %shown(name),
                    "a claim that this version doesn't know; it is ignored"
                );
            }
        }
    }

    fn is_new(&self, provider: &str, name: &str) -> bool {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.len() < MAX_NAMES && names.insert(format!("{provider} {}", shown(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_new_once_and_there_is_an_end() {
        let unknown = UnknownClaims::default();
        assert!(unknown.is_new("github", "shoe_size"));
        assert!(!unknown.is_new("github", "shoe_size"));
        assert!(unknown.is_new("gitlab", "shoe_size"));
        let new = (0..1000).filter(|number| unknown.is_new("github", &number.to_string())).count();
        assert_eq!(new, MAX_NAMES - 2);
    }
}
