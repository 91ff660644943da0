//! The condition of a dependency, read by its grammar (packaging.python.org, "Dependency specifiers"): one that installers can't
//! read makes them pass over the version or fail.

use serde_json::Value;

/// The variables of a condition, by today's names and by older ones.
const VARIABLES: [&str; 20] = [
    "python_version",
    "python_full_version",
    "os_name",
    "sys_platform",
    "platform_release",
    "platform_system",
    "platform_version",
    "platform_machine",
    "platform_python_implementation",
    "implementation_name",
    "implementation_version",
    "extra",
    "extras",
    "dependency_groups",
    "os.name",
    "sys.platform",
    "platform.version",
    "platform.machine",
    "platform.python_implementation",
    "python_implementation",
];
/// The operators that compare two values, the longer ones before their beginnings.
const OPERATORS: [&str; 8] = ["===", "==", "~=", "!=", "<=", ">=", "<", ">"];

/// A condition without what makes no difference: the space around its words, and the kind of its quotes.
pub(super) fn condition(marker: &str) -> Option<String> {
    let (mut words, mut depth) = (Words(marker), 0_usize);
    let mut written = Vec::new();
    loop {
        let mut operand = words.next()?;
        while operand == "(" {
            depth = depth.checked_add(1)?;
            written.push(operand);
            operand = words.next()?;
        }
        written.extend([value(operand)?, words.operator()?, value(words.next()?)?]);
        let mut after = words.next();
        while after.as_deref() == Some(")") {
            depth = depth.checked_sub(1)?;
            written.extend(after);
            after = words.next();
        }
        match after {
            Some(word) if word == "and" || word == "or" => written.push(word),
            None if depth == 0 && words.0.trim().is_empty() => return Some(written.join(" ")),
            _ => return None,
        }
    }
}

fn value(word: String) -> Option<String> {
    (word.starts_with('"') || VARIABLES.contains(&word.as_str())).then_some(word)
}

/// The words of a condition, texts as JSON has them.
struct Words<'a>(&'a str);

impl Words<'_> {
    fn next(&mut self) -> Option<String> {
        let text = self.0.trim_start();
        let first = text.chars().next()?;
        let (word, rest) = match first {
            '\'' | '"' => {
                let (inside, rest) = text.get(1..)?.split_once(first)?;
                let is_plain = !inside.contains(char::is_control);
                (is_plain.then(|| Value::from(inside).to_string())?, rest)
            }
            '(' | ')' => (first.to_string(), text.get(1..)?),
            _ => {
                let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
                let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
                let (word, rest) = text.split_at_checked(end)?;
                (word.to_owned(), rest)
            }
        };
        self.0 = rest;
        Some(word)
    }

    fn operator(&mut self) -> Option<String> {
        let text = self.0.trim_start();
        if let Some(operator) = OPERATORS.iter().find(|operator| text.starts_with(**operator)) {
            self.0 = text.get(operator.len()..)?;
            return Some((*operator).to_owned());
        }
        match self.next()?.as_str() {
            "in" => Some("in".to_owned()),
            "not" if self.next()? == "in" => Some("not in".to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_condition_are_the_same() {
        for (one, other) in [
            ("python_version<'3.9'", " python_version  <\t\"3.9\" "),
            (
                "extra=='a'and(os_name=='b'or'c'in sys_platform)",
                "extra == 'a' and ( os_name == 'b' or 'c' in sys_platform )",
            ),
            ("'a'not  in extra", "\"a\" not in extra"),
        ] {
            assert!(condition(one).is_some(), "{one}");
            assert_eq!(condition(one), condition(other), "{one}");
        }
        for (one, other) in [
            ("extra == 'x y'", "extra == 'xy'"),
            ("extra == 'x'", "extra == '\"x'"),
            ("extra == 'a\\\\'", "extra == 'a'"),
            (
                "(extra == 'a' or extra == 'b') and os_name == 'c'",
                "extra == 'a' or extra == 'b' and os_name == 'c'",
            ),
        ] {
            assert_ne!(condition(one).unwrap(), condition(other).unwrap(), "{one}");
        }
    }

    #[test]
    fn what_is_no_condition_is_none() {
        let deep = format!("{}extra == 'a'", "(".repeat(100_000));
        for text in [
            "",
            "extra",
            "extra ==",
            "extra == 'x",
            "extra = 'x'",
            "extra == x",
            "colour == 'x'",
            "extra == 'x' extra == 'y'",
            "extra == 'x' and",
            "and extra == 'x'",
            "(extra == 'x'",
            "extra == 'x')",
            "()",
            "extra not 'x'",
            "extra notin 'x'",
            "extra == 'a\u{7}'",
            "extra == 'x'; os_name == 'y'",
            "éxtra == 'x'",
            &deep,
        ] {
            assert_eq!(condition(text), None, "{text:.40}");
        }
        let closed = format!("{deep}{}", ")".repeat(100_000));
        assert!(condition(&closed).is_some());
    }
}
