-- Up to when uses of identity tokens were forgotten. A token that would have been remembered no longer than that is
-- refused, since a clock that was set back could accept it again.
CREATE TABLE oidc_purged (
    id       BIGINT PRIMARY KEY,
    until_at BIGINT NOT NULL
);
INSERT INTO oidc_purged (id, until_at) VALUES (1, 0);
