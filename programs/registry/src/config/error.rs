//! The reasons for which a configuration can't be used.

/// The configuration can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidConfig {
    /// Not TOML, or a key that is not one.
    #[error("the configuration can't be read: {0}")]
    Syntax(String),
    /// `public_url` is not a URL of a registry.
    #[error("`public_url`: {0}")]
    PublicUrl(String),
    /// `database` is not a URL of a database that is known.
    #[error(
        "`database` is {0}; write `sqlite:FILE` for a file, such as `sqlite:registry.db`, or \
         `postgres://USER:PASSWORD@HOST/NAME`"
    )]
    Database(String),
    /// There is no `[[provider]]`.
    #[error(
        "`[[provider]]` is missing: name the platforms whose tokens are accepted, such as `[[provider]]` with the line \
         `kind = \"github\"`"
    )]
    NoProvider,
    /// There can't be as many connections.
    #[error(
        "`connections` is {connections}; expected a number from 1 to {most}, for which this process may open descriptors \
         (`ulimit -n`)"
    )]
    Connections {
        /// The configured number.
        connections: usize,
        /// The largest number.
        most: usize,
    },
    /// A package requires what this registry doesn't keep.
    #[error("`[[package]]` `{0}` has `provenance = \"required\"`, and {1}")]
    Provenance(String, &'static str),
    /// `[provenance]` has a URL that is none.
    #[error("`log` in `[provenance]`: {0}")]
    Log(String),
    /// A package has two entries.
    #[error(
        "`[[package]]` `{name}` of {ecosystem} is there twice: write one, with a `[[package.publisher]]` for each publisher"
    )]
    Twice {
        /// Its ecosystem.
        ecosystem: &'static str,
        /// Its name, fit to be shown.
        name: String,
    },
}
