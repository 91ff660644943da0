use super::fields::{BRANCH, FIELDS, ORGANIZATION, ORGANIZATION_ID, PIPELINE, PIPELINE_ID, STEP, TAG};
use crate::rules::names;
use crate::rules::rule::Rule;
use crate::rules::table::{Ids, Key, Table};

/// The rules of a pipeline that may publish. A job has to ask for the ids. Where an id is pinned, a token without it is
/// a stranger's, and only the registry's operator is told of the fix.
pub(super) static RULES: Table = Table {
    fields: FIELDS,
    keys: &[Key::new(&ORGANIZATION, names::slug), Key::new(&PIPELINE, names::slug)],
    ids: Ids::uuids(&[&PIPELINE_ID, &ORGANIZATION_ID]).asked_for_by(
        "ask for it: `buildkite-agent oidc request-token --claim organization_id --claim pipeline_id`, \
         or set `BUILDKITE_OIDC_TOKEN_CLAIMS` to `organization_id,pipeline_id`",
    ),
    rules: &[&[Rule::Whole(&STEP, names::ascii), Rule::ShortRef(&BRANCH), Rule::ShortRef(&TAG)]],
    ..Table::EMPTY
};
