use oidc_core::{
    Claims, FieldValue, Identity, InvalidPublisher, Match, Mismatch, Publisher, Unverified, Verified, shown,
};
use serde_json::{Value, json};

use super::fields::{CLAIMS, FIELDS, FOUND_BY};
use crate::codes;
use crate::rules::Comparison;
use crate::rules::claim::{Expected, MAX_RULES, MAX_TEXT, Rule, Scalar};
use crate::rules::config::{Config, Fault, invalid};
use crate::rules::token::Token;

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
        Token { claims, comparison: Comparison::EXACT }.is_from(&self.issuer)?;
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
    let is_registered = matches!(claim, "" | "iss" | "aud" | "exp" | "iat" | "nbf" | "jti");
    // A name that begins with `/` is a pointer in a configuration, and would be another claim in a token.
    !is_registered && !claim.contains(IS) && !claim.starts_with('/')
}

/// Checks that a publisher may be found by the claim that a configuration names.
fn is_telling(key: &str, claim: &str) -> Result<(), Fault> {
    if tells(claim) {
        return Ok(());
    }
    let fault = invalid(codes::PUBLISHER_FOUND_BY, key, "no publisher is found by this claim").found(claim);
    Err(fault.fix("name a claim of the token itself that tells the issuer's tenants apart, such as `sub`"))
}

/// The only value that the rules allow for the claim that the publisher is found by.
fn found_by(claim: &str, rules: &[Rule]) -> Result<String, Fault> {
    let rule = rules.iter().find(|rule| rule.claim == claim);
    let sole = match rule.map(|rule| &rule.expected) {
        Some(Expected::OneOf(values)) => match values.as_slice() {
            [Scalar::Text(value)] => Some(value.clone()),
            _ => None,
        },
        _ => None,
    };
    sole.ok_or_else(|| {
        let problem = "a publisher needs a rule with one text on the claim that it is found by";
        let found = if rule.is_none() { "no rule" } else { "a rule with another or several values" };
        let fix = format!(
            "write `{}` with one text among `{}`, or name with `{}` another claim that tells the issuer's tenants apart",
            shown(claim),
            CLAIMS.key,
            FOUND_BY.key,
        );
        invalid(codes::PUBLISHER_FOUND_BY, FOUND_BY.key, problem).found(found).fix(fix)
    })
}

/// Reads the rules of a configuration; `None` where there are none, or a fault was noted.
fn rules(config: &mut Config<'_>) -> Option<Vec<Rule>> {
    let claims = match config.value(CLAIMS.key)? {
        Value::Object(claims) if (1..=MAX_RULES).contains(&claims.len()) => claims,
        other => return config.note(Err(no_rules(other))),
    };
    let rules: Vec<Rule> =
        claims.iter().filter_map(|(claim, value)| config.note(Rule::read(&CLAIMS, claim, value))).collect();
    // If a faulty rule were only left out, `found_by` might report it as missing.
    (rules.len() == claims.len()).then_some(rules)
}

fn no_rules(found: &Value) -> Fault {
    let problem = "a publisher needs rules: 1 to 32 claims with the values that they must have";
    let fix =
        "name the claims that say who publishes, such as `sub` with `system:serviceaccount:acme:publisher`";
    invalid(codes::PUBLISHER_NO_RULES, CLAIMS.key, problem).found(found.to_string()).fix(fix)
}
