use oidc_core::{
    ClaimValue, Claims, Diagnosis, FieldValue, Identity, InvalidPublisher, Match, Mismatch, Publisher,
    Target, Unverified, Verified, shown,
};
use serde_json::{Value, json};

use super::fields::{CLAIMS, FIELDS, FOUND_BY};
use crate::codes;
use crate::rules::Comparison;
use crate::rules::config::{Config, Fault, invalid};
use crate::rules::token::Token;

/// The number from which on JSON numbers are not read alike by all parsers (RFC 8259, section 6).
const TOO_BIG: u64 = 1 << 53;

/// The limit on the number of claims, and on the number of values of one claim.
const MAX_RULES: usize = 32;

/// The limit on a text, in bytes.
const MAX_TEXT: usize = 1024;

/// The claim that a publisher is found by if its configuration names none.
const SUBJECT: &str = "sub";

/// The separator between the claim and its value in an identity's key. The name of a claim that a publisher
/// is found by never contains it.
const IS: char = '=';

/// The claims that a token must have.
#[derive(Debug)]
pub(super) struct Rules {
    issuer: String,
    /// The claim that tells the issuer's tenants apart, and its only value.
    found_by: (String, String),
    rules: Vec<Rule>,
}

/// A claim and the values that it may have.
#[derive(Debug)]
struct Rule {
    claim: String,
    values: Vec<Expected>,
}

/// A value, by its type.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Text(String),
    Number(u64),
    Flag(bool),
}

impl Rules {
    pub(super) fn read(issuer: &str, config: &Value) -> Result<Self, InvalidPublisher> {
        let mut config = Config::new(config, FIELDS);
        let claim = match config.value(FOUND_BY.key) {
            None => Some(SUBJECT.to_owned()),
            Some(_) => config.text(&FOUND_BY, is_telling),
        };
        let rules = rules(&mut config);
        // A missing rule for that claim is reported only where the rules themselves are valid.
        let value = match (&claim, &rules) {
            (Some(claim), Some(rules)) => config.note(found_by(claim, rules)),
            _ => None,
        };
        let found_by = (claim.unwrap_or_default(), value.unwrap_or_default());
        config.finish(Self { issuer: issuer.to_owned(), found_by, rules: rules.unwrap_or_default() })
    }

    /// Compares a token of the right issuer with every rule. The claim that the publisher is found by is
    /// compared first, and a token with another value there is a stranger's.
    fn hold(&self, claims: &Claims) -> Result<(), Mismatch> {
        let (own, others): (Vec<&Rule>, Vec<&Rule>) =
            self.rules.iter().partition(|rule| rule.claim == self.found_by.0);
        own.iter()
            .try_for_each(|rule| rule.check(claims))
            .map_err(|mismatch| Mismatch::stranger(mismatch.diagnosis().clone()))?;
        others.iter().try_for_each(|rule| rule.check(claims))
    }
}

impl Publisher for Rules {
    fn identity(&self) -> Identity {
        let (claim, value) = &self.found_by;
        identity(&self.issuer, claim, value)
    }

    fn check(&self, claims: &Verified<Claims>) -> Result<Match, Mismatch> {
        Token { claims, comparison: Comparison::Exact }.is_from(&self.issuer)?;
        self.hold(claims)?;
        let specificity = u32::try_from(self.rules.len()).unwrap_or(u32::MAX);
        Ok(Match::new(specificity, Vec::new()))
    }

    fn explain(&self, claims: &Unverified<Claims>) -> Option<Mismatch> {
        self.hold(claims.read_unverified()).err()
    }

    fn describe(&self) -> String {
        let names = self.rules.iter().map(|rule| shown(&rule.claim).to_string());
        format!("rules on {}", names.collect::<Vec<_>>().join(", "))
    }
}

