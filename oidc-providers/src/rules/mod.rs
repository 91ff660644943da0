//! What the platforms' publishers have in common: how a configuration is read, how a claim is compared, and what
//! is said where they differ.

pub(crate) mod config;
pub(crate) mod constraints;
pub(crate) mod exact;
pub(crate) mod glob;
pub(crate) mod link;
pub(crate) mod names;
pub(crate) mod token;
pub(crate) mod typed;

use oidc_core::{ComparedCase, FieldComparison, PublisherField};

/// One field of a publisher, the claim that it is held against, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// What everybody may know of it.
    pub(crate) of: PublisherField,
    /// The key in a publisher's configuration.
    pub(crate) key: &'static str,
    /// The claim.
    pub(crate) claim: &'static str,
    /// The mismatch's stable name.
    pub(crate) code: &'static str,
    /// Whether letters that differ in ASCII case are the same. No other case folding is ever done.
    casing: Casing,
}

impl Field {
    /// A field of a platform's table, with the stable name of its mismatch.
    pub(crate) const fn new(code: &'static str, of: PublisherField) -> Self {
        let claim = match of.claim {
            Some(claim) => claim,
            None => of.key,
        };
        let casing = match of.comparison {
            FieldComparison::IgnoringCase => Casing::IgnoreAscii,
            _ => Casing::Exact,
        };
        Self { of, key: of.key, claim, code, casing }
    }

    /// The same field, held against another claim.
    pub(crate) const fn on(mut self, claim: &'static str, code: &'static str) -> Self {
        self.claim = claim;
        self.code = code;
        self
    }

    /// The title as it stands within a sentence.
    pub(crate) fn name(&self) -> String {
        within_sentence(self.of.title)
    }
}

/// A title as it stands within a sentence: what is no abbreviation begins with a small letter.
pub(crate) fn within_sentence(title: &str) -> String {
    let mut letters = title.chars();
    let first = letters.next();
    let is_word = !letters.clone().next().is_some_and(char::is_uppercase);
    let first = first.map(|letter| if is_word { letter.to_ascii_lowercase() } else { letter });
    first.into_iter().chain(letters).collect()
}

/// A field's casing rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Casing {
    /// Byte by byte.
    Exact,
    /// `A` to `Z` are the same as `a` to `z`, and nothing else is the same as anything else.
    IgnoreAscii,
}

/// How a provider compares: by each field's casing rule, or by one rule throughout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// By each field's rule.
    #[default]
    PerField,
    /// Exactly throughout, as npm does.
    Exact,
    /// Without regard to ASCII case throughout, as nuget.org does.
    IgnoringCase,
}

impl From<ComparedCase> for Comparison {
    fn from(case: ComparedCase) -> Self {
        match case {
            ComparedCase::Exact => Self::Exact,
            ComparedCase::Ignored => Self::IgnoringCase,
            _ => Self::PerField,
        }
    }
}

impl Comparison {
    /// Whether two whole values of a field are the same.
    pub(crate) fn same(self, field: &Field, left: &str, right: &str) -> bool {
        match self.casing(field) {
            Casing::Exact => left == right,
            Casing::IgnoreAscii => left.eq_ignore_ascii_case(right),
        }
    }

    /// The form of a value under which it is looked up: the same for values that are the same.
    pub(crate) fn key(self, field: &Field, value: &str) -> String {
        match self.casing(field) {
            Casing::Exact => value.to_owned(),
            Casing::IgnoreAscii => value.to_ascii_lowercase(),
        }
    }

    fn casing(self, field: &Field) -> Casing {
        match self {
            Self::PerField => field.casing,
            Self::Exact => Casing::Exact,
            Self::IgnoringCase => Casing::IgnoreAscii,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Field = Field::new(
        "code",
        PublisherField::required("repository", "Repository").compared(FieldComparison::IgnoringCase),
    );
    const EXACT: Field =
        Field::new("code", PublisherField::required("workflow", "CI workflow").claim("workflow_ref"));

    #[test]
    fn a_title_within_a_sentence_keeps_its_abbreviation() {
        assert_eq!(ANY.name(), "repository");
        assert_eq!(EXACT.name(), "CI workflow");
    }

    #[test]
    fn only_ascii_case_is_ever_ignored() {
        let per_field = Comparison::PerField;
        assert!(per_field.same(&ANY, "Acme/Widget", "acme/WIDGET"));
        for (left, right) in [
            ("acme/widget", "acme/widget "),
            ("acme/widget", "acme/widge"),
            ("acme/Kit", "acme/\u{212a}it"),
            ("acme/six", "acme/\u{17f}ix"),
            ("acme/istanbul", "acme/\u{130}stanbul"),
            ("acme/strasse", "acme/stra\u{df}e"),
            ("acme/é", "acme/É"),
        ] {
            assert!(!per_field.same(&ANY, left, right), "{left} {right}");
            assert_ne!(per_field.key(&ANY, left), per_field.key(&ANY, right), "{left} {right}");
        }
        assert!(!per_field.same(&EXACT, "publish.yml", "Publish.yml"));
        assert_eq!(per_field.key(&EXACT, "Publish.yml"), "Publish.yml");
    }

    #[test]
    fn exact_comparison_knows_no_case_at_all() {
        assert!(Comparison::Exact.same(&ANY, "Acme/Widget", "Acme/Widget"));
        assert!(!Comparison::Exact.same(&ANY, "Acme/Widget", "acme/widget"));
        assert_eq!(Comparison::Exact.key(&ANY, "Acme/Widget"), "Acme/Widget");
    }
}
