//! The form of an extension's value, by which it is written from claims and read back into them.

use oidc_core::Claims;
use serde::Serializer as _;

use crate::extension::Extension;

/// A row of a platform's table.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) extension: Extension,
    pub(super) template: &'static [Part],
}

/// A part of an extension's value.
#[derive(Debug)]
pub(super) enum Part {
    /// The address of the platform's pages.
    Server,
    /// The same text in every certificate.
    Literal(&'static str),
    /// The text of a claim.
    Claim(&'static str),
    /// The full name of a ref, from `ref` and `ref_type`, as Fulcio makes it for GitLab.
    GitRef,
}

/// The claims that were read from a certificate so far, each once.
#[derive(Debug, Default)]
pub(super) struct Known<'v>(Vec<(&'static str, &'v str)>);

impl<'v> Known<'v> {
    fn get(&self, name: &str) -> Option<&'v str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    pub(super) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut json = Vec::with_capacity(1024);
        serde_json::Serializer::new(&mut json).collect_map(self.0.iter().copied())?;
        Ok(json)
    }
}

/// The kinds of refs in `ref_type`, and the beginnings of their full names.
const REFS: [(&str, &str); 2] = [("branch", "refs/heads/"), ("tag", "refs/tags/")];

impl Part {
    pub(super) fn tells(&self, name: &str) -> bool {
        match self {
            Self::Claim(claim) => *claim == name,
            Self::GitRef => matches!(name, "ref" | "ref_type" | "ref_path"),
            Self::Server | Self::Literal(_) => false,
        }
    }
}

impl Row {
    /// The extension's value for a token; `None` where the token lacks a claim of it.
    pub(super) fn write(&self, server: &str, claims: &Claims) -> Option<String> {
        let text = |name: &str| claims.text(name).filter(|text| !text.is_empty());
        let mut value = String::new();
        for part in self.template {
            match part {
                Part::Server => value.push_str(server),
                Part::Literal(literal) => value.push_str(literal),
                Part::Claim(name) => value.push_str(&text(name)?),
                Part::GitRef => {
                    let kind = text("ref_type")?;
                    let (_, beginning) = REFS.iter().find(|(known, _)| *known == kind)?;
                    value.push_str(beginning);
                    value.push_str(&text("ref")?);
                }
            }
        }
        Some(value)
    }

    /// Reads the claims out of an extension's value; `None` where it has another form, or a claim that is known
    /// already has another value here.
    pub(super) fn read<'v>(&self, server: &str, value: &'v str, known: &mut Known<'v>) -> Option<()> {
        let mut rest = value;
        let mut parts = self.template.iter().peekable();
        while let Some(part) = parts.next() {
            rest = match part {
                Part::Server => rest.strip_prefix(server)?,
                Part::Literal(literal) => rest.strip_prefix(literal)?,
                Part::GitRef => read_ref(rest, known)?,
                Part::Claim(name) => match known.get(name) {
                    Some(text) => rest.strip_prefix(text)?,
                    None => {
                        let end = match parts.peek() {
                            Some(Part::Literal(literal)) => rest.find(literal)?,
                            _ => rest.len(),
                        };
                        let (text, after) = rest.split_at_checked(end)?;
                        known.0.push((name, text));
                        after
                    }
                },
            };
        }
        rest.is_empty().then_some(())
    }
}

fn read_ref<'v>(full: &'v str, known: &mut Known<'v>) -> Option<&'v str> {
    let (kind, name) =
        REFS.iter().find_map(|(kind, beginning)| Some((*kind, full.strip_prefix(beginning)?)))?;
    known.0.extend([("ref_path", full), ("ref_type", kind), ("ref", name)]);
    Some("")
}