impl Rule {
    /// Compares a token with the rule. The mismatch leaves out the expected value, since every holder of a
    /// token of the issuer could ask for it.
    fn check(&self, claims: &Claims) -> Result<(), Mismatch> {
        let refuse = |code, problem: &str| {
            let problem = format!("claim `{}` {problem}", shown(&self.claim));
            Diagnosis::new(code, Target::Claim(self.claim.clone()), problem)
                .fix("compare the token's claims with the publisher's `claims`")
        };
        let Some(value) = claims.get(&self.claim) else {
            return Err(Mismatch::new(refuse(
                codes::GENERIC_CLAIM_MISSING,
                "is missing from the identity token",
            )));
        };
        if self.values.iter().any(|expected| expected.is(&value)) {
            return Ok(());
        }
        let problem = "has no value that the publisher names, or is of another type";
        Err(Mismatch::new(refuse(codes::GENERIC_CLAIM, problem).found(value.raw())))
    }
}

impl Expected {
    fn read(key: &str, value: &Value) -> Result<Self, Fault> {
        let refuse = |problem: &str, fix: &str| {
            Err(invalid(codes::PUBLISHER_CLAIM, key, problem).found(value.to_string()).fix(fix))
        };
        match value {
            Value::String(text) if text.is_empty() || text.len() > MAX_TEXT => {
                refuse("a text here has 1 to 1024 bytes", "write the claim's whole value")
            }
            Value::String(text) if !is_visible(text) => {
                refuse(INVISIBLE, "write the value as it is seen, or name another claim")
            }
            Value::String(text) => Ok(Self::Text(text.clone())),
            Value::Bool(flag) => Ok(Self::Flag(*flag)),
            Value::Number(number) => match number.as_u64().filter(|number| *number < TOO_BIG) {
                Some(number) => Ok(Self::Number(number)),
                None => refuse(
                    "a number here is whole, not negative and below 2^53",
                    "name a claim that is a text instead",
                ),
            },
            Value::Null | Value::Array(_) | Value::Object(_) => {
                refuse("it can't be compared", "write a text, a whole number, `true` or `false`")
            }
        }
    }

    fn is(&self, value: &ClaimValue<'_>) -> bool {
        match self {
            Self::Text(expected) => value.as_text().is_some_and(|text| text == *expected),
            Self::Number(expected) => value.as_u64() == Some(*expected),
            Self::Flag(expected) => value.as_bool() == Some(*expected),
        }
    }
}

/// The identity of an issuer's tokens in which this claim has this value.
fn identity(issuer: &str, claim: &str, value: &str) -> Identity {
    Identity::new(issuer, format!("{claim}{IS}{value}"))
}

/// Every identity of a token: one for each of its claims that a publisher may be found by, `sub` first.
pub(super) fn identities(issuer: &str, claims: &Claims) -> Vec<Identity> {
    let mut names: Vec<&str> = claims.iter().map(|(name, _)| name).filter(|name| tells(name)).collect();
    // The first identity is the one that messages name.
    names.sort_by_key(|name| *name != SUBJECT);
    let of = |name: &str| {
        let value = claims.get(name)?.as_text().filter(|text| (1..=MAX_TEXT).contains(&text.len()))?;
        Some(identity(issuer, name, &value))
    };
    names.into_iter().filter_map(of).collect()
}

/// The settings of a publisher that is found by the token's subject, without rules on other claims, whose
/// meaning is not known here.
pub(super) fn settings(claims: &Claims) -> Vec<FieldValue> {
    let subject = claims.text(SUBJECT).filter(|text| (1..=MAX_TEXT).contains(&text.len()));
    let rules = subject.map(|subject| json!({ SUBJECT: subject }));
    vec![FieldValue::new(&CLAIMS.of, rules).claim(SUBJECT)]
}

/// Returns `true` if a publisher may be found by a claim of this name.
fn tells(claim: &str) -> bool {
    !matches!(claim, "" | "iss" | "aud" | "exp" | "iat" | "nbf" | "jti") && !claim.contains(IS)
}

