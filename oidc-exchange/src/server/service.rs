//! The tower service of an endpoint.

/// Makes an endpoint a service for requests with any body: the body is boxed here, and each request goes to `$answer`, which
/// never fails.
macro_rules! tower_service {
    ($endpoint:ty, $answer:path) => {
        impl<B> tower_service::Service<http::Request<B>> for $endpoint
        where
            B: http_body::Body + Send + 'static,
            B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        {
            type Response = http::Response<$crate::server::AnswerBody>;
            type Error = std::convert::Infallible;
            type Future = std::pin::Pin<
                Box<dyn Future<Output = Result<Self::Response, std::convert::Infallible>> + Send>,
            >;

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
