//! A small real registry that embeds the server half of the library.

pub mod database;
pub mod npm;
