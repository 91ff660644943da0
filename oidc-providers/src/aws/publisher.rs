use std::borrow::Cow;

use oidc_core::{ClaimValue, Diagnosis, Mismatch, Target, shown};
use serde_json::Value;

use super::claims::NAMESPACE;
use super::fields::{FIELDS, FUNCTION, ORGANIZATION, REGION, ROLE, TAGS};
use crate::codes;
use crate::rules::config::{Config, Fault, invalid};
use crate::rules::held::{Held, Scope};
use crate::rules::rule::Rule;
use crate::rules::table::{Key, Table};
use crate::rules::token::Token;
use crate::rules::{Field, names};

/// The member of [`NAMESPACE`] with the account's number, which is also in the role's ARN.
const ACCOUNT: &str = "aws_account";

/// The member of [`NAMESPACE`] with the tags of the role and of its session.
const PRINCIPAL_TAGS: &str = "principal_tags";

/// The fields that are each compared with a member of [`NAMESPACE`].
pub(super) const MEMBERS: [(&Field, &str); 3] =
    [(&ORGANIZATION, "org_id"), (&REGION, "source_region"), (&FUNCTION, "lambda_source_function_arn")];

/// The limits on the number of tags, and on a tag's name and value, in bytes.
const MAX_TAGS: usize = 32;
const MAX_TAG: usize = 256;

/// The rules of a role that may publish.
pub(super) static RULES: Table = Table {
    fields: FIELDS,
    keys: &[Key::new(&ROLE, is_role)],
    rules: &[&[
        Rule::Always(is_of_roles_account),
        Rule::Part(&ORGANIZATION, names::ascii, member),
        Rule::Part(&REGION, names::ascii, member),
        Rule::Part(&FUNCTION, names::ascii, member),
        Rule::Own(&TAGS, Tags::read),
    ]],
    ..Table::EMPTY
};

/// Checks that the account is that of the token's role.
fn is_of_roles_account(token: &Token<'_>) -> Result<(), Mismatch> {
    let role = token.required(ROLE.claim)?;
    let account = text(&namespace(token)?, ACCOUNT, "account")?;
    if account_of(&role) == Some(&*account) {
        return Ok(());
    }
    let expected = account_of(&role).unwrap_or_default();
    let fix = "the token contradicts itself; tell AWS";
    Err(Mismatch::new(refused(codes::AWS_ACCOUNT, ACCOUNT, &account, expected, fix)))
}

/// Finds the member of [`NAMESPACE`] that a field is compared with.
fn member<'t>(field: &'static Field, token: &Token<'t>, _expected: &str) -> Result<Cow<'t, str>, Mismatch> {
    let name = MEMBERS.into_iter().find(|(known, _)| known.key == field.key).map_or("", |(_, name)| name);
    text(&namespace(token)?, name, field.key)
}

/// The tags that a role or its session must have.
#[derive(Debug)]
struct Tags(Vec<(String, String)>);

impl Tags {
    fn read(_field: &'static Field, config: &mut Config<'_>, _scope: &Scope<'_>) -> Option<Box<dyn Held>> {
        Some(Box::new(Self(tags(config))))
    }
}

impl Held for Tags {
    fn check(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        let tags = namespace(token)?.member(PRINCIPAL_TAGS);
        self.0.iter().try_for_each(|(name, expected)| {
            let tag = tags.as_ref().and_then(|tags| tags.member(name)?.as_text());
            if tag.as_deref() == Some(expected) {
                return Ok(());
            }
            let found = tag.as_deref().unwrap_or("(none)");
            let fix = "tag the role that the job runs as, or change the publisher's `principal_tags`";
            let tag = format!("{PRINCIPAL_TAGS}.{}", shown(name));
            Err(Mismatch::new(refused(codes::AWS_TAGS, &tag, found, expected, fix)))
        })
    }

    fn describe(&self) -> Option<String> {
        let tags = self.0.iter().map(|(name, value)| format!("tag {} {}", shown(name), shown(value)));
        Some(tags.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())
    }
}

/// The object with AWS's own claims.
fn namespace<'t>(token: &Token<'t>) -> Result<ClaimValue<'t>, Mismatch> {
    token.claims.get(NAMESPACE).filter(ClaimValue::is_object).ok_or_else(|| {
        let problem = format!("claim `{NAMESPACE}` is missing from the identity token, or is no object");
        let fix = "every token of AWS should have it; look for an update of the platform";
        let target = Target::Claim(NAMESPACE.to_owned());
        Mismatch::new(Diagnosis::new(oidc_core::codes::CLAIM_MISSING, target, problem).fix(fix))
    })
}

