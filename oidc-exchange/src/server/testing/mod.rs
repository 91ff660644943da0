//! The stores in memory, and the suite that a store of one's own is held against. Exempt from semver.

pub mod conformance;
mod memory;

pub use self::memory::MemoryStore;
