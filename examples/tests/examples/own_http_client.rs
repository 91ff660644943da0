//! The example of an HTTP client of one's own, held to what is asked of one.

#[allow(dead_code)]
#[path = "../../examples/own_http_client.rs"]
mod example;

use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Redirect;
use axum::routing::{get, post};
use oidc_core::http::{HttpErrorKind, Request};
use oidc_core::{Context, HttpUrl, Secret};
use tokio::net::TcpListener;

/// The URL of a server.
async fn server() -> String {
    let echo = |headers: HeaderMap, body: String| async move {
        (StatusCode::IM_A_TEAPOT, format!("{} {body}", headers["authorization"].to_str().unwrap()))
    };
    let app = Router::new()
        .route("/echo", post(echo))
        .route("/elsewhere", get(async || Redirect::temporary("/long")))
        .route("/long", get(async || "x".repeat(2000)))
        .route("/never", get(std::future::pending::<()>));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("http://{address}")
}

#[tokio::test]
async fn a_request_goes_out_whole_follows_no_redirect_and_keeps_its_bounds() {
    let (cx, server) = (Context::tokio(example::OwnClient::new()), server().await);
    let url = HttpUrl::parse(&format!("{server}/echo")).unwrap();
    let request = Request::post(url).bearer(&Secret::new("hunter2")).body("text/plain", "hello");
    let answer = cx.http().send(request).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (418, b"Bearer hunter2 hello".as_slice()));

    let get = |path: &str| Request::get(HttpUrl::parse(&format!("{server}/{path}")).unwrap());
    assert_eq!(cx.http().send(get("elsewhere")).await.unwrap().status, 307);
    let long = cx.http().send(get("long").max_body(1000)).await.unwrap_err();
    assert_eq!(*long.kind(), HttpErrorKind::TooLarge(1000));
    let late = cx.http().send(get("never").deadline(Duration::from_millis(50))).await.unwrap_err();
    assert!(matches!(late.kind(), HttpErrorKind::Timeout { .. }), "{late}");
    let gone = HttpUrl::parse("http://127.0.0.1:1/").unwrap();
    let gone = cx.http().send(Request::get(gone)).await.unwrap_err();
    assert!(matches!(gone.kind(), HttpErrorKind::Connect(_)), "{gone}");
}
