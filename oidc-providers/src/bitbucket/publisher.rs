use super::fields::{BRANCH, ENVIRONMENT, FIELDS, REPOSITORY, WORKSPACE};
use crate::codes;
use crate::rules::config::{Fault, invalid};
use crate::rules::link::is_uuid;
use crate::rules::rule::Rule;
use crate::rules::table::{Key, Table};

/// The rules of a repository that may publish.
pub(super) static RULES: Table = Table {
    fields: FIELDS,
    keys: &[
        Key::new(&WORKSPACE, is_in_braces).between("workspace/", ""),
        Key::new(&REPOSITORY, is_in_braces).between("repository/", ""),
    ],
    rules: &[&[Rule::Whole(&ENVIRONMENT, is_in_braces), Rule::ShortRef(&BRANCH)]],
    ..Table::EMPTY
};

/// Checks that a text is a UUID as Bitbucket writes it, in braces.
fn is_in_braces(key: &str, text: &str) -> Result<(), Fault> {
    let bare = text.trim_start_matches('{').trim_end_matches('}').to_ascii_lowercase();
    let written = format!("{{{bare}}}");
    if is_uuid(&bare) && text == written {
        return Ok(());
    }
    let fix = if is_uuid(&bare) {
        format!("write `{written}`")
    } else {
        "write the UUID that the repository's settings show, such as `{0184990a-477b-4fa8-9968-496074483cee}`"
            .to_owned()
    };
    Err(invalid(codes::PUBLISHER_ID, key, "it is not a UUID in braces and lower case").found(text).fix(fix))
}
