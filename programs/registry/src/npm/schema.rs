//! The tables of npm's packages.

/// npm's tables. Instants are seconds since 1970; `public` is 0 or 1; `published_by` is a [`Principal`](super::access::Principal) as JSON. Versions are
/// counted from 0 (`position`); `manifest`, `abbreviated` and `about` are [`Texts`](super::manifest::Texts), and `size` is how
/// many bytes the longer two have. The tarball of a version is the blob `PACKAGE@VERSION`, and so is its provenance called.
/// `signatures` and `predicate_type` are those of [`Vouched`](super::provenance::Vouched).
pub(crate) const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS npm_package (
        name TEXT PRIMARY KEY,
        public BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        modified_at BIGINT NOT NULL
    )",
    "CREATE TABLE IF NOT EXISTS npm_version (
        package TEXT NOT NULL REFERENCES npm_package (name),
        version TEXT NOT NULL,
        position BIGINT NOT NULL,
        manifest TEXT NOT NULL,
        abbreviated TEXT NOT NULL,
        about TEXT NOT NULL,
        size BIGINT NOT NULL,
        integrity TEXT NOT NULL,
        shasum TEXT NOT NULL,
        published_at BIGINT NOT NULL,
        published_by TEXT NOT NULL,
        PRIMARY KEY (package, version),
        UNIQUE (package, position)
    )",
    "CREATE TABLE IF NOT EXISTS npm_dist (
        package TEXT NOT NULL,
        version TEXT NOT NULL,
        signatures TEXT NOT NULL,
        predicate_type TEXT NOT NULL,
        PRIMARY KEY (package, version),
        FOREIGN KEY (package, version) REFERENCES npm_version (package, version)
    )",
    "CREATE TABLE IF NOT EXISTS npm_dist_tag (
        package TEXT NOT NULL,
        tag TEXT NOT NULL,
        version TEXT NOT NULL,
        PRIMARY KEY (package, tag),
        FOREIGN KEY (package, version) REFERENCES npm_version (package, version)
    )",
];
