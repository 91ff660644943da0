-- What a publish token publishes where it is one package, by a publisher of that package, as nearly always. It is in the token's own
-- row: a row of `oidc_token_package` is found by the token, whose hash is random, so that each grant changed one more page. All
-- three are empty where the packages are in the other tables. The release before this one finds no package of such a token.
ALTER TABLE oidc_token ADD COLUMN ecosystem TEXT;
ALTER TABLE oidc_token ADD COLUMN package TEXT;
ALTER TABLE oidc_token ADD COLUMN publisher TEXT REFERENCES oidc_publisher (id) ON DELETE CASCADE;
CREATE INDEX oidc_token_by_publisher ON oidc_token (publisher);
