use oidc_core::http::Response;
use oidc_core::{Diagnosis, Secret, shown};
use serde::{Deserialize, Serialize};

/// The limit on a code, in characters.
const MAX_CODE: usize = 64;
/// The number of characters up to which a sentence is kept.
const MAX_SENTENCE: usize = 2048;

/// A registry's refusal in a form for programs, in addition to the text for people: the member `diagnosis` of
/// the answer, as this crate's own endpoints write it. Its content is not trusted. It is only repeated as the
/// registry's statement, and all of it is escaped.
#[derive(Debug, Deserialize)]
pub(super) struct Rejection {
    code: String,
    subject: Option<RejectedSubject>,
    /// The problem.
    pub(super) problem: Option<String>,
    found: Option<String>,
    expected: Option<String>,
    fix: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RejectedSubject {
    kind: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    diagnosis: Rejection,
}

/// The reason of a registry's refusal, in a form for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RegistryReason {
    /// A stable name, such as `github-workflow`: lower-case letters, digits and `-`.
    pub code: String,
    /// The subject: the name of the claim or field, or else the kind of subject. Foreign text, fit to be
    /// shown.
    pub subject: Option<String>,
}

impl Rejection {
    /// Reads the refusal from an answer, unless it repeats the token that was sent.
    pub(super) fn read(answer: &Response, token: &Secret) -> Option<Self> {
        let Refused { diagnosis } = answer.json()?;
        let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let code = &diagnosis.code;
        let is_code = (1..=MAX_CODE).contains(&code.len()) && code.bytes().all(is_part);
        // A registry that repeats the token could place it in a log; then nothing of its reason is used.
        let is_usable = is_code && !diagnosis.texts().any(|text| token.is_in(text));
        is_usable.then(|| diagnosis.escaped())
    }

    /// Every text that the registry chose freely.
    fn texts(&self) -> impl Iterator<Item = &str> {
        let subject = self.subject.iter().flat_map(|subject| [Some(&subject.kind), subject.name.as_ref()]);
        let rest = [&self.problem, &self.found, &self.expected, &self.fix].map(Option::as_ref);
        subject.chain(rest).flatten().map(String::as_str)
    }

    fn escaped(self) -> Self {
        let value = |text: String| shown(&text).to_string();
        let sentence = |text: String| shown(&text).up_to(MAX_SENTENCE).to_string();
        let subject =
            |told: RejectedSubject| RejectedSubject { kind: value(told.kind), name: told.name.map(value) };
        Self {
            code: self.code,
            subject: self.subject.map(subject),
            problem: self.problem.map(sentence),
            found: self.found.map(value),
            expected: self.expected.map(value),
            fix: self.fix.map(sentence),
        }
    }

    /// Returns the code and the subject.
    pub(super) fn reason(&self) -> RegistryReason {
        let subject = self.subject.as_ref();
        let subject = subject.map(|subject| subject.name.clone().unwrap_or_else(|| subject.kind.clone()));
        RegistryReason { code: self.code.clone(), subject }
    }

    /// Adds the registry's evidence and advice to a diagnosis.
    pub(super) fn explain(self, diagnosis: Diagnosis) -> Diagnosis {
        let mut explained = diagnosis;
        explained.found = self.found;
        explained.expected = self.expected;
        explained.fix = self.fix;
        explained
    }
}
