//! Every store runs the suite: in memory, over rows, SQLite, and PostgreSQL where there is one.
//!
//! PostgreSQL is found by `TEST_POSTGRES_URL`, a URL of a user that may create databases; `.ci/postgres` starts one and
//! prints it. Without it those tests are ignored, unless `REQUIRE_CLIENTS=1`.

use needs::needs;
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::testing::conformance::{self, Harness};

use crate::databases::{Postgres, Sqlite, postgres};
use crate::store::rows;

struct InMemory;

#[async_trait::async_trait]
impl Harness for InMemory {
    type Store = MemoryStore;

    async fn empty(&self) -> MemoryStore {
        MemoryStore::for_tests()
    }
}

#[tokio::test]
async fn the_store_in_memory_conforms() {
    conformance::all(&InMemory).await;
}

#[tokio::test]
async fn a_store_over_rows_conforms() {
    conformance::all(&rows::Memory::taking_turns()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_over_rows_whose_transactions_are_in_each_others_way_conforms() {
    // What takes long is one transaction after the other, as where they take turns.
    conformance::quick(&rows::Memory::in_each_others_way()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_conforms() {
    conformance::all(&Sqlite::new()).await;
}

#[needs(postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_conforms() {
    let url = postgres();
    let harness = Postgres::new(url);
    conformance::all(&harness).await;
    harness.clean_up().await;
}
