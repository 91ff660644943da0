//! The settings of the tools: what their files and variables say about the destination, and what `exec` tells each tool.
//!
//! There is a folder for each family of tools, with a file for each tool or each kind of its files.

pub(crate) mod cargo;
pub(crate) mod gem;
pub(crate) mod npm;
pub(crate) mod python;
pub(crate) mod yaml;
