//! The URL of the database, without the password that it may hold.

use url::{Position, Url};

/// The schemes of the databases that are supported.
const SCHEMES: [&str; 3] = ["sqlite", "postgres", "postgresql"];

/// Returns `true` if a URL is that of a supported database.
pub(super) fn is_supported(database: &str) -> bool {
    database.split_once(':').is_some_and(|(scheme, _)| SCHEMES.contains(&scheme))
}

/// The scheme of a database and its place, or the scheme alone where the rest may be part of a password; `None` where there
/// is no scheme.
pub(in super::super) fn without_password(database: &str) -> Option<String> {
    let parsed = Url::parse(database).ok();
    let known = || SCHEMES.into_iter().find(|scheme| database.split(':').next() == Some(scheme));
    let scheme = parsed.as_ref().map(Url::scheme).or_else(known)?;
    let place = parsed.as_ref().and_then(place);
    Some(place.unwrap_or_else(|| format!("{scheme}:…")))
}

/// A file with its path, or a server with its port.
fn place(url: &Url) -> Option<String> {
    if url.scheme() == "sqlite" {
        let is_file = url.username().is_empty() && url.password().is_none();
        return is_file.then(|| url[..Position::AfterPath].to_owned());
    }
    // Behind the host an `@` is that of a password with a `/`, `?` or `#`, whose beginning is then taken for the port.
    let host = url.host_str().filter(|_| !url[Position::BeforePath..].contains('@'))?;
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    (!host.is_empty()).then(|| format!("{}://{host}{port}", url.scheme()))
}
