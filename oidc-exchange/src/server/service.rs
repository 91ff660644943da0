//! What makes a door a tower service.

/// Makes a door a service of every body that `http` servers have: each request goes to `$answer`, which never fails.
macro_rules! tower_service {
    ($door:ty, $answer:path) => {
        impl<B> tower_service::Service<http::Request<B>> for $door
        where
            B: http_body::Body + Send + 'static,
            B::Data: Send,
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
                let door = self.clone();
                Box::pin(async move { Ok($answer(&door, request).await) })
            }
        }
    };
}

pub(super) use tower_service;
