-- An identity's publishers, however many there are: regular ones before pending ones, the oldest first.
DROP INDEX oidc_publisher_by_age;
CREATE INDEX oidc_publisher_by_age ON oidc_publisher (identity_key, issuer, ecosystem, pending, created_at, id);
