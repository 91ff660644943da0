//! The tables of packages that are made of files.

/// The tables. Instants are seconds since 1970; `folded` is a name in lower case, in which no two packages are the same;
/// `listed` is the package's index line; a package's files are counted from 0 (`position`), and `size` is about what one takes
/// in an index; `published_by` is a [`Principal`](crate::authorize::Principal) as JSON; `hosted_beside` holds the sidecar files.
/// For the rest see [`Upload`](super::Upload).
pub(crate) const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS hosted_package (
        ecosystem TEXT NOT NULL,
        name TEXT NOT NULL,
        folded TEXT NOT NULL,
        listed TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        PRIMARY KEY (ecosystem, name),
        UNIQUE (ecosystem, folded)
    )",
    "CREATE TABLE IF NOT EXISTS hosted_file (
        ecosystem TEXT NOT NULL,
        name TEXT NOT NULL,
        package TEXT NOT NULL,
        version TEXT NOT NULL,
        identity TEXT NOT NULL,
        position BIGINT NOT NULL,
        sha256 TEXT NOT NULL,
        metadata TEXT NOT NULL,
        size BIGINT NOT NULL,
        published_at BIGINT NOT NULL,
        published_by TEXT NOT NULL,
        PRIMARY KEY (ecosystem, name),
        UNIQUE (ecosystem, package, identity),
        UNIQUE (ecosystem, package, position),
        FOREIGN KEY (ecosystem, package) REFERENCES hosted_package (ecosystem, name)
    )",
    "CREATE TABLE IF NOT EXISTS hosted_beside (
        ecosystem TEXT NOT NULL,
        name TEXT NOT NULL,
        content BYTES NOT NULL,
        PRIMARY KEY (ecosystem, name),
        FOREIGN KEY (ecosystem, name) REFERENCES hosted_file (ecosystem, name)
    )",
];
