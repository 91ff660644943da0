//! The conformance suite of stores. A store's own tests call [`all`] with a [`Harness`]:
//!
//! ```
//! use oidc_exchange::memory::MemoryStore;
//! use oidc_exchange::server::testing::conformance;
//!
//! struct InMemory;
//!
//! #[async_trait::async_trait]
//! impl conformance::Harness for InMemory {
//!     type Store = MemoryStore;
//!
//!     async fn empty(&self) -> MemoryStore {
//!         MemoryStore::for_tests()
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! conformance::all(&InMemory).await;
//! # }
//! ```
//!
//! Every case tests a rule in the documentation of [`PublisherStore`], [`TokenStore`] or [`TrustStore`], and
//! panics with a sentence that names the broken rule. Methods with a default are tested too: a store has its own of each. The suite follows semver: a store that passes it and
//! follows the documentation passes it with every compatible version.

#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a suite of tests says what does not hold by a panic"
)]

mod accounts;
mod answers;
mod candidates;
mod faults;
mod grants;
mod immutable_ids;
mod learning;
mod life;
mod limits;
mod packages;
mod pending;
mod prefix_grants;
mod prefix_scene;
mod prefixes;
mod proofs;
mod publishers;
mod scene;

use async_trait::async_trait;

use crate::server::{PublisherStore, TokenStore, TrustStore};

/// The suite's access to a store under test.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait Harness: Send + Sync {
    /// The store.
    type Store: PublisherStore + TokenStore + TrustStore + Clone + 'static;

    /// Makes an empty store that nobody else uses. The suite's identity tokens were issued in 2023, so a store that refuses tokens
    /// from before its start starts at `Timestamp::default()`: for a [`Document`](crate::memory::Document),
    /// `MemoryStore::open(document, MemoryLimits::default(), Timestamp::default())`.
    ///
    /// `async fn empty(&self) -> Self::Store`
    async fn empty(&self) -> Self::Store;

    /// Returns a second access to the same data, as another process would have it; a clone, where other
    /// processes can't access the data.
    ///
    /// `async fn elsewhere(&self, store: &Self::Store) -> Self::Store`
    async fn elsewhere(&self, store: &Self::Store) -> Self::Store {
        store.clone()
    }

    /// Returns the steps of a write that can be made to fail, such as a statement for each table and the
    /// commit. Each is one that a redemption makes which learns an id and stores a token; while it fails, what only reads
    /// works. For [`rows`](crate::rows) these are `put` and `commit`.
    fn faults(&self) -> &[&str] {
        &[]
    }

    /// Makes writes fail at this step from now on.
    ///
    /// `async fn break_at(&self, store: &Self::Store, fault: &str)`
    async fn break_at(&self, _store: &Self::Store, _fault: &str) {}

    /// Makes every step work again.
    ///
    /// `async fn repair(&self, store: &Self::Store)`
    async fn repair(&self, _store: &Self::Store) {}
}

/// Runs every case, one after the other: [`quick`], [`candidates`] and [`accounts`].
pub async fn all<H: Harness>(harness: &H) {
    quick(harness).await;
    candidates(harness).await;
    accounts(harness).await;
}

/// Runs every case but those of [`candidates`] and [`accounts`], each of which stores more than a thousand publishers. A
/// store that takes long for them can run the three in tests of their own, beside each other.
pub async fn quick<H: Harness>(harness: &H) {
    redeeming(harness).await;
    concurrency(harness).await;
    learning(harness).await;
    tokens(harness).await;
    purging(harness).await;
    publishers(harness).await;
    pending(harness).await;
    limits(harness).await;
    packages(harness).await;
    prefixes(harness).await;
    faults(harness).await;
}

/// Checks that the candidates of an identity are complete and contain no other publishers.
pub async fn candidates<H: Harness>(harness: &H) {
    candidates::candidates_are_those_of_the_identity(&harness.empty().await).await;
    candidates::a_packages_publishers_come_oldest_first(&harness.empty().await).await;
    candidates::candidates_are_those_of_several_identities(&harness.empty().await).await;
    candidates::wildcards_in_names_are_letters(&harness.empty().await).await;
    candidates::candidates_are_bounded(&harness.empty().await).await;
    immutable_ids::a_publisher_is_found_by_its_immutable_id(&harness.empty().await).await;
    immutable_ids::a_publisher_is_found_by_the_id_that_it_has_now(&harness.empty().await).await;
    immutable_ids::publishers_of_an_id_are_bounded(&harness.empty().await).await;
}

