//! The registry of `app.rs` at `http://127.0.0.1:9000/`: `cargo run --example own_tables`.

mod app;

use oidc_core::{Audience, Context};
use oidc_exchange::sql::SqlStore;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (store, audience) = (SqlStore::open("sqlite:widgets.db").await?, Audience::new("npm:127.0.0.1")?);
    let app = app::app(store, audience, oidc_providers::all(), &Context::system()?).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:9000").await?;
    Ok(axum::serve(listener, app).await?)
}
