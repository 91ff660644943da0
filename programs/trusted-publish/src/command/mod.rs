//! The command that `exec` runs: its words, the tool in it, its environment, and how it is started.

pub(crate) mod changes;
pub(crate) mod child;
pub(crate) mod dry_run;
pub(crate) mod launched;
pub(crate) mod named;
pub(crate) mod options;
pub(crate) mod words;
