//! Requests to the pages: bounded parameters, the session, and the checks of every `POST`.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{CONTENT_TYPE, COOKIE, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use form_urlencoded::parse;
use oidc_exchange::server::{InvalidPrefix, Package};

use super::Ui;
use super::refused::Refused;
use super::session::Session;
use crate::config::Ecosystem;

/// The size of a form, in bytes.
const MAX_FORM: usize = 64 << 10;
/// The number of fields of a form or a query.
const MAX_FIELDS: usize = 64;
/// The length of a package's name as it is typed, in bytes.
const MAX_NAME: usize = 512;
/// The field of a form with the session's token.
pub(super) const FORM_TOKEN: &str = "form-token";

/// The fields of a query or a form. Where a name is there twice, the first one counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    fn read(encoded: &[u8]) -> Self {
        Self(parse(encoded).take(MAX_FIELDS).map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// A field's text, without white space around it; empty where there is no such field.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
    }

    /// A field's text, if there is one that is not empty.
    pub(super) fn some(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// The names and texts of the fields whose names begin so, without that beginning.
    pub(super) fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.trim())))
    }
}

/// A package that a page is about, by a name that its ecosystem allows, or all packages whose names begin so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) ecosystem: Ecosystem,
    /// The name; that of a prefix ends with `*`, as no package's does.
    pub(super) name: String,
    package: Package,
}

impl Named {
    /// A package by its normalized name.
    pub(super) fn new(ecosystem: Ecosystem, name: String) -> Self {
        Self { package: Package::new(ecosystem.as_str(), &*name), ecosystem, name }
    }

    /// All packages whose names begin with a prefix, which people write with the `*` at its end or without.
    pub(super) fn prefix(ecosystem: Ecosystem, text: &str) -> Result<Self, InvalidPrefix> {
        let package = Package::prefix(ecosystem.as_str(), text.strip_suffix('*').unwrap_or(text))?;
        Ok(Self { ecosystem, name: package.label(), package })
    }

    pub(super) fn package(&self) -> &Package {
        &self.package
    }

    pub(super) fn is_prefix(&self) -> bool {
        self.package.is_prefix()
    }
}

/// A request to a page.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) ui: Ui,
    pub(super) query: Fields,
    pub(super) session: Option<Session>,
    /// The path and query below the pages' root, to come back to.
    pub(super) place: String,
}

impl Visit {
    /// The session, or the way to the log-in.
    pub(super) fn known(&self) -> Result<&Session, Refused> {
        self.session.as_ref().ok_or_else(|| self.ui.to_log_in(&self.place))
    }

    /// The package that these fields name.
    pub(super) fn named(&self, fields: &Fields) -> Result<Named, Refused> {
        let (ecosystem, name) = self.ecosystem_and_name(fields)?;
        let name = ecosystem.normalized(name).map_err(|error| self.no_package(&error))?;
        Ok(Named::new(ecosystem, name))
    }

    /// The package, or the prefix, whose trusted publishers these fields are about, if whoever is logged in may configure them.
    pub(super) async fn managed(&self, fields: &Fields) -> Result<Named, Refused> {
        let session = self.known()?;
        let (ecosystem, name) = self.ecosystem_and_name(fields)?;
        if !name.ends_with('*') {
            return self.named(fields);
        }
        let named = Named::prefix(ecosystem, name).map_err(|error| self.no_package(&error.to_string()))?;
        if self.ui.0.accounts.may_configure_prefix(&session.account, named.package()).await {
            return Ok(named);
        }
        let message =
            "your account may not configure trusted publishers of all packages whose names begin so";
        Err(self.refused(StatusCode::FORBIDDEN, "Not yours to configure", message))
    }

