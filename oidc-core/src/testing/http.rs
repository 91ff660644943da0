use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::Value;

use super::FakeIssuer;
use crate::http::{HttpClient, HttpError, HttpErrorKind, Request, Response};

type Handler = dyn Fn(&Request) -> Option<Result<Response, HttpErrorKind>> + Send + Sync;

/// An HTTP client in memory: answers by method and URL, and a record of the requests. Clones share both.
///
/// A URL matches by its text up to the query. Several answers for one URL are given in turn, and the last one
/// is repeated. A request that matches nothing gets the error of a host that can't be reached.
///
/// ```
/// use oidc_core::blocking::complete;
/// use oidc_core::http::{HttpClient as _, Request, Response};
/// use oidc_core::testing::FakeHttp;
/// use oidc_core::HttpUrl;
///
/// let http = FakeHttp::new().on("GET", "https://registry.example/", Response::new(204, Vec::new(), ""));
/// let request = Request::get(HttpUrl::parse("https://registry.example/?q=widget")?);
/// assert_eq!(complete(http.send(request))??.status, 204);
/// assert_eq!(http.requests().len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct FakeHttp(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    routes: Vec<Route>,
    handlers: Vec<Arc<Handler>>,
    requests: Vec<Request>,
}

struct Route {
    method: &'static str,
    url: String,
    answers: Vec<Result<Response, HttpErrorKind>>,
    given: usize,
}

impl FakeHttp {
    /// A client that reaches nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A client that reaches an issuer's discovery document and keys, in their state at the time of each
    /// request.
    pub fn of_issuer(issuer: impl Into<Arc<FakeIssuer>>) -> Self {
        let issuer = issuer.into();
        let base = issuer.url().trim_end_matches('/').to_owned();
        Self::new().on_request(move |request| {
            let document = if request.url.as_str() == format!("{base}/.well-known/openid-configuration") {
                issuer.discovery()
            } else if Some(request.url.as_str()) == issuer.discovery().get("jwks_uri").and_then(Value::as_str)
            {
                issuer.jwks()
            } else {
                return None;
            };
            Some(Ok(Response::new(200, Vec::new(), document.to_string())))
        })
    }

    /// Adds an answer to this method and URL.
    #[must_use]
    pub fn on(self, method: &'static str, url: impl Into<String>, answer: Response) -> Self {
        self.answer(method, url.into(), Ok(answer))
    }

    /// Adds a failure in place of an answer.
    #[must_use]
    pub fn fail(self, method: &'static str, url: impl Into<String>, kind: HttpErrorKind) -> Self {
        self.answer(method, url.into(), Err(kind))
    }

    /// Adds a function that is asked before all answers; `None` leaves the request to the others.
    #[must_use]
    pub fn on_request(
        self,
        handler: impl Fn(&Request) -> Option<Result<Response, HttpErrorKind>> + Send + Sync + 'static,
    ) -> Self {
        self.lock().handlers.push(Arc::new(handler));
        self
    }

    /// Returns the requests, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.lock().requests.clone()
    }

    fn answer(self, method: &'static str, url: String, answer: Result<Response, HttpErrorKind>) -> Self {
        let mut state = self.lock();
        match state.routes.iter_mut().find(|route| route.method == method && route.url == url) {
            Some(route) => route.answers.push(answer),
            None => state.routes.push(Route { method, url, answers: vec![answer], given: 0 }),
        }
        drop(state);
        self
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl HttpClient for FakeHttp {
    async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let handlers = {
            let mut state = self.lock();
            state.requests.push(request.clone());
            state.handlers.clone()
        };
        let handled = handlers.iter().find_map(|handler| handler(&request));
        let answer = handled.unwrap_or_else(|| {
            let mut state = self.lock();
            let url = request.url.as_str().split('?').next().unwrap_or_default();
            let method = request.method.as_str();
            let route = state.routes.iter_mut().find(|route| route.method == method && route.url == url);
            let Some(route) = route else {
                return Err(HttpErrorKind::Connect("nothing is there".to_owned()));
            };
            let index = route.given.min(route.answers.len().saturating_sub(1));
            route.given += 1;
            match route.answers.get(index) {
                Some(answer) => answer.clone(),
                None => Err(HttpErrorKind::Connect("nothing is there".to_owned())),
            }
        });
        match answer {
            Ok(answer) if answer.body.len() > request.max_body => {
                Err(HttpError::new(&request, HttpErrorKind::TooLarge(request.max_body)))
            }
            answer => answer.map_err(|kind| HttpError::new(&request, kind)),
        }
    }
}

impl fmt::Debug for FakeHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.lock().requests).finish()
    }
}