/// The text of a member of [`NAMESPACE`].
fn text<'t>(own: &ClaimValue<'t>, member: &str, what: &str) -> Result<Cow<'t, str>, Mismatch> {
    own.member(member).and_then(|value| value.as_text()).filter(|text| !text.is_empty()).ok_or_else(|| {
        let problem = format!("claim `{NAMESPACE}` has no text `{member}` in it");
        let fix = format!("publish from a job whose token names its {what}, or take it out of the publisher");
        let target = Target::Claim(NAMESPACE.to_owned());
        Mismatch::new(Diagnosis::new(oidc_core::codes::CLAIM_MISSING, target, problem).fix(fix))
    })
}

/// The refusal of a member of [`NAMESPACE`].
fn refused(code: &'static str, member: &str, found: &str, expected: &str, fix: &str) -> Diagnosis {
    let problem = format!("`{member}` in claim `{NAMESPACE}` is not the publisher's");
    let diagnosis = Diagnosis::new(code, Target::Claim(NAMESPACE.to_owned()), problem);
    diagnosis.found(found).expected(expected).fix(fix)
}

/// The number of the account in a role's ARN: `arn:PARTITION:iam::ACCOUNT:role/NAME`.
pub(super) fn account_of(role: &str) -> Option<&str> {
    let (partition, rest) = role.strip_prefix("arn:")?.split_once(':')?;
    // An ARN of IAM has no region.
    let (account, name) = rest.strip_prefix("iam::")?.split_once(":role/")?;
    let is_partition = partition == "aws" || partition.starts_with("aws-");
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&byte);
    let is_name = !name.is_empty() && name.bytes().all(is_plain);
    let is_number = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (is_partition && is_name && is_number).then_some(account)
}

/// Checks a role's ARN.
fn is_role(key: &str, text: &str) -> Result<(), Fault> {
    names::ascii(key, text)?;
    if account_of(text).is_some() {
        return Ok(());
    }
    let fix = if text.contains(":assumed-role/") {
        "write the role's own ARN, `arn:aws:iam::ACCOUNT:role/NAME`, and not that of a session"
    } else {
        "write the role's ARN, such as `arn:aws:iam::123456789012:role/publisher`"
    };
    Err(invalid(codes::PUBLISHER_ROLE, key, "it is not the ARN of a role").found(text).fix(fix))
}

/// Reads the tags of a configuration.
fn tags(config: &mut Config<'_>) -> Vec<(String, String)> {
    let Some(value) = config.value(TAGS.key) else { return Vec::new() };
    let read = |(name, value): (&String, &Value)| {
        let text = value.as_str().filter(|text| is_tag(name) && is_tag(text))?;
        Some((name.clone(), text.to_owned()))
    };
    let table = value.as_object().filter(|table| (1..=MAX_TAGS).contains(&table.len()));
    match table.and_then(|table| table.iter().map(read).collect()) {
        Some(tags) => tags,
        None => {
            let problem = "it is not a table of 1 to 32 tags, each with one text";
            let fault = invalid(oidc_core::codes::PUBLISHER_TYPE, TAGS.key, problem).found(value.to_string());
            config.note::<()>(Err(fault.fix("write it as `{ project = \"widget\" }`, or leave it out")));
            Vec::new()
        }
    }
}

/// Returns `true` if a text can be the name or the value of a tag.
fn is_tag(text: &str) -> bool {
    (1..=MAX_TAG).contains(&text.len()) && text.trim() == text && names::is_visible(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_an_arn_with_the_accounts_number() {
        for (text, expected) in [
            ("arn:aws:iam::123456789012:role/publisher", Some("123456789012")),
            ("arn:aws-cn:iam::123456789012:role/service-role/publisher", Some("123456789012")),
            ("arn:aws:sts::123456789012:assumed-role/publisher/session", None),
            ("arn:aws:iam::123456789012:user/alice", None),
            ("arn:aws:iam::123456789012:role/", None),
            ("arn:aws:iam::123456789012:role/a b", None),
            ("arn:aws:iam::12345678901:role/publisher", None),
            ("arn:awsx:iam::123456789012:role/publisher", None),
            ("arn:aws:iam:eu:123456789012:role/publisher", None),
            ("arn:aws:iam::123456789012:role/a:b", None),
            ("", None),
        ] {
            assert_eq!(account_of(text), expected, "{text}");
        }
    }
}
