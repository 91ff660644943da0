//! The short programs and the demonstration, run.
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod demo;
mod gate;
mod own_endpoint;
mod own_http_client;
mod own_platform;
mod own_registry;
mod own_store;
mod own_tables;
mod prefix_publishers;
mod provenance;
mod publisher_form;
mod signed_tokens;
mod tested_tool;
mod tools;
mod world;
