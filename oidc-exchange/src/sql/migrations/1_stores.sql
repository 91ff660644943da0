-- Times are whole seconds since the epoch. Hashes are hexadecimal. Both SQLite and PostgreSQL read this.

CREATE TABLE oidc_publisher (
    id           TEXT PRIMARY KEY,
    ecosystem    TEXT NOT NULL,
    package      TEXT NOT NULL,
    provider     TEXT NOT NULL,
    issuer       TEXT NOT NULL,
    identity_key TEXT NOT NULL,
    config       TEXT NOT NULL,
    pending      BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    origin       TEXT NOT NULL,
    -- SHA-256 of package, identity and configuration: a package has a publisher once.
    digest       TEXT NOT NULL UNIQUE
);
CREATE INDEX oidc_publisher_by_identity ON oidc_publisher (identity_key, issuer, ecosystem, package);
CREATE INDEX oidc_publisher_by_package ON oidc_publisher (package, ecosystem);
CREATE INDEX oidc_publisher_by_origin ON oidc_publisher (origin);

-- Immutable ids that a publisher learned from its first use.
CREATE TABLE oidc_learned_id (
    publisher TEXT NOT NULL REFERENCES oidc_publisher (id) ON DELETE CASCADE,
    claim     TEXT NOT NULL,
    value     TEXT NOT NULL,
    PRIMARY KEY (publisher, claim)
);

-- Identity tokens that were used, until they could not be used any more.
CREATE TABLE oidc_replay (
    key            TEXT PRIMARY KEY,
    uses           BIGINT NOT NULL,
    remember_until BIGINT NOT NULL
);
CREATE INDEX oidc_replay_by_end ON oidc_replay (remember_until);

-- Publish tokens, hashed.
CREATE TABLE oidc_token (
    hash       TEXT PRIMARY KEY,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    provider   TEXT NOT NULL,
    issuer     TEXT NOT NULL,
    run        TEXT NOT NULL
);
CREATE INDEX oidc_token_by_end ON oidc_token (expires_at);

-- What a publish token publishes. A publisher's end is the end of what it let in.
CREATE TABLE oidc_token_package (
    token     TEXT NOT NULL REFERENCES oidc_token (hash) ON DELETE CASCADE,
    ecosystem TEXT NOT NULL,
    package   TEXT NOT NULL,
    publisher TEXT NOT NULL REFERENCES oidc_publisher (id) ON DELETE CASCADE,
    PRIMARY KEY (token, ecosystem, package)
);
CREATE INDEX oidc_token_package_by_publisher ON oidc_token_package (publisher);
