//! The frame of every page, with its headers, and the answers that are no page of their own.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use form_urlencoded::Serializer;
use maud::{DOCTYPE, Markup, html};

use super::refused::Refused;
use super::request::{FORM_TOKEN, Named, Visit};
use super::session::Session;
use super::values::value;
use super::{ROOT, Ui};

/// The policy of every page: its own style and script, forms to itself, and nothing else from anywhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// A page, made.
#[derive(Debug)]
pub(super) struct Page {
    status: StatusCode,
    html: String,
}

impl Page {
    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        (self.status, headers("text/html; charset=utf-8", "no-store"), self.html).into_response()
    }
}

/// The headers of an answer. What holds a secret, such as a form's token, is kept nowhere.
pub(super) fn headers(kind: &'static str, cache: &'static str) -> HeaderMap {
    let pairs = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, cache),
        (CONTENT_SECURITY_POLICY, POLICY),
        // Other sites learn nothing, and the browser still tells this one the origin of a form.
        (REFERRER_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
    ];
    let pairs = pairs.map(|(name, value)| (name, HeaderValue::from_static(value)));
    let isolation =
        [("cross-origin-opener-policy", "same-origin"), ("cross-origin-resource-policy", "same-origin")];
    let mut headers = HeaderMap::from_iter(pairs);
    headers.extend(
        isolation.map(|(name, value)| {
            (axum::http::HeaderName::from_static(name), HeaderValue::from_static(value))
        }),
    );
    headers
}

/// The one style sheet.
pub(super) async fn style() -> Response {
    (headers("text/css; charset=utf-8", "max-age=300"), include_str!("style.css")).into_response()
}

/// The one script, which adds a button to copy a snippet. Nothing needs it.
pub(super) async fn script() -> Response {
    (headers("text/javascript; charset=utf-8", "max-age=300"), include_str!("copy.js")).into_response()
}

/// The answer to a path that is no page.
pub(super) async fn not_found(visit: Visit) -> Refused {
    visit.refused(StatusCode::NOT_FOUND, "No such page", "there is no page at this address")
}

/// The pages of one package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Versions,
    Publishers,
    Audit,
}

impl Ui {
    /// A page with this title and content.
    pub(super) fn page(&self, session: Option<&Session>, title: &str, body: &Markup) -> Page {
        let html = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (title) " · registry" }
                    link rel="stylesheet" href=(self.href("style.css", &[]));
                    script defer src=(self.href("copy.js", &[])) {}
                }
                body {
                    a .skip href="#main" { "Skip to the content" }
                    (self.banner(session))
                    main #main tabindex="-1" { (body) }
                }
            }
        };
        Page { status: StatusCode::OK, html: html.into_string() }
    }

    fn banner(&self, session: Option<&Session>) -> Markup {
        html! {
            header {
                nav aria-label="Registry" {
                    a href=(self.href("", &[])) { "Packages" }
                    @if session.is_some() { a href=(self.href("audit", &[])) { "Audit" } }
                }
                @match session {
                    Some(session) => form .log-out method="post" action=(self.href("log-out", &[])) {
                        (form_token(session))
                        span .who { (value(&session.account)) }
                        button .plain { "Log out" }
                    },
                    None => a href=(self.href("log-in", &[])) { "Log in" },
                }
            }
        }
    }

    /// The head of a package's pages: its name, and the way to its other pages. A prefix has no others.
    pub(super) fn package_head(&self, named: &Named, current: Tab) -> Markup {
        let tabs = [
            (Tab::Versions, "package", "Versions"),
            (Tab::Publishers, "settings", "Trusted publishers"),
            (Tab::Audit, "audit", "Audit"),
        ];
        html! {
            p .ecosystem { (named.ecosystem.as_str()) }
            h1 { (value(&named.name)) }
            @if !named.is_prefix() {
                nav .tabs aria-label="Package" {
                    @for (tab, page, title) in tabs {
                        a href=(self.of_package(page, named, &[])) aria-current=[(tab == current).then_some("page")] { (title) }
                    }
                }
            }
        }
    }

    /// The address of a page below the pages' root.
    pub(super) fn href(&self, page: &str, query: &[(&str, &str)]) -> String {
        let path = format!("{}{ROOT}/{page}", self.prefix());
        if query.is_empty() {
            return path;
        }
        let query = Serializer::new(String::new()).extend_pairs(query).finish();
        format!("{path}?{query}")
    }

    /// The address of a page about a package.
    pub(super) fn of_package(&self, page: &str, named: &Named, more: &[(&str, &str)]) -> String {
        let of = [("ecosystem", named.ecosystem.as_str()), ("name", &*named.name)];
        self.href(page, &[&of, more].concat())
    }

    /// The path that the registry's URL has.
    pub(super) fn prefix(&self) -> &str {
        self.0.public_url.path().trim_end_matches('/')
    }

    /// Sends a browser to another page of this registry, which it gets by `GET`.
    pub(super) fn to(&self, href: &str) -> Response {
        let mut headers = headers("text/plain; charset=utf-8", "no-store");
        let location = HeaderValue::try_from(href).unwrap_or(HeaderValue::from_static(ROOT));
        headers.insert(LOCATION, location);
        (StatusCode::SEE_OTHER, headers).into_response()
    }

    /// A page that refuses.
    pub(super) fn refused(
        &self,
        session: Option<&Session>,
        status: StatusCode,
        title: &str,
        message: &str,
    ) -> Refused {
        let body = html! {
            h1 { (title) }
            p role="alert" { (value(&capitalized(message))) "." }
        };
        Refused::of(self.page(session, title, &body).with_status(status).into_response())
    }
}

/// A text with its first letter in upper case, as the beginning of a sentence.
pub(super) fn capitalized(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// The hidden field that every form of a session has.
pub(super) fn form_token(session: &Session) -> Markup {
    html! { input type="hidden" name=(FORM_TOKEN) value=(session.form_token.expose()); }
}

/// The hidden fields that name a form's package.
pub(super) fn package_fields(named: &Named) -> Markup {
    html! {
        input type="hidden" name="ecosystem" value=(named.ecosystem.as_str());
        input type="hidden" name="name" value=(named.name);
    }
}
