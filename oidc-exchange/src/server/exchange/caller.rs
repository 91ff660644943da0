use std::sync::Arc;

use oidc_core::{Identity, Provider, Run};

/// The job of a verified token.
pub(super) struct Caller {
    pub(super) provider: Arc<dyn Provider>,
    /// The identity that messages name.
    pub(super) identity: Identity,
    /// All identities under which its publishers may be stored.
    pub(super) identities: Vec<Identity>,
    pub(super) run: Run,
}
