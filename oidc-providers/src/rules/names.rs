//! Names in a publisher's configuration that the platforms share: files, ids, events, environments.

use oidc_core::shown;

use super::config::{Fault, invalid};
use super::link::{is_id, is_uuid};
use crate::codes;

/// Checks a name that the platform gives out only in ASCII.
pub(crate) fn ascii(key: &str, text: &str) -> Result<(), Fault> {
    let Some(other) = text.chars().find(|character| !character.is_ascii()) else { return Ok(()) };
    let problem = format!(
        "`{}` (U+{:04X}) is not an ASCII letter, though it may look like one",
        shown(&other.to_string()),
        u32::from(other)
    );
    Err(invalid(codes::PUBLISHER_LOOK_ALIKE, key, &problem).found(text).fix("type the name in ASCII letters"))
}

/// Returns `true` if a text has only visible characters; some databases store no others.
pub(crate) fn is_visible(text: &str) -> bool {
    // The limit is raised, since a long text is not an invisible one and would be cut.
    shown(text).up_to(text.len()).to_string() == text
}

/// Checks a name of any script, which must not mix scripts: a letter that looks like an ASCII letter among
/// ASCII letters is a typing error or an attack.
pub(crate) fn one_script(key: &str, text: &str) -> Result<(), Fault> {
    let mixed = text.chars().any(|character| character.is_ascii_alphabetic());
    // A name may be all Greek or Cyrillic, but nobody types a compatibility form in a name.
    if mixed && text.chars().any(looks_like_ascii) || text.chars().any(is_compatibility_form) {
        return ascii(key, text);
    }
    Ok(())
}

/// Letters of the scripts that share shapes with Latin: Greek, Cyrillic, Armenian, Cherokee; dotless `i` and
/// long `s`.
fn looks_like_ascii(character: char) -> bool {
    matches!(character, '\u{131}' | '\u{17f}' | '\u{370}'..='\u{58f}' | '\u{13a0}'..='\u{13ff}')
}

/// Characters that are another form of ASCII characters: hyphens, letter-like and mathematical symbols,
/// full-width forms.
fn is_compatibility_form(character: char) -> bool {
    matches!(character, '\u{2010}'..='\u{2015}' | '\u{2044}' | '\u{2100}'..='\u{214f}' | '\u{2212}' | '\u{2215}'
        | '\u{ff01}'..='\u{ff5e}' | '\u{1d400}'..='\u{1d7ff}')
}

/// Checks the name or path of a YAML file, which ends in `.yml` or `.yaml` and has text before it.
pub(crate) fn yaml(key: &str, text: &str) -> Result<(), Fault> {
    let name = text.rsplit('/').next().unwrap_or_default();
    if stem(name).is_some_and(|stem| !stem.is_empty()) {
        return Ok(());
    }
    let fix = if let Some(file) = before_ref(text) {
        format!("write `{}`, without the ref", shown(file))
    } else if stem(name).is_none() && stem(&name.to_ascii_lowercase()).is_some() {
        "write the file's name as it is in the repository, with `.yml` or `.yaml` in lower case".to_owned()
    } else {
        let title = text.trim_matches('/').rsplit('/').next().unwrap_or_default().split('.').next();
        let title = title.filter(|title| !title.is_empty()).unwrap_or("publish");
        format!("write the file's name, not the title in it, such as `{}.yml`", shown(title))
    };
    Err(invalid(codes::PUBLISHER_EXTENSION, key, "it does not end in `.yml` or `.yaml`").found(text).fix(fix))
}

/// The name of a YAML file without its extension.
pub(crate) fn stem(name: &str) -> Option<&str> {
    name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml"))
}

/// The file in `FILE.yml@REF`.
pub(crate) fn before_ref(text: &str) -> Option<&str> {
    let ends = [".yml@", ".yaml@"].iter().filter_map(|at| text.find(at).map(|start| start + at.len() - 1));
    text.get(..ends.min()?)
}

/// Checks an immutable id of digits.
pub(crate) fn id(key: &str, text: &str) -> Result<(), Fault> {
    if is_id(text) {
        return Ok(());
    }
    let fix =
        "write the number that the platform gave it, such as `123456`, or leave it out and let it be learned";
    Err(invalid(codes::PUBLISHER_ID, key, "it is not an id: expected digits alone").found(text).fix(fix))
}

/// Checks an immutable id that is a UUID.
pub(crate) fn uuid(key: &str, text: &str) -> Result<(), Fault> {
    if is_uuid(text) {
        return Ok(());
    }
    let lower = text.to_ascii_lowercase();
    let fix = if is_uuid(&lower) {
        format!("write `{lower}`")
    } else {
        "write the UUID that the platform shows, such as `0184990a-477b-4fa8-9968-496074483cee`".to_owned()
    };
    Err(invalid(codes::PUBLISHER_ID, key, "it is not a UUID in lower case").found(text).fix(fix))
}