/// Checks that a grant has its whole effect: the use of the identity token is recorded, and the publish token exists.
pub async fn redeeming<H: Harness>(harness: &H) {
    grants::a_grant_burns_and_mints(&harness.empty().await).await;
    grants::a_grant_without_a_token_burns_and_stores_none(&harness.empty().await).await;
    grants::a_token_is_used_as_often_as_it_may_be(&harness.empty().await).await;
    grants::a_grant_of_a_removed_publisher_leaves_no_trace(&harness.empty().await).await;
    grants::what_vanished_is_left_out_of_a_grant(&harness.empty().await).await;
    grants::a_grant_of_nobody_is_superseded(&harness.empty().await).await;
}

/// Checks that of concurrent grants only the allowed number succeeds.
pub async fn concurrency<H: Harness>(harness: &H) {
    let store = harness.empty().await;
    let other = harness.elsewhere(&store).await;
    grants::of_concurrent_redemptions_as_many_succeed_as_may(&store, &other).await;
    let store = harness.empty().await;
    let other = harness.elsewhere(&store).await;
    learning::of_concurrent_first_uses_with_different_ids_one_wins(&store, &other).await;
    let store = harness.empty().await;
    let other = harness.elsewhere(&store).await;
    learning::of_concurrent_first_uses_of_two_publishers_one_owner_wins(&store, &other).await;
    let store = harness.empty().await;
    let other = harness.elsewhere(&store).await;
    publishers::of_concurrent_equal_publishers_one_is_stored(&store, &other).await;
    let store = harness.empty().await;
    let other = harness.elsewhere(&store).await;
    grants::no_token_outlives_a_publisher_that_is_removed_meanwhile(&store, &other).await;
}

/// Checks that ids are learned once, with the first grant.
pub async fn learning<H: Harness>(harness: &H) {
    learning::ids_are_learned_with_the_grant(&harness.empty().await).await;
    learning::another_id_is_refused_and_burns_nothing(&harness.empty().await).await;
    learning::whoever_learned_another_id_is_left_out_of_a_grant(&harness.empty().await).await;
    learning::publishers_of_a_package_learn_the_same_ids(&harness.empty().await).await;
    learning::publishers_that_share_no_ids_learn_apart(&harness.empty().await).await;
}

/// Checks that publish tokens are found until they expire or are revoked.
pub async fn tokens<H: Harness>(harness: &H) {
    life::a_token_is_found_until_it_is_over(&harness.empty().await).await;
    life::revoking_is_idempotent_and_says_nothing(&harness.empty().await).await;
    life::a_removed_publisher_ends_its_tokens_at_once(&harness.empty().await).await;
}

/// Checks that expired records are purged in batches, and no others.
pub async fn purging<H: Harness>(harness: &H) {
    life::purging_is_bounded_and_takes_only_what_is_over(&harness.empty().await).await;
    life::a_used_token_stays_used_until_it_is_purged(&harness.empty().await).await;
    let store = harness.empty().await;
    let other = harness.elsewhere(&store).await;
    life::a_clock_that_steps_back_makes_no_used_token_usable(&store, &other).await;
}

/// Checks that publishers are stored unchanged and once, and are replaced in one step.
pub async fn publishers<H: Harness>(harness: &H) {
    publishers::a_publisher_comes_back_as_it_was_stored(&harness.empty().await).await;
    publishers::an_equal_publisher_is_not_stored_twice(&harness.empty().await).await;
    publishers::a_publisher_that_changed_is_not_replaced(&harness.empty().await).await;
    publishers::replacing_is_one_step(&harness.empty().await).await;
    publishers::removing_is_of_one_package(&harness.empty().await).await;
}

/// Checks that a pending publisher becomes a regular one when its package is created, and that the other pending
/// publishers of the package end.
pub async fn pending<H: Harness>(harness: &H) {
    pending::a_package_is_created_by_its_pending_publisher(&harness.empty().await).await;
    pending::a_package_that_is_created_ends_its_other_pending_publishers(&harness.empty().await).await;
    pending::a_package_created_by_other_means_ends_its_pending_publishers(&harness.empty().await).await;
    let store = harness.empty().await;
    let other = harness.elsewhere(&store).await;
    pending::of_two_pending_publishers_one_creates_the_package(&store, &other).await;
}

