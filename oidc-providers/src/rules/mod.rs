//! The common part of the platforms' publishers: reading a configuration, comparing claims, and explaining a
//! mismatch.

pub(crate) mod called;
pub(crate) mod claim;
pub(crate) mod compared;
pub(crate) mod config;
pub(crate) mod configured;
pub(crate) mod events;
pub(crate) mod fields;
pub(crate) mod glob;
pub(crate) mod held;
pub(crate) mod link;
pub(crate) mod names;
pub(crate) mod paths;
pub(crate) mod rule;
mod several;
pub(crate) mod table;
pub(crate) mod token;
pub(crate) mod typed;
pub(crate) mod workflow;

use oidc_core::{ComparedCase, FieldComparison, PublisherField, RegistryRules};

use self::compared::Compared;

/// One field of a publisher, with its claim and its comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// The public description of the field.
    pub(crate) of: PublisherField,
    /// The key in a publisher's configuration.
    pub(crate) key: &'static str,
    /// The claim.
    pub(crate) claim: &'static str,
    /// The code of the mismatch.
    pub(crate) code: &'static str,
    /// The casing rule. ASCII case is the only case that is ever ignored.
    casing: Casing,
}

impl Field {
    /// A field of a platform's table, with the code of its mismatch.
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

    /// The same field, compared with another claim.
    pub(crate) const fn on(mut self, claim: &'static str, code: &'static str) -> Self {
        self.claim = claim;
        self.code = code;
        self
    }

    /// The same field of a publisher for several of what it names: a pattern, which may be left out.
    pub(crate) const fn for_several(
        mut self,
        title: &'static str,
        example: &'static str,
        summary: &'static str,
    ) -> Self {
        self.of.required = false;
        self.of.found_by = false;
        self.of = self.of.compared(FieldComparison::Pattern).specificity(1).recommended().example(example);
        self.of.title = title;
        self.of.summary = summary;
        self
    }

    /// Returns the title as it is written within a sentence.
    pub(crate) fn name(&self) -> String {
        within_sentence(self.of.title)
    }
}

/// A title as it is written within a sentence: a word that is not an abbreviation begins with a small letter.
pub(crate) fn within_sentence(title: &str) -> String {
    let mut letters = title.chars();
    let first = letters.next();
    // Two capital letters at the beginning are an abbreviation, such as `CI`.
    let is_word = !letters.clone().next().is_some_and(char::is_uppercase);
    let first = first.map(|letter| if is_word { letter.to_ascii_lowercase() } else { letter });
    first.into_iter().chain(letters).collect()
}

/// A field's casing rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Casing {
    /// Byte by byte.
    Exact,
    /// `A` to `Z` are equal to `a` to `z`, and all other characters only to themselves.
    IgnoreAscii,
}

/// The comparison of a provider: that of each field and of this project, or that of a public registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    case: ComparedCase,
    /// The workflow that is compared.
    pub(crate) workflow: Compared,
}

impl From<RegistryRules> for Comparison {
    fn from(rules: RegistryRules) -> Self {
        Self { case: rules.case, workflow: rules.workflow.into() }
    }
}

impl Comparison {
    /// Byte by byte for all fields, as npm compares.
    pub(crate) const EXACT: Self = Self { case: ComparedCase::Exact, workflow: Compared::OWN };

    /// The same comparison of letters, with the workflow that this project compares.
    pub(crate) fn with_own_workflow(self) -> Self {
        Self { workflow: Compared::OWN, ..self }
    }

    /// Returns `true` if two whole values of a field are equal.
    pub(crate) fn same(self, field: &Field, left: &str, right: &str) -> bool {
        match self.casing(field) {
            Casing::Exact => left == right,
            Casing::IgnoreAscii => left.eq_ignore_ascii_case(right),
        }
    }

    /// Returns the form of a value that is used for look-ups, which is the same for equal values.
    pub(crate) fn key(self, field: &Field, value: &str) -> String {
        match self.casing(field) {
            Casing::Exact => value.to_owned(),
            Casing::IgnoreAscii => value.to_ascii_lowercase(),
        }
    }

    fn casing(self, field: &Field) -> Casing {
        match self.case {
            ComparedCase::Exact => Casing::Exact,
            ComparedCase::ExactNames if field.of.found_by => Casing::Exact,
            ComparedCase::Ignored => Casing::IgnoreAscii,
            _ => field.casing,
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
        let per_field = Comparison::default();
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
    fn a_registry_may_look_names_up_exactly_and_treat_other_fields_as_the_platform_does() {
        let environment =
            PublisherField::optional("environment", "Environment").compared(FieldComparison::IgnoringCase);
        let environment = Field::new("code", environment);
        let repository = Field { of: ANY.of.found_by(), ..ANY };
        let rules = RegistryRules::default().case(ComparedCase::ExactNames);
        let comparison = Comparison::from(rules);
        assert!(!comparison.same(&repository, "Acme/Widget", "acme/widget"));
        assert!(comparison.same(&repository, "Acme/Widget", "Acme/Widget"));
        assert!(comparison.same(&environment, "Release", "release"));
        assert!(!comparison.same(&EXACT, "publish.yml", "Publish.yml"));
        assert!(Comparison::default().same(&repository, "Acme/Widget", "acme/widget"));
    }

    #[test]
    fn exact_comparison_knows_no_case_at_all() {
        assert!(Comparison::EXACT.same(&ANY, "Acme/Widget", "Acme/Widget"));
        assert!(!Comparison::EXACT.same(&ANY, "Acme/Widget", "acme/widget"));
        assert_eq!(Comparison::EXACT.key(&ANY, "Acme/Widget"), "Acme/Widget");
    }
}
