-- The prefix of the names of the packages that a publisher is for; `package` is empty then. The release before this one takes such a
-- publisher for one of a package without a name, so that prefixes are stored once all processes are of this release.
ALTER TABLE oidc_publisher ADD COLUMN prefix TEXT NOT NULL DEFAULT '';
-- Whoever asks for a prefix says nothing of the package, which is the same for all of these.
CREATE INDEX oidc_publisher_by_prefix
    ON oidc_publisher (prefix, ecosystem, account, identity_key, created_at, id) WHERE prefix <> '';

-- What a publish token publishes by a publisher for a prefix: one package, or all with the prefix where `package` is empty, in
-- both cases of the publisher's own account.
CREATE TABLE oidc_token_prefix (
    token     TEXT NOT NULL REFERENCES oidc_token (hash) ON DELETE CASCADE,
    publisher TEXT NOT NULL REFERENCES oidc_publisher (id) ON DELETE CASCADE,
    ecosystem TEXT NOT NULL,
    package   TEXT NOT NULL,
    PRIMARY KEY (token, publisher)
);
CREATE INDEX oidc_token_prefix_by_publisher ON oidc_token_prefix (publisher);
CREATE INDEX oidc_token_prefix_by_package ON oidc_token_prefix (package, ecosystem);
