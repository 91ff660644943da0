//! Conversions from and to the types of the `http` crate, which most HTTP clients use.

use super::{HeaderValue, HttpError, HttpErrorKind, Method, Request, Response};

impl TryFrom<&Request> for ::http::Request<Vec<u8>> {
    type Error = HttpError;

    /// Converts the request to the `http` crate's type. Secret headers are marked as sensitive.
    ///
    /// The bounds, [`Request::deadline`] and [`Request::max_body`], have no counterpart there: pass them to
    /// the client separately.
    ///
    /// # Errors
    ///
    /// When a header's value has characters that are not allowed in a header.
    fn try_from(request: &Request) -> Result<Self, HttpError> {
        let refused = |reason: String| HttpError::new(request, HttpErrorKind::Request(reason));
        let method = match request.method {
            Method::Get => ::http::Method::GET,
            Method::Post => ::http::Method::POST,
            Method::Put => ::http::Method::PUT,
            Method::Delete => ::http::Method::DELETE,
        };
        let mut converted = Self::new(request.body.clone());
        *converted.method_mut() = method;
        *converted.uri_mut() =
            request.url.as_str().parse().map_err(|_| refused("the URL is not a URI".to_owned()))?;
        for (name, value) in &request.headers {
            let mut header = ::http::HeaderValue::from_str(value.expose())
                .map_err(|_| refused(format!("header `{name}` has an invalid value")))?;
            header.set_sensitive(matches!(value, HeaderValue::Secret(_)));
            converted.headers_mut().append(*name, header);
        }
        Ok(converted)
    }
}

impl<B: Into<Vec<u8>>> From<::http::Response<B>> for Response {
    /// Converts the response to this crate's type. Header values that are not text are left out.
    fn from(response: ::http::Response<B>) -> Self {
        let (parts, body) = response.into_parts();
        Self::of(parts.status, &parts.headers, body)
    }
}

impl Response {
    /// Makes an answer from its parts as the `http` crate has them. Header values that are not text are left
    /// out.
    pub fn of(status: ::http::StatusCode, headers: &::http::HeaderMap, body: impl Into<Vec<u8>>) -> Self {
        let text = |(name, value): (&::http::HeaderName, &::http::HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        Self::new(status.as_u16(), headers.iter().filter_map(text).collect(), body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use crate::url::HttpUrl;

    fn request() -> Request {
        let url = HttpUrl::parse("https://registry.example/a%2fb?audience=npm:r").unwrap();
        Request::post(url).bearer(&Secret::new("hunter2")).body("application/json", "{}")
    }

    #[test]
    fn a_request_keeps_its_parts_and_marks_its_secrets() {
        let converted = ::http::Request::try_from(&request()).unwrap();
        assert_eq!(converted.method(), "POST");
        assert_eq!(converted.uri(), "https://registry.example/a%2fb?audience=npm:r");
        assert_eq!(converted.headers()["authorization"], "Bearer hunter2");
        assert!(converted.headers()["authorization"].is_sensitive());
        assert!(!converted.headers()["content-type"].is_sensitive());
        assert_eq!(converted.body(), b"{}");
    }

    #[test]
    fn a_header_with_a_line_break_is_refused_and_not_shown() {
        let error = ::http::Request::try_from(&request().bearer(&Secret::new("hunter2\n"))).unwrap_err();
        assert!(matches!(error.kind(), HttpErrorKind::Request(_)));
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn a_response_keeps_its_status_text_headers_and_body() {
        let response = ::http::Response::builder()
            .status(418)
            .header("Retry-After", "7")
            .header("x-odd", ::http::HeaderValue::from_bytes(b"\xff").unwrap())
            .body("why")
            .unwrap();
        let response = Response::from(response);
        assert_eq!((response.status, response.header("retry-after")), (418, Some("7")));
        assert_eq!((response.headers.len(), response.body.as_slice()), (1, b"why".as_slice()));
    }
}
