-- A repository that was renamed finds its publishers by its immutable id, configured or learned. Whatever else is
-- asked for is repeated here, so that one index finds it all and other publishers cost nothing.
CREATE TABLE oidc_publisher_id (
    publisher  TEXT NOT NULL REFERENCES oidc_publisher (id) ON DELETE CASCADE,
    claim      TEXT NOT NULL,
    value      TEXT NOT NULL,
    issuer     TEXT NOT NULL,
    ecosystem  TEXT NOT NULL,
    package    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (publisher, claim)
);
INSERT INTO oidc_publisher_id (publisher, claim, value, issuer, ecosystem, package, created_at)
    SELECT p.id, l.claim, l.value, p.issuer, p.ecosystem, p.package, p.created_at
    FROM oidc_learned_id l JOIN oidc_publisher p ON p.id = l.publisher;
CREATE INDEX oidc_publisher_id_by_age ON oidc_publisher_id (value, claim, issuer, ecosystem, created_at, publisher);
CREATE INDEX oidc_publisher_id_by_package
    ON oidc_publisher_id (value, claim, issuer, ecosystem, package, created_at, publisher);

-- An identity's oldest publishers, however many there are.
CREATE INDEX oidc_publisher_by_age ON oidc_publisher (identity_key, issuer, ecosystem, created_at, id);