/// Checks that a publisher may be found by the claim that a configuration names.
fn is_telling(key: &str, claim: &str) -> Result<(), Fault> {
    if tells(claim) {
        return Ok(());
    }
    let fault = invalid(codes::PUBLISHER_FOUND_BY, key, "no publisher is found by this claim").found(claim);
    Err(fault.fix("name a claim that tells the issuer's tenants apart, such as `sub`"))
}

/// The only value that the rules allow for the claim that the publisher is found by.
fn found_by(claim: &str, rules: &[Rule]) -> Result<String, Fault> {
    let rule = rules.iter().find(|rule| rule.claim == claim);
    match rule.map(|rule| rule.values.as_slice()) {
        Some([Expected::Text(value)]) => Ok(value.clone()),
        other => {
            let problem = "a publisher needs a rule with one text on the claim that it is found by";
            let found = if other.is_none() { "no rule" } else { "a rule with another or several values" };
            let fix = format!(
                "write `{}` with one text among `{}`, or name with `{}` another claim that tells the issuer's tenants apart",
                shown(claim),
                CLAIMS.key,
                FOUND_BY.key,
            );
            Err(invalid(codes::PUBLISHER_FOUND_BY, FOUND_BY.key, problem).found(found).fix(fix))
        }
    }
}

/// Reads the rules of a configuration; `None` where there are none, or a fault was noted.
fn rules(config: &mut Config<'_>) -> Option<Vec<Rule>> {
    let claims = match config.value(CLAIMS.key)? {
        Value::Object(claims) if (1..=MAX_RULES).contains(&claims.len()) => claims,
        other => return config.note(Err(no_rules(other))),
    };
    let rules: Vec<Rule> =
        claims.iter().filter_map(|(claim, value)| config.note(rule(claim, value))).collect();
    // If a faulty rule were only left out, `found_by` might report it as missing.
    (rules.len() == claims.len()).then_some(rules)
}

/// The problem of a text that is not [visible](is_visible).
const INVISIBLE: &str = "it holds control characters or invisible ones";

/// Returns `true` if a text has only visible characters; some databases store no others.
fn is_visible(text: &str) -> bool {
    // The limit is raised, since a long text is not an invisible one and would be cut.
    shown(text).up_to(text.len()).to_string() == text
}

fn rule(claim: &str, value: &Value) -> Result<Rule, Fault> {
    let key = format!("{}.{claim}", CLAIMS.key);
    if matches!(claim, "" | "iss" | "aud" | "exp" | "iat" | "nbf") {
        let fault = invalid(codes::PUBLISHER_CLAIM, &key, "it tells no publisher from another");
        return Err(fault.fix("name a claim that says who publishes"));
    }
    if !is_visible(claim) {
        let fault = invalid(codes::PUBLISHER_CLAIM, &key, INVISIBLE).found(claim);
        return Err(fault.fix("write the claim's name as it is seen"));
    }
    let values = match value {
        Value::Array(values) if (1..=MAX_RULES).contains(&values.len()) => values.as_slice(),
        Value::Array(_) => {
            let fault = invalid(codes::PUBLISHER_CLAIM, &key, "an array here has 1 to 32 values");
            return Err(fault.fix("leave the claim out if every value will do"));
        }
        value => std::slice::from_ref(value),
    };
    let values = values.iter().map(|value| Expected::read(&key, value)).collect::<Result<_, _>>()?;
    Ok(Rule { claim: claim.to_owned(), values })
}

fn no_rules(found: &Value) -> Fault {
    let problem = "a publisher needs rules: 1 to 32 claims with the values that they must have";
    let fix =
        "name the claims that say who publishes, such as `sub` with `system:serviceaccount:acme:publisher`";
    invalid(codes::PUBLISHER_NO_RULES, CLAIMS.key, problem).found(found.to_string()).fix(fix)
}