    fn ecosystem_and_name<'f>(&self, fields: &'f Fields) -> Result<(Ecosystem, &'f str), Refused> {
        let ecosystem = Ecosystem::named(fields.text("ecosystem"))
            .ok_or_else(|| self.no_package("this registry has no such ecosystem"))?;
        match fields.text("name") {
            name if name.len() > MAX_NAME => Err(self.no_package("the name is longer than any package's")),
            name => Ok((ecosystem, name)),
        }
    }

    fn no_package(&self, message: &str) -> Refused {
        self.refused(StatusCode::NOT_FOUND, "No such package", message)
    }

    /// A page that refuses, with what is known of who asks.
    pub(super) fn refused(&self, status: StatusCode, title: &str, message: &str) -> Refused {
        self.ui.refused(self.session.as_ref(), status, title, message)
    }

    /// A page that says that the registry failed. The reason is in its log.
    pub(super) fn failed(&self, error: &(dyn std::error::Error + 'static)) -> Refused {
        tracing::error!(error = %oidc_exchange::server::Chain::of(error), "a page can't be made");
        let message = "the registry failed; its log says why";
        self.refused(StatusCode::INTERNAL_SERVER_ERROR, "Failed", message)
    }

    fn read(parts: &Parts, ui: &Ui) -> Self {
        let uri = &parts.uri;
        let query = Fields::read(uri.query().unwrap_or_default().as_bytes());
        let place = uri.path_and_query().map_or_else(String::new, |place| place.as_str().to_owned());
        let session = cookie(&parts.headers, ui.cookie_name()).and_then(|cookie| ui.session(cookie));
        Self { ui: ui.clone(), query, session, place }
    }
}

impl FromRequestParts<Ui> for Visit {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, ui: &Ui) -> Result<Self, Refused> {
        Ok(Self::read(parts, ui))
    }
}

/// A form that one of this registry's own pages sent.
#[derive(Debug)]
pub(super) struct Posted {
    pub(super) visit: Visit,
    pub(super) form: Fields,
    /// The cookie that came along, valid or not.
    pub(super) cookie: Option<String>,
}

impl FromRequest<Ui> for Posted {
    type Rejection = Refused;

    async fn from_request(request: Request, ui: &Ui) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        let visit = Visit::read(&parts, ui);
        if !is_own(&parts.headers, ui) {
            let message =
                format!("this form was not sent by a page at {}; open the page there", ui.0.public_url);
            return Err(visit.refused(StatusCode::FORBIDDEN, "Not sent from here", &message));
        }
        let form = form(&parts.headers, body).await.ok_or_else(|| {
            visit.refused(
                StatusCode::PAYLOAD_TOO_LARGE,
                "Too large",
                "the form can't be read, or is too large",
            )
        })?;
        let cookie = cookie(&parts.headers, ui.cookie_name()).map(str::to_owned);
        Ok(Self { visit, form, cookie })
    }
}

async fn form(headers: &HeaderMap, body: Body) -> Option<Fields> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return None;
    }
    Some(Fields::read(&to_bytes(body, MAX_FORM).await.ok()?))
}

/// A form of somebody who is logged in, with the token of their session.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) visit: Visit,
    pub(super) session: Session,
    pub(super) form: Fields,
    pub(super) cookie: Option<String>,
}

impl FromRequest<Ui> for Write {
    type Rejection = Refused;

    async fn from_request(request: Request, ui: &Ui) -> Result<Self, Refused> {
        let Posted { visit, form, cookie } = Posted::from_request(request, ui).await?;
        let Some(session) = visit.session.clone() else {
            let message = "nothing was changed: log in, open the page again and send it once more";
            return Err(visit.refused(StatusCode::UNAUTHORIZED, "The session has ended", message));
        };
        if !session.made(form.text(FORM_TOKEN)) {
            let message = "nothing was changed: the form is of another session; open the page again";
            return Err(visit.refused(StatusCode::FORBIDDEN, "Not sent from here", message));
        }
        Ok(Self { visit, session, form, cookie })
    }
}

/// Returns `true` if the browser says that one of this registry's own pages sends the form, by one of two headers. Every browser sends one.
fn is_own(headers: &HeaderMap, ui: &Ui) -> bool {
    match headers.get(ORIGIN) {
        Some(origin) => origin.to_str().is_ok_and(|origin| origin == ui.0.public_url.origin()),
        None => headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin"),
    }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}
