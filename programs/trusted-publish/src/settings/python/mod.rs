//! The tools that upload to a Python index.

pub(crate) mod hatch;
pub(crate) mod pdm;
pub(crate) mod poetry;
pub(crate) mod pypirc;
pub(crate) mod uv;
