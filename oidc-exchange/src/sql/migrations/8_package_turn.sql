-- A package's publishers by the identity that they name, regular ones first, each account's first before any account's second: the
-- number that a publisher had among those of its account, package, identity and pendency when it was stored. Like `oidc_turn`, which
-- is of all packages of an identity. No index by the package begins with the account, or SQLite may skip through it and sort.
ALTER TABLE oidc_publisher ADD COLUMN package_turn BIGINT NOT NULL DEFAULT 0;
CREATE INDEX oidc_publisher_by_package_and_account
    ON oidc_publisher (package, ecosystem, identity_key, issuer, account, pending, created_at, id);
UPDATE oidc_publisher SET package_turn = (SELECT COUNT(*) FROM oidc_publisher o
    WHERE o.account = oidc_publisher.account AND o.package = oidc_publisher.package AND o.ecosystem = oidc_publisher.ecosystem
    AND o.identity_key = oidc_publisher.identity_key AND o.issuer = oidc_publisher.issuer AND o.pending = oidc_publisher.pending
    AND (o.created_at < oidc_publisher.created_at OR o.created_at = oidc_publisher.created_at AND o.id < oidc_publisher.id));
DROP INDEX oidc_publisher_by_package;
CREATE INDEX oidc_publisher_by_package
    ON oidc_publisher (package, ecosystem, identity_key, issuer, pending, package_turn, created_at, id);
