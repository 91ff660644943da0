use oidc_core::Mismatch;

use super::fields::{EMAIL, FIELDS, SUBJECT};
use crate::codes;
use crate::rules::config::{Fault, invalid};
use crate::rules::names;
use crate::rules::rule::Rule;
use crate::rules::table::{Ids, Key, Table};
use crate::rules::token::Token;

/// The rules of an account that may publish. A token whose address Google did not verify has no identity.
pub(super) static RULES: Table = Table {
    fields: FIELDS,
    keys: &[Key::new(&EMAIL, is_address).described_by(domain)],
    ids: Ids::new(&[&SUBJECT], subject, is_subject),
    rules: &[&[Rule::Always(is_verified)]],
    identifies: is_verified,
    ..Table::EMPTY
};

/// The limit on a subject, in characters (OpenID Connect Core 1.0, section 2).
const MAX_SUBJECT: usize = 255;

/// Describes the account without its address, which may be a person's and does not belong in logs.
fn domain(address: &str) -> String {
    let (_, domain) = address.rsplit_once('@').unwrap_or_default();
    format!("an account of {domain}")
}

/// Checks that a text is the address of an account, as Google writes it.
fn is_address(key: &str, text: &str) -> Result<(), Fault> {
    names::ascii(key, text)?;
    let parts = text.split_once('@').filter(|(name, domain)| {
        !name.is_empty()
            && domain.contains('.')
            && !domain.contains('@')
            && !text.contains(char::is_whitespace)
    });
    if parts.is_some() {
        return Ok(());
    }
    let fix = "write the service account's address, such as `publisher@project.iam.gserviceaccount.com`";
    Err(invalid(codes::PUBLISHER_EMAIL, key, "it is not an e-mail address").found(text).fix(fix))
}

fn is_verified(token: &Token<'_>) -> Result<(), Mismatch> {
    token.flag("email_verified", codes::GOOGLE_EMAIL_UNVERIFIED, true)
}

/// Checks that a text is an account's number.
fn subject(key: &str, text: &str) -> Result<(), Fault> {
    if is_subject(text) {
        return Ok(());
    }
    let fault = invalid(codes::PUBLISHER_ID, key, "it is not an account's number").found(text);
    Err(fault.fix("write the number, or leave it out and let it be learned"))
}

fn is_subject(text: &str) -> bool {
    (1..=MAX_SUBJECT).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
