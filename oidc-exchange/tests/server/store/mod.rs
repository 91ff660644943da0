//! The stores: in memory, over SQLite and over PostgreSQL.

mod accounts;
mod agreement;
mod authorize;
mod batches;
mod conformance;
mod look_ups;
mod lookup;
mod memory;
mod opening;
mod rows;
mod shares;
mod tls;
mod transaction;
