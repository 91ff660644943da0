//! Logging in and out.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use oidc_core::{Secret, shown};
use oidc_exchange::server::{Package, TokenHash};

use super::page::Page;
use super::refused::Refused;
use super::request::{Posted, Visit, Write};
use super::session::Session;
use super::{ROOT, Ui};

/// The seam of a registry that has accounts: it decides who logs in to the pages.
///
/// This registry has none, and takes its administrator's token. One with accounts passes its own to
/// [`Running::start_with_log_in`](crate::Running::start_with_log_in). Whoever logs in may configure every package, and those
/// prefixes of names that [`may_configure_prefix`](Self::may_configure_prefix) allows.
///
/// Guesses are bounded before this is asked, and what it is asked with is bounded in size.
///
/// ```
/// use async_trait::async_trait;
/// use oidc_core::{Secret, shown};
/// use oidc_exchange::server::TokenHash;
/// use registry::LogIn;
///
/// /// The hash of each account's token, with the account's name.
/// #[derive(Debug)]
/// struct Accounts(Vec<(TokenHash, String)>);
///
/// #[async_trait]
/// impl LogIn for Accounts {
///     async fn log_in(&self, secret: &Secret) -> Option<String> {
///         let presented = TokenHash::of(secret.expose());
///         self.0.iter().find(|(hash, _)| *hash == presented).map(|(_, name)| name.clone())
///     }
/// }
/// ```
#[async_trait]
pub trait LogIn: fmt::Debug + Send + Sync {
    /// Returns the name of whoever presents this secret, for people; `None` where nobody does.
    async fn log_in(&self, secret: &Secret) -> Option<String>;

    /// Returns `true` if an account may see, save and remove the trusted publishers of all packages whose names begin with a
    /// [prefix](Package::prefix). Such a publisher reaches packages that come later too, so by default no account may; an
    /// account that owns a scope may have the scope's, and never those of a name that only looks like it.
    async fn may_configure_prefix(&self, _account: &str, _prefix: &Package) -> bool {
        false
    }
}

/// The accounts that log in.
#[derive(Debug)]
pub(crate) enum Accounts {
    /// None: there is no administrator's token.
    Nobody,
    /// The administrator.
    Administrator(AdminToken),
    /// Those of a registry that has accounts.
    Own(Arc<dyn LogIn>),
}

impl Accounts {
    pub(crate) fn new(own: Option<Arc<dyn LogIn>>, admin: Option<&Secret>) -> Self {
        let admin = || admin.map_or(Self::Nobody, |token| Self::Administrator(AdminToken::new(token)));
        own.map_or_else(admin, Self::Own)
    }

    async fn log_in(&self, secret: &Secret) -> Option<String> {
        match self {
            Self::Nobody => None,
            Self::Administrator(admin) => admin.log_in(secret).await,
            Self::Own(own) => own.log_in(secret).await,
        }
    }

    /// Returns `true` if an account may configure the trusted publishers of a prefix.
    pub(super) async fn may_configure_prefix(&self, account: &str, prefix: &Package) -> bool {
        match self {
            Self::Nobody => false,
            // As the API, which the same token opens.
            Self::Administrator(_) => true,
            Self::Own(own) => own.may_configure_prefix(account, prefix).await,
        }
    }

    /// The message to the sender of another secret.
    fn refusal(&self) -> &'static str {
        match self {
            Self::Nobody => "Nobody can log in.",
            Self::Administrator(_) => {
                "This is not the administrator's token. Copy the whole line of the file."
            }
            Self::Own(_) => "This is no account's token.",
        }
    }
}

/// The administrator, by a token.
pub(crate) struct AdminToken(TokenHash);

impl AdminToken {
    fn new(token: &Secret) -> Self {
        Self(TokenHash::of(token.expose()))
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken")
    }
}

#[async_trait]
impl LogIn for AdminToken {
    async fn log_in(&self, secret: &Secret) -> Option<String> {
        // Hashes are compared, so that the time that it takes tells nothing about the token.
        (self.0 == TokenHash::of(secret.expose())).then(|| "administrator".to_owned())
    }
}

/// The log-in page.
pub(super) async fn show(visit: Visit) -> Response {
    let next = visit.query.text("next").to_owned();
    form(&visit, &next, None).into_response()
}

fn form(visit: &Visit, next: &str, error: Option<&str>) -> Page {
    let title = if error.is_some() { "Error: Log in" } else { "Log in" };
    let body = html! {
        h1 { "Log in" }
        @match &visit.ui.0.accounts {
            Accounts::Nobody => p { "This registry has no administrator's token (" code { "admin_token_file" } "), so nobody can log in." },
            Accounts::Administrator(_) => {
                @let hint = html! { "The content of the file that " code { "admin_token_file" } " names." };
                (token_form(visit, next, ("Administrator's token", &hint), error))
            },
            Accounts::Own(_) => (token_form(visit, next, ("Token", &html! { "The token of your account." }), error)),
        }
    };
    visit.ui.page(visit.session.as_ref(), title, &body)
}

