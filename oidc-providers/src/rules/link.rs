/// A link for a person below `base`, if every part of the path is safe in a URL: ASCII letters, digits, `.`,
/// `_`, `-` and, between segments that are neither empty nor all dots, `/`.
pub(crate) fn link(base: &str, parts: &[&str]) -> Option<String> {
    let base = base.trim_end_matches('/');
    let length = parts.iter().map(|part| part.len() + 1).sum::<usize>();
    let mut url = String::with_capacity(base.len() + length);
    url.push_str(base);
    for part in parts {
        if !part.split('/').all(is_plain_segment) {
            return None;
        }
        url.push('/');
        url.push_str(part);
    }
    Some(url)
}

fn is_plain_segment(segment: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    // `.` and `..` would lead to another page.
    segment.bytes().all(is_plain) && segment.bytes().any(|byte| byte != b'.')
}

/// Returns `true` if a text is an immutable id as the platforms write them: 1 to 20 decimal digits.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns `true` if a text is a UUID in its canonical form: lower-case hexadecimal digits in groups of 8, 4,
/// 4, 4 and 12 (RFC 9562, section 4).
pub(crate) fn is_uuid(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let groups = text.split('-').map(|group| group.bytes().all(is_digit).then_some(group.len()));
    groups.eq([8, 4, 4, 4, 12].map(Some))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_made_of_plain_segments_only() {
        let link = |parts: &[&str]| link("https://ci.example/", parts);
        assert_eq!(link(&["a/b.c", "runs", "1"]).as_deref(), Some("https://ci.example/a/b.c/runs/1"));
        for part in ["", "a//b", "..", "a/../b", ".", "a b", "a%2fb", "a?b", "a#b", "a\\b", "é", "a\n", "a@b"]
        {
            assert_eq!(link(&[part]), None, "{part}");
        }
    }

    #[test]
    fn a_uuid_has_one_form() {
        let uuid = "00000000-0000-1000-8000-0000000000af";
        assert!(is_uuid(uuid));
        for text in ["", "0", &uuid.to_uppercase(), &uuid.replace('-', ""), &format!("{{{uuid}}}")] {
            assert!(!is_uuid(text), "{text}");
        }
        assert!(
            !is_uuid(&format!("{uuid}-"))
                && !is_uuid(&format!("{uuid}/x"))
                && !is_uuid(&uuid.replace('f', "é"))
        );
    }

    #[test]
    fn an_id_is_a_short_row_of_digits() {
        for (text, expected) in [
            ("1", true),
            ("00", true),
            ("12345678901234567890", true),
            ("123456789012345678901", false),
            ("", false),
            ("-1", false),
            ("1 ", false),
            ("1.0", false),
            ("0x1", false),
            ("\u{661}", false),
        ] {
            assert_eq!(is_id(text), expected, "{text}");
        }
    }
}
