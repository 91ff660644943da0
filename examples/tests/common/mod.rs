//! What the integration tests share.

pub mod astray;
pub mod clients;
pub mod gems;
pub mod http;
pub mod leaks;
pub mod postgres;
pub mod programs;
pub mod public;
pub mod python;
pub mod scene;
pub mod uploads;
