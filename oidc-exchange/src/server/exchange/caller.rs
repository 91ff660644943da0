use std::sync::Arc;

use oidc_core::{Claims, Identity, ImmutableId, Provider, Run, Verified};

/// The job of a verified token.
pub(super) struct Caller {
    pub(super) provider: Arc<dyn Provider>,
    /// The identity that messages name.
    pub(super) identity: Identity,
    /// All identities under which its publishers may be stored.
    pub(super) identities: Vec<Identity>,
    pub(super) run: Run,
}

impl Caller {
    /// Returns the immutable ids of what the token's identities name, each once.
    pub(super) fn immutable_ids(&self, verified: &Verified<Claims>) -> Vec<ImmutableId> {
        let of_each = self.identities.iter().filter_map(|one| self.provider.immutable_id(one, verified));
        let mut ids: Vec<ImmutableId> = of_each.collect();
        ids.dedup();
        ids
    }
}