/// Checks that an account that names somebody else's repository for packages of its own excludes nobody and learns
/// nothing about other accounts.
pub async fn accounts<H: Harness>(harness: &H) {
    accounts::one_account_keeps_no_other_out(&harness.empty().await).await;
    accounts::one_account_keeps_no_other_out_of_a_package(&harness.empty().await).await;
    proofs::a_publish_makes_an_account_known(&harness.empty().await).await;
    proofs::a_proof_is_of_one_publisher(&harness.empty().await).await;
    proofs::a_replaced_publisher_keeps_its_proof(&harness.empty().await).await;
    proofs::a_proof_is_of_a_repository_and_not_of_its_name(&harness.empty().await).await;
    accounts::places_are_kept_by_replacing(&harness.empty().await).await;
    accounts::accounts_know_nothing_of_each_other(&harness.empty().await).await;
    proofs::an_exchange_is_noted_of_proven_publishers(&harness.empty().await).await;
    immutable_ids::the_most_trustworthy_of_an_id_come_first(&harness.empty().await).await;
    limits::live_tokens_are_counted(&harness.empty().await).await;
}

/// Checks that each account has limits of its own, and that publishers that lapsed or expired do not count and are
/// purged.
pub async fn limits<H: Harness>(harness: &H) {
    limits::each_account_has_its_own_room(&harness.empty().await).await;
    limits::an_account_has_room_for_its_publishers_of_all_packages(&harness.empty().await).await;
    limits::an_account_has_room_for_pending_publishers(&harness.empty().await).await;
    limits::what_is_over_takes_no_room(&harness.empty().await).await;
    limits::what_replaces_what_is_over_takes_room(&harness.empty().await).await;
    limits::what_is_over_is_forgotten(&harness.empty().await).await;
    let store = harness.empty().await;
    let other = harness.elsewhere(&store).await;
    limits::of_concurrent_publishers_as_many_are_stored_as_there_is_room(&store, &other).await;
}

/// Checks that the former owner of a package has no influence on its name: when the package is removed, renamed or
/// transferred, its publishers and tokens are removed, renamed or kept as documented.
pub async fn packages<H: Harness>(harness: &H) {
    packages::a_removed_package_leaves_no_publisher_to_whoever_creates_it_anew(&harness.empty().await).await;
    packages::a_renamed_package_leaves_no_publisher_under_the_old_name(&harness.empty().await).await;
    packages::a_renamed_package_takes_its_publishers_along(&harness.empty().await).await;
    packages::whoever_gets_a_package_keeps_the_publishers_of_its_choice(&harness.empty().await).await;
    packages::of_like_publishers_one_is_kept(&harness.empty().await).await;
    let store = harness.empty().await;
    let other = harness.elsewhere(&store).await;
    packages::no_token_outlives_a_package_that_goes_meanwhile(&store, &other).await;
    packages::a_change_that_fails_leaves_the_package_as_it_was(harness).await;
}

/// Checks that a publisher for a prefix of names belongs to no package, accepts no token for another account's
/// packages, and creates no package.
pub async fn prefixes<H: Harness>(harness: &H) {
    prefixes::a_publisher_for_a_prefix_is_of_no_package(&harness.empty().await).await;
    prefixes::a_publisher_for_a_prefix_is_a_candidate_for_no_package(&harness.empty().await).await;
    prefixes::a_prefix_is_removed_by_itself(&harness.empty().await).await;
    prefixes::publishers_for_prefixes_are_found_by_prefix_owner_and_identity(&harness.empty().await).await;
    prefixes::strangers_hide_no_learned_ids(&harness.empty().await).await;
    prefixes::a_package_is_covered_by_its_owners_prefixes(&harness.empty().await).await;
    prefix_grants::what_a_prefix_grants_is_of_its_account(&harness.empty().await).await;
    prefix_grants::what_a_prefix_granted_ends_with_its_publisher(&harness.empty().await).await;
    prefix_grants::a_package_that_goes_ends_what_a_prefix_granted_for_it(harness).await;
    prefix_grants::live_tokens_of_a_prefix_are_counted(&harness.empty().await).await;
    prefix_grants::a_prefix_learns_for_its_account(&harness.empty().await).await;
    prefix_grants::a_prefix_creates_nothing(&harness.empty().await).await;
    prefixes::each_account_has_room_for_prefixes(&harness.empty().await).await;
}

/// Checks that a write that fails, or whose future is dropped, has either its whole effect or none.
pub async fn faults<H: Harness>(harness: &H) {
    faults::a_redemption_that_fails_leaves_no_trace(harness).await;
    faults::a_replacement_that_fails_leaves_the_old_one(harness).await;
    faults::a_redemption_that_is_broken_off_is_both_or_neither(harness).await;
}