fn token_form(visit: &Visit, next: &str, (label, hint): (&str, &Markup), error: Option<&str>) -> Markup {
    html! {
        form method="post" action=(visit.ui.href("log-in", &[])) {
            input type="hidden" name="next" value=(next);
            label for="token" { (label) }
            p #token-hint .hint { (hint) }
            @if let Some(error) = error { p #token-error .error role="alert" { (error) } }
            input #token type="password" name="token" autocomplete="current-password" required autofocus
                aria-describedby=(if error.is_some() { "token-hint token-error" } else { "token-hint" })
                aria-invalid=[error.map(|_| "true")];
            button { "Log in" }
        }
    }
}

/// Opens a session for the right token.
pub(super) async fn log_in(posted: Posted) -> Result<Response, Refused> {
    let Posted { visit, form: typed, cookie } = posted;
    let ui = visit.ui.clone();
    let (now, next) = (ui.0.cx.clock().now(), typed.text("next"));
    if let Err(wait) = ui.0.attempts.take(now) {
        let message = "There were too many attempts. Try again in a few seconds.";
        let page = form(&visit, next, Some(message)).with_status(StatusCode::TOO_MANY_REQUESTS);
        return Ok(([(RETRY_AFTER, wait.as_secs().to_string())], page).into_response());
    }
    let secret = Secret::new(typed.text("token"));
    let Some(account) = ui.0.accounts.log_in(&secret).await else {
        tracing::warn!("a log-in to the pages was refused");
        let message = ui.0.accounts.refusal();
        return Ok(form(&visit, next, Some(message)).with_status(StatusCode::UNAUTHORIZED).into_response());
    };
    ui.0.attempts.give_back();
    // A session that the browser had ends: no cookie of before the log-in is valid after it.
    if let Some(cookie) = cookie {
        ui.0.sessions.close(&cookie, now);
    }
    tracing::info!(account = %shown(&account), "somebody logged in to the pages");
    let cookie = ui.0.sessions.open(account, &ui.0.cx).map_err(|error| visit.failed(&error))?;
    Ok(with_cookie(ui.to(&ui.own_place(next)), ui.set_cookie(cookie.expose(), "")))
}

/// Ends the session.
pub(super) async fn log_out(write: Write) -> Response {
    let ui = write.visit.ui;
    if let Some(cookie) = &write.cookie {
        ui.0.sessions.close(cookie, ui.0.cx.clock().now());
    }
    with_cookie(ui.to(&ui.href("", &[])), ui.set_cookie("", "; Max-Age=0"))
}

fn with_cookie(mut response: Response, cookie: String) -> Response {
    // It has letters, digits and punctuation only.
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

impl Ui {
    /// The cookie's name. With https, browsers take one of this name from this host alone, and over https alone.
    pub(super) fn cookie_name(&self) -> &'static str {
        if self.is_secure() { "__Host-registry-session" } else { "registry-session" }
    }

    pub(super) fn session(&self, cookie: &str) -> Option<Session> {
        self.0.sessions.find(cookie, self.0.cx.clock().now())
    }

    fn set_cookie(&self, value: &str, more: &str) -> String {
        let (name, is_secure) = (self.cookie_name(), self.is_secure());
        // `__Host-` asks for this path.
        let path = if is_secure { "/".to_owned() } else { format!("{}{ROOT}", self.prefix()) };
        let secure = if is_secure { "; Secure" } else { "" };
        format!("{name}={value}; Path={path}; HttpOnly; SameSite=Strict{secure}{more}")
    }

    fn is_secure(&self) -> bool {
        self.0.public_url.as_str().starts_with("https:")
    }

    /// The page at a place below the pages' root, or the first page: nobody is sent to another site, whatever a link to the log-in
    /// says.
    fn own_place(&self, place: &str) -> String {
        let is_plain = place.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        // A browser reads `%2e` as a dot.
        let dots = place.to_ascii_lowercase().replace("%2e", ".");
        let is_page = place.starts_with('/') && !place.starts_with("//") && !dots.contains("..");
        let place = if is_plain && is_page { place } else { "/" };
        format!("{}{ROOT}{place}", self.prefix())
    }

    pub(super) fn to_log_in(&self, place: &str) -> Refused {
        Refused::of(self.to(&self.href("log-in", &[("next", place)])))
    }
}
