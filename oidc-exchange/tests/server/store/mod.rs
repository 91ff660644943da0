//! The stores: in memory, over SQLite and over PostgreSQL.

mod accounts;
mod agreement;
mod authorize;
mod batches;
mod look_ups;
mod lookup;
mod memory;
mod opening;
pub(crate) mod rows;
mod shares;
mod tls;
mod transaction;
