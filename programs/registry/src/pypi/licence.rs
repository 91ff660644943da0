//! Licence expressions as the public index takes them (packaging.python.org, "License expression"; PEP 639).

use std::collections::BTreeSet;
use std::sync::LazyLock;

use spdx::identifiers::{EXCEPTIONS, LICENSES};

/// Parentheses may stand in each other to this depth, as in Python.
const MAX_DEPTH: usize = 200;
/// The name in the list of SPDX that says nothing.
const NOTHING: &str = "noassertion";
/// The beginning of a name that is not in the list of SPDX.
const OWN: &str = "licenseref-";

/// The names of the SPDX list in lower case, the older ones too.
static NAMES: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let names = LICENSES.iter().map(|licence| licence.name.to_ascii_lowercase());
    names.filter(|name| name != NOTHING).collect()
});
static EXCEPTION_NAMES: LazyLock<BTreeSet<String>> =
    LazyLock::new(|| EXCEPTIONS.iter().map(|exception| exception.name.to_ascii_lowercase()).collect());

/// The place in an expression, by what stands before it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Behind {
    /// An operator, an open parenthesis or nothing: a licence follows.
    Operator,
    Licence,
    With,
    /// An exception or a closed parenthesis.
    End,
}

/// An expression in the form that is the same for all its spellings: in lower case, with one space between its words. `None` for what is
/// none.
pub(super) fn licence(expression: &str) -> Option<String> {
    let text = expression.to_ascii_lowercase().replace('(', " ( ").replace(')', " ) ");
    let (mut behind, mut depth) = (Behind::Operator, 0_usize);
    for word in text.split_whitespace() {
        behind = match (word, behind) {
            ("(", Behind::Operator) if depth < MAX_DEPTH => {
                depth = depth.checked_add(1)?;
                Behind::Operator
            }
            (")", Behind::Licence | Behind::End) => {
                depth = depth.checked_sub(1)?;
                Behind::End
            }
            ("and" | "or", Behind::Licence | Behind::End) => Behind::Operator,
            ("with", Behind::Licence) => Behind::With,
            (name, Behind::Operator) if is_licence(name) => Behind::Licence,
            (name, Behind::With) if EXCEPTION_NAMES.contains(name) => Behind::End,
            _ => return None,
        };
    }
    let is_whole = depth == 0 && matches!(behind, Behind::Licence | Behind::End);
    is_whole.then(|| text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Returns `true` for a licence's name in lower case. One of the list may have a `+` at its end, for later versions too.
fn is_licence(name: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    match name.strip_prefix(OWN) {
        Some(own) => !own.is_empty() && own.chars().all(is_of_name),
        None => NAMES.contains(name.strip_suffix('+').unwrap_or(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_expression_are_the_same() {
        for (one, other) in [
            ("MIT", " mit "),
            ("MIT OR Apache-2.0", "mit  or\tAPACHE-2.0"),
            ("(MIT)", " ( MIT ) "),
            ("GPL-2.0-only WITH Classpath-exception-2.0", "gpl-2.0-ONLY With classpath-Exception-2.0"),
            ("LicenseRef-Acme", "LICENSEREF-acme"),
            ("AGPL-3.0-or-later+", "agpl-3.0-or-later+"),
        ] {
            assert!(licence(one).is_some(), "{one}");
            assert_eq!(licence(one), licence(other), "{one}");
        }
        for (one, other) in [("MIT", "MIT+"), ("MIT OR ISC", "MIT AND ISC"), ("MIT OR ISC", "ISC OR MIT")] {
            assert_ne!(licence(one).unwrap(), licence(other).unwrap(), "{one}");
        }
        let deep = format!("{}MIT{}", "(".repeat(MAX_DEPTH), ")".repeat(MAX_DEPTH));
        assert!(licence(&deep).is_some() && licence(&format!("({deep})")).is_none());
    }

    #[test]
    fn what_is_no_expression_is_none() {
        for text in [
            "",
            "My licence",
            "MIT AND",
            "AND MIT",
            "MIT ISC",
            "MIT OR OR ISC",
            "MIT/ISC",
            "()",
            "(MIT",
            "MIT)",
            "MIT ()",
            "MIT (OR ISC)",
            "NOASSERTION",
            "MIT OR (noassertion+)",
            "NONE",
            "MIT +",
            "MIT++",
            "LicenseRef-",
            "LicenseRef-a_b",
            "LicenseRef-\u{e9}",
            "LicenseRef-a+",
            "DocumentRef-a:LicenseRef-b",
            "MIT WITH",
            "MIT WITH AdditionRef-a",
            "MIT WITH ISC",
            "Classpath-exception-2.0",
            "(GPL-2.0-only) WITH Classpath-exception-2.0",
            "GPL-2.0-only WITH (Classpath-exception-2.0)",
            "GPL-2.0-only WITH Classpath-exception-2.0 WITH LLVM-exception",
        ] {
            assert_eq!(licence(text), None, "{text}");
        }
    }
}
