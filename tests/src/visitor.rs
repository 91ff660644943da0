//! Somebody who visits the registry's pages without a browser: with a cookie, and with whatever headers an attack needs.

use form_urlencoded::Serializer;
use oidc_core::http::{Method, Request, Response};
use oidc_core::{Context, HttpUrl};

use super::http;
use super::scene::{ADMIN, Scene};

/// The pages' root, below the registry's URL.
pub const ROOT: &str = "-/ui";

#[derive(Clone, Debug)]
pub struct Visitor {
    pub cx: Context,
    /// The registry's URL, with a slash at its end.
    pub url: String,
    /// The cookie that it sends.
    pub cookie: Option<String>,
    /// The origin that its forms come from; `None` sends no such header.
    pub origin: Option<String>,
}

impl Visitor {
    pub fn of(scene: &Scene) -> Self {
        let url = scene.url();
        let origin = Some(scene.registry.public_url().origin());
        Self { cx: scene.cx.clone(), url, cookie: None, origin }
    }

    /// Somebody who is logged in.
    pub async fn known(scene: &Scene) -> Self {
        let mut visitor = Self::of(scene);
        let answer = visitor.log_in(ADMIN, "").await;
        assert_eq!(answer.status, 303, "{}", text(&answer));
        visitor
    }

    /// Logs in, and keeps the cookie that comes of it.
    pub async fn log_in(&mut self, token: &str, next: &str) -> Response {
        let answer = self.post("log-in", &[("token", token), ("next", next)]).await;
        if let Some(cookie) = answer.header("set-cookie") {
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        answer
    }

    /// A page below the pages' root.
    pub async fn get(&self, page: &str) -> Response {
        http::send(&self.cx, self.with_cookie(self.request(Method::Get, page)).max_body(1 << 22)).await
    }

    /// A page below the pages' root, with these parameters.
    pub async fn page(&self, page: &str, query: &[(&str, &str)]) -> Response {
        self.get(&format!("{page}?{}", encoded(query))).await
    }

    pub async fn post(&self, page: &str, form: &[(&str, &str)]) -> Response {
        self.post_body(page, "application/x-www-form-urlencoded", encoded(form)).await
    }

    pub async fn post_body(&self, page: &str, kind: &str, body: String) -> Response {
        let mut request = self.with_cookie(self.request(Method::Post, page)).body(kind, body);
        if let Some(origin) = &self.origin {
            request = request.header("origin", origin);
        }
        http::send(&self.cx, request.max_body(1 << 22)).await
    }

    /// A form of a page of the session, with its token.
    pub async fn send(&self, page: &str, form: &[(&str, &str)]) -> Response {
        let token = self.form_token().await;
        self.post(page, &[form, &[("form-token", &*token)]].concat()).await
    }

    /// The token of this session's forms.
    pub async fn form_token(&self) -> String {
        let page = text(&self.get("").await);
        let (_, rest) = page.split_once("name=\"form-token\" value=\"").expect("a form of a session");
        rest.split('"').next().unwrap().to_owned()
    }

    fn request(&self, method: Method, page: &str) -> Request {
        Request::new(method, HttpUrl::parse(&format!("{}{ROOT}/{page}", self.url)).unwrap())
    }

    fn with_cookie(&self, request: Request) -> Request {
        match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        }
    }
}

/// A page's text.
pub fn text(answer: &Response) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}
