-- The latest publishers of an ecosystem, among which the nearest to a stranger is named to the operator.
CREATE INDEX oidc_publisher_by_ecosystem ON oidc_publisher (ecosystem, created_at);
