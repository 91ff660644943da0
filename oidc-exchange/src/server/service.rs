//! The tower service of an endpoint.

use std::convert::Infallible;
use std::pin::Pin;

use super::body::AnswerBody;

/// The future of an answer. On wasm32, where the futures of stores and HTTP clients need not be `Send`, it is
/// not `Send` either.
#[cfg(not(target_arch = "wasm32"))]
pub(super) type AnswerFuture = Pin<Box<dyn Future<Output = Answered> + Send>>;
#[cfg(target_arch = "wasm32")]
pub(super) type AnswerFuture = Pin<Box<dyn Future<Output = Answered>>>;

type Answered = Result<http::Response<AnswerBody>, Infallible>;

/// Implements the tower service of an endpoint for requests with any body. The body is boxed here, and each
/// request goes to `$answer`, which never fails.
macro_rules! tower_service {
    ($endpoint:ty, $answer:path) => {
        impl<B> tower_service::Service<http::Request<B>> for $endpoint
        where
            B: http_body::Body + Send + 'static,
            B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        {
            type Response = http::Response<$crate::server::AnswerBody>;
            type Error = std::convert::Infallible;
            type Future = $crate::server::service::AnswerFuture;

            fn poll_ready(
                &mut self,
                _cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Result<(), std::convert::Infallible>> {
                std::task::Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: http::Request<B>) -> Self::Future {
                let (endpoint, request) = (self.clone(), request.map($crate::server::body::RequestBody::new));
                Box::pin(async move { Ok($answer(&endpoint, request).await) })
            }
        }
    };
}

pub(super) use tower_service;
