-- Whether a publisher lapses unless it is used soon: it has immutable ids to learn and has learned none. Of those so far the
-- platform's fields are not known here; one that was configured with an id is taken for one that has none to learn.
ALTER TABLE oidc_publisher ADD COLUMN lapses BIGINT NOT NULL DEFAULT 1;
UPDATE oidc_publisher SET lapses = 0 WHERE EXISTS (SELECT 1 FROM oidc_learned_id l WHERE l.publisher = oidc_publisher.id)
    OR EXISTS (SELECT 1 FROM oidc_publisher_id i
        WHERE i.publisher = oidc_publisher.id AND (i.claim LIKE '%id' OR i.claim = 'sub'));

-- Publishers of accounts that may be over, for the purge.
CREATE INDEX oidc_publisher_by_pending ON oidc_publisher (created_at) WHERE pending = 1 AND account <> '';
CREATE INDEX oidc_publisher_by_lapse ON oidc_publisher (created_at) WHERE lapses = 1 AND account <> '';
