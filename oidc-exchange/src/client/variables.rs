use std::collections::BTreeSet;

use oidc_core::ProviderSet;

use super::Registry;

/// Returns the names of the variables that are looked up on the way to a publish token for a registry, in order: those that
/// its users put an identity token into ([`Protocol::token_variables`](super::Protocol::token_variables)), and those of the
/// platforms ([`ProviderSet::source_variables`]). A `*` at either end of a name stands for any text.
///
/// A host needs them that has to allow each variable, or whose environment is a function
/// ([`Environment::from_fn`](oidc_core::Environment::from_fn)). `HttpSettings::VARIABLES` of `oidc-core` are those of the
/// transport's settings, and [`masking_line`](super::masking_line) looks at `GITHUB_ACTIONS`. A diagnosis
/// ([`doctor`](super::doctor)) looks at further variables of the tools that it describes, and finds less without them.
///
/// ```
/// use oidc_core::ProviderSet;
/// use oidc_exchange::client::{Npm, source_variables};
///
/// assert!(source_variables(&Npm::public(), &ProviderSet::default()).contains("NPM_ID_TOKEN"));
/// ```
pub fn source_variables(registry: &dyn Registry, providers: &ProviderSet) -> BTreeSet<&'static str> {
    let mut names = providers.source_variables();
    names.extend(registry.protocol().token_variables);
    names
}
