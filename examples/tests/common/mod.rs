//! What the integration tests share.

pub mod clients;
pub mod http;
pub mod programs;
pub mod scene;
