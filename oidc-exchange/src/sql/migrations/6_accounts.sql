-- Whose a publisher is, in the application's words; empty for the operator's own.
ALTER TABLE oidc_publisher ADD COLUMN account TEXT NOT NULL DEFAULT '';

-- Whoever adds a publisher to an account is alone with it.
CREATE TABLE oidc_account (account TEXT PRIMARY KEY);

-- Publishers by which a publish went through, hence whose accounts publish by the identity.
CREATE TABLE oidc_proven (
    publisher    TEXT PRIMARY KEY REFERENCES oidc_publisher (id) ON DELETE CASCADE,
    identity_key TEXT NOT NULL,
    issuer       TEXT NOT NULL,
    account      TEXT NOT NULL,
    published_at BIGINT,
    exchanged_at BIGINT
);
CREATE INDEX oidc_proven_by_identity ON oidc_proven (identity_key, issuer, account);

-- An account's publishers of an identity. One package's publishers are found by the package.
DROP INDEX oidc_publisher_by_age;
DROP INDEX oidc_publisher_by_identity;
CREATE INDEX oidc_publisher_by_account
    ON oidc_publisher (account, identity_key, issuer, ecosystem, pending, created_at, id);

-- The publishers of all accounts by the identity that they name, each account's first before any account's second: twice the
-- number that a publisher had among those of its account, identity, ecosystem and pendency when it was stored, plus one for a
-- pending one. An account has no more of them than a number up to that number, hence the order is fair to all. The table is
-- apart and has no other index on the identity, which would be preferred where few identities have many publishers, and all
-- of them be read.
CREATE TABLE oidc_turn (
    publisher    TEXT PRIMARY KEY REFERENCES oidc_publisher (id) ON DELETE CASCADE,
    account      TEXT NOT NULL,
    identity_key TEXT NOT NULL,
    issuer       TEXT NOT NULL,
    ecosystem    TEXT NOT NULL,
    turn         BIGINT NOT NULL,
    created_at   BIGINT NOT NULL
);
CREATE INDEX oidc_turn_by_identity ON oidc_turn (identity_key, issuer, ecosystem, turn, created_at, publisher);

-- How much a publisher's claim on an id is worth, the most first: see `PublisherRank`. All so far are the operator's own.
ALTER TABLE oidc_publisher_id ADD COLUMN worth BIGINT NOT NULL DEFAULT 1;
DROP INDEX oidc_publisher_id_by_age;
DROP INDEX oidc_publisher_id_by_package;
CREATE INDEX oidc_publisher_id_by_worth
    ON oidc_publisher_id (value, claim, issuer, ecosystem, worth, created_at, publisher);
CREATE INDEX oidc_publisher_id_by_package
    ON oidc_publisher_id (value, claim, issuer, ecosystem, package, worth, created_at, publisher);
