use oidc_core::http::Response;
use oidc_core::{Diagnosis, Secret, shown};
use serde::{Deserialize, Serialize};

/// A code may have this many characters.
const MAX_CODE: usize = 64;
/// A sentence is kept up to this many characters.
const MAX_SENTENCE: usize = 2048;

/// What a registry says of its refusal in a form for programs, beside the words for people: the member `diagnosis` of
/// its answer, as this crate's own endpoints write it. Nothing in it is believed but that the registry said so, and all of it
/// is fit to be shown.
#[derive(Debug, Deserialize)]
pub(super) struct Told {
    code: String,
    subject: Option<ToldSubject>,
    /// What is wrong.
    pub(super) problem: Option<String>,
    found: Option<String>,
    expected: Option<String>,
    fix: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ToldSubject {
    kind: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    diagnosis: Told,
}

/// Why a registry refused, as it says for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RegistryReason {
    /// A stable name, such as `github-workflow`: lower-case letters, digits and `-`.
    pub code: String,
    /// What was looked at: the claim's or the field's name, or else what kind of thing it was. Foreign text, fit to be shown.
    pub subject: Option<String>,
}

impl Told {
    /// What the answer holds of it, unless that repeats the token that the registry was asked with.
    pub(super) fn read(answer: &Response, token: &Secret) -> Option<Self> {
        let Refused { diagnosis } = answer.json()?;
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let code = &diagnosis.code;
        let is_code = (1..=MAX_CODE).contains(&code.len()) && code.bytes().all(is_part);
        let is_usable = is_code && !diagnosis.texts().any(|text| token.is_in(text));
        is_usable.then(|| diagnosis.escaped())
    }

    /// Everything that the registry chose freely.
    fn texts(&self) -> impl Iterator<Item = &str> {
        let subject = self.subject.iter().flat_map(|subject| [Some(&subject.kind), subject.name.as_ref()]);
        let rest = [&self.problem, &self.found, &self.expected, &self.fix].map(Option::as_ref);
        subject.chain(rest).flatten().map(String::as_str)
    }

    fn escaped(self) -> Self {
        let value = |text: String| shown(&text).to_string();
        let sentence = |text: String| shown(&text).up_to(MAX_SENTENCE).to_string();
        let subject = |told: ToldSubject| ToldSubject { kind: value(told.kind), name: told.name.map(value) };
        Self {
            code: self.code,
            subject: self.subject.map(subject),
            problem: self.problem.map(sentence),
            found: self.found.map(value),
            expected: self.expected.map(value),
            fix: self.fix.map(sentence),
        }
    }

    /// Code and subject.
    pub(super) fn reason(&self) -> RegistryReason {
        let subject = self.subject.as_ref();
        let subject = subject.map(|subject| subject.name.clone().unwrap_or_else(|| subject.kind.clone()));
        RegistryReason { code: self.code.clone(), subject }
    }

    /// A diagnosis with the evidence and the advice that the registry gave.
    pub(super) fn explain(self, diagnosis: Diagnosis) -> Diagnosis {
        let mut explained = diagnosis;
        explained.found = self.found;
        explained.expected = self.expected;
        explained.fix = self.fix;
        explained
    }
}
