//! The database that a URL names.

use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::any::AnyConnectOptions;

use super::open_error::OpenError;

/// Tells one database in memory from another.
static IN_MEMORY: AtomicU64 = AtomicU64::new(0);
/// Longer names are cut by PostgreSQL.
const MAX_SCHEMA: usize = 63;
const HAS_TLS: bool = cfg!(any(feature = "postgres-ring", feature = "postgres-aws-lc"));

/// A database, as a URL names it.
pub(super) struct Target {
    pub(super) options: AnyConnectOptions,
    pub(super) is_sqlite: bool,
    pub(super) is_memory: bool,
}

impl Target {
    pub(super) fn new(url: &str, schema: Option<&str>) -> Result<Self, OpenError> {
        let mut options: AnyConnectOptions = url.parse().map_err(|_| {
            OpenError::options("it is no URL; expected `sqlite:FILE` or `postgres://USER@HOST/DATABASE`")
        })?;
        let is_sqlite = is_sqlite(&options)?;
        if !is_sqlite && !HAS_TLS && needs_tls(&options) {
            return Err(OpenError::options(
                "the server is on another machine, and this program was built without TLS for it: enable \
                 `postgres-ring` or `postgres-aws-lc` of `oidc-exchange`, or write `sslmode=disable` into the URL",
            ));
        }
        if let Some(name) = schema {
            check_schema(name, is_sqlite)?;
        }
        let is_memory = is_sqlite && is_memory(&options);
        if is_memory && !options.database_url.path().starts_with("file:") {
            // SQLite shares a database in memory between connections by such a name alone.
            let number = IN_MEMORY.fetch_add(1, Ordering::Relaxed);
            options = format!("sqlite:file:oidc-in-memory-{number}?mode=memory")
                .parse()
                .map_err(OpenError::connect)?;
        }
        Ok(Self { options, is_sqlite, is_memory })
    }
}

fn is_sqlite(options: &AnyConnectOptions) -> Result<bool, OpenError> {
    match options.database_url.scheme() {
        "sqlite" if cfg!(feature = "sqlite") => Ok(true),
        "postgres" | "postgresql" if cfg!(feature = "postgres") => Ok(false),
        scheme @ ("sqlite" | "postgres" | "postgresql") => Err(OpenError::options(format!(
            "this program was built without `{scheme}` databases; enable that feature of `oidc-exchange`"
        ))),
        scheme => Err(OpenError::options(format!(
            "there is no store for `{scheme}`; expected `sqlite` or `postgres`"
        ))),
    }
}

/// Returns `true` if a connection would leave this machine, and the URL does not say that it may do so in the clear.
fn needs_tls(options: &AnyConnectOptions) -> bool {
    let url = &options.database_url;
    let is_in_clear = url
        .query_pairs()
        .any(|(key, value)| matches!(&*key, "sslmode" | "ssl-mode") && value.eq_ignore_ascii_case("disable"));
    // A host in the query stands before that of the authority; one that is a path is a socket's folder.
    let named = url.query_pairs().filter(|(key, _)| matches!(&**key, "host" | "hostaddr")).last();
    let host = named.map(|(_, host)| host.into_owned());
    let host = host.as_deref().or_else(|| url.host_str()).unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_socket = host.starts_with('/') || host.starts_with("%2F") || host.starts_with("%2f");
    let is_here = host.is_empty()
        || is_socket
        || host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    !is_in_clear && !is_here
}

fn check_schema(name: &str, is_sqlite: bool) -> Result<(), OpenError> {
    if is_sqlite {
        return Err(OpenError::options("SQLite has no schemas; leave the schema out"));
    }
    let is_name = name.len() <= MAX_SCHEMA
        && name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    match is_name {
        true => Ok(()),
        false => Err(OpenError::options(
            "the schema's name can't be used; expected lower-case letters, digits and `_`, at most 63",
        )),
    }
}

fn is_memory(options: &AnyConnectOptions) -> bool {
    let url = &options.database_url;
    url.path() == ":memory:" || url.query_pairs().any(|(key, value)| key == "mode" && value == "memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_in_the_clear_stays_on_this_machine_unless_the_url_says_so() {
        for (url, is_needed) in [
            ("postgres://registry@localhost/registry", false),
            ("postgres://registry@127.0.0.1:5432/registry", false),
            ("postgres://registry@[::1]/registry", false),
            ("postgres:///registry?host=/run/postgresql", false),
            ("postgres://registry@%2Frun%2Fpostgresql/registry", false),
            ("postgres://registry@db.example/registry", true),
            ("postgres://registry@localhost.example/registry", true),
            ("postgres://registry@localhost/registry?host=db.example", true),
            ("postgres://registry@localhost/registry?hostaddr=192.0.2.1", true),
            ("postgres://registry@192.0.2.1/registry?sslmode=prefer", true),
            ("postgres://registry@192.0.2.1/registry?sslmode=verify-full", true),
            ("postgres://registry@db.example/registry?sslmode=disable", false),
        ] {
            let options: AnyConnectOptions = url.parse().unwrap();
            assert_eq!(needs_tls(&options), is_needed, "{url}");
        }
    }
}