/// Checks a name in a web address: lower-case letters, digits and single `-` between them.
pub(crate) fn slug(key: &str, text: &str) -> Result<(), Fault> {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if text.split('-').all(is_part) {
        return Ok(());
    }
    let fix =
        "write it as it stands in the web address: lower-case letters, digits and single `-` between them";
    Err(invalid(codes::PUBLISHER_SLUG, key, "it is not a name as in a web address").found(text).fix(fix))
}

/// Checks a lower-case word with `_` between its parts, such as an event's name.
pub(crate) fn word(key: &str, text: &str) -> Result<(), Fault> {
    if text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
        return Ok(());
    }
    let written = text.to_ascii_lowercase().replace([' ', '-'], "_");
    Err(invalid(codes::PUBLISHER_EVENT, key, "the platform's names are lower-case letters and `_`")
        .found(text)
        .fix(format!("write `{}`", shown(&written))))
}

/// Checks that a text is one of the words that the platform knows.
pub(crate) fn one_of(key: &str, text: &str, known: &[&str]) -> Result<(), Fault> {
    if known.contains(&text) {
        return Ok(());
    }
    let fix =
        format!("write {}", known.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or "));
    Err(invalid(codes::PUBLISHER_VALUE, key, "the platform knows no such value").found(text).fix(fix))
}

/// Checks that the platform allows the characters of an environment's name, at its ends and within.
pub(crate) fn environment(
    key: &str,
    text: &str,
    problem: &str,
    is_allowed: impl Fn(char) -> bool,
    ends: &[char],
) -> Result<(), Fault> {
    let allowed: String = text.chars().filter(|&character| is_allowed(character)).collect();
    let allowed = allowed.trim_matches(ends);
    if allowed == text {
        return one_script(key, text);
    }
    let name = if allowed.is_empty() { "publish" } else { allowed };
    let fix = format!("write the name alone, such as `{}`", shown(name));
    Err(invalid(codes::PUBLISHER_ENVIRONMENT, key, problem).found(text).fix(fix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_name_before_its_extension() {
        for text in ["a.yml", "a.yaml", "a.yml.yml", "a b.yml", "@.yml", ".a.yml", "ci/a.yml", "a.yml@b.yml"]
        {
            assert!(yaml("workflow", text).is_ok(), "{text}");
        }
        for (text, fix) in [
            ("publish", "`publish.yml`"),
            ("Publish to npm", "not the title"),
            ("publish.json", "`publish.yml`"),
            (".yml", "`publish.yml`"),
            ("ci/.yaml", "such as"),
            ("publish.YML", "lower case"),
            ("publish.yml@refs/heads/main", "`publish.yml`, without the ref"),
            ("publish.yaml@v1", "`publish.yaml`, without the ref"),
            ("/slash", "`slash.yml`"),
        ] {
            let error = yaml("workflow", text).unwrap_err();
            assert!(error.to_string().contains(fix), "{error}");
        }
    }

    #[test]
    fn lookalikes_are_refused_and_other_scripts_are_not() {
        for text in ["pro\u{111}a", "produção", "größe", "прод", "本番", "release 🚀"] {
            assert!(one_script("environment", text).is_ok(), "{text}");
        }
        for text in [
            "r\u{435}lease",
            "rel\u{3b5}ase",
            "ｒｅｌ",
            "a\u{2010}b",
            "\u{1d42b}el",
            "\u{212a}it",
            "pub\u{131}ish",
        ] {
            let error = one_script("environment", text).unwrap_err().to_string();
            assert!(error.contains("U+"), "{error}");
        }
        assert!(ascii("repository", "acme/widget").is_ok());
        assert!(ascii("repository", "acme/größe").is_err());
    }

    #[test]
    fn words_ids_and_values_say_what_to_write() {
        assert!(word("event", "workflow_dispatch").is_ok());
        assert!(word("event", "Push").unwrap_err().to_string().contains("`push`"));
        assert!(word("event", "workflow-dispatch").unwrap_err().to_string().contains("`workflow_dispatch`"));
        assert!(id("repository_id", "2").is_ok());
        assert!(id("repository_id", "acme").is_err());
        assert!(uuid("org_id", "0184990a-477b-4fa8-9968-496074483cee").is_ok());
        let error = uuid("org_id", "0184990A-477B-4FA8-9968-496074483CEE").unwrap_err().to_string();
        assert!(error.contains("write `0184990a-"), "{error}");
        assert!(uuid("org_id", "acme").unwrap_err().to_string().contains("that the platform shows"));
        assert!(slug("pipeline_slug", "super-duper-app2").is_ok());
        for text in ["Acme", "acme/app", "-acme", "a--b", "a_b", "https://buildkite.com/acme"] {
            assert!(slug("pipeline_slug", text).unwrap_err().to_string().contains("web address"), "{text}");
        }
        assert!(one_of("r", "a", &["a", "b"]).is_ok());
        assert!(one_of("r", "A", &["a", "b"]).unwrap_err().to_string().contains("`a` or `b`"));
    }
}
