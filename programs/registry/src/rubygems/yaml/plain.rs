//! The values that Ruby reads in texts without quotes (`Psych::ScalarScanner`, the types of YAML 1.1): `gem build` writes a text with
//! quotes where Ruby would take it for another value, and no other.

/// Returns `true` if Ruby takes a text without quotes for something else.
pub(super) fn is_other(plain: &str) -> bool {
    is_nothing(plain) || plain.starts_with(':') || is_truth(plain) || is_number(plain) || is_time(plain)
}

pub(super) fn is_nothing(plain: &str) -> bool {
    matches!(plain, "" | "~") || plain.eq_ignore_ascii_case("null")
}

/// Ruby takes `y` and `n` for texts, and writes them with quotes for other readers.
fn is_truth(plain: &str) -> bool {
    let is_word = |word: &&str| plain.eq_ignore_ascii_case(word);
    matches!(plain, "y" | "n") || ["yes", "no", "true", "false", "on", "off"].iter().any(is_word)
}

/// Returns `true` for a number, such as `1_000`, `1,000`, `0x1f`, `1.5e+3`, `1:30` and `.inf`. `1e5` is a text.
fn is_number(plain: &str) -> bool {
    let number = plain.strip_prefix(['+', '-']).unwrap_or(plain);
    [".inf", ".nan"].iter().any(|name| number.eq_ignore_ascii_case(name))
        || is_integer(number)
        || is_float(number)
        || is_of_base_60(number)
}

fn is_integer(number: &str) -> bool {
    let rest = |prefix, digits: &str| {
        number.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && is_of(rest, digits))
    };
    let separated = |number: &str| number.split([',', '_']).all(is_digits);
    rest("0b", "01_,")
        || rest("0x", "0123456789abcdefABCDEF_,")
        || rest("0", "01234567_,")
        || number == "0"
        || !number.starts_with('0') && separated(number)
}

/// Digits with one point, and with an exponent only if that has a sign.
fn is_float(number: &str) -> bool {
    let Some((whole, fraction)) = number.split_once('.') else {
        return false;
    };
    let (fraction, exponent) = fraction.split_once(['e', 'E']).unwrap_or((fraction, "+0"));
    let is_whole = whole.is_empty() || whole.starts_with(is_digit) && is_of(whole, "0123456789_,");
    is_whole
        && is_of(fraction, "0123456789")
        && exponent.strip_prefix(['+', '-']).is_some_and(is_digits)
        && number != "."
}

/// Digits and one or two times a number below 60, such as `1:30:10.5`.
fn is_of_base_60(number: &str) -> bool {
    let (number, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut parts = number.split(':');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<_> = parts.collect();
    let is_small = |part: &&str| is_digits(part) && part.parse::<u8>().is_ok_and(|part| part < 60);
    first.starts_with(is_digit)
        && is_of(first, "0123456789_")
        && matches!(rest.len(), 1 | 2)
        && rest.iter().all(|part| part.len() <= 2 && is_small(part))
        && is_of(fraction, "0123456789_")
}

/// Returns `true` for a day such as `2026-01-31`, with or without a time of it.
pub(super) fn is_time(plain: &str) -> bool {
    let mut parts = plain.trim_start_matches('-').splitn(3, '-');
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    year.len() == 4
        && is_digits(year)
        && is_digits(month)
        && rest.starts_with(is_digit)
        && is_of(rest, "0123456789TtZz:.+- \t")
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_digit)
}

fn is_of(text: &str, characters: &str) -> bool {
    text.chars().all(|c| characters.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ruby_takes_for_another_value_needs_quotes() {
        for plain in [
            "",
            "~",
            "null",
            "nULL",
            "yes",
            "No",
            "TRUE",
            "off",
            "y",
            ":runtime",
            "1",
            "0",
            "1_0",
            "1,000",
            "+1",
            "017",
            "0x1f",
            "0b1",
            "1.0",
            "-1.",
            ".5",
            "1_0.5e+3",
            "1.e-2",
            "1:30",
            "1:30:10.5",
            "-.inf",
            ".NaN",
            "2026-1-31",
            "2026-01-31 10:00:00 Z",
            "2026-01-31T10:00:00.5+01:00",
        ] {
            assert!(is_other(plain), "{plain}");
        }
    }

    #[test]
    fn what_ruby_takes_for_a_text_needs_none() {
        for plain in [
            "1.0.0",
            "1.0.0.pre1",
            "yes and no",
            "only",
            "Y",
            "a:b",
            "1:2:3:4",
            "1:60",
            "x86_64",
            "0xyz",
            "0x",
            "0b2b1303",
            "1e5",
            "123e456",
            "1.5e3",
            "1_",
            "_1",
            "e1",
            "=",
            ".",
            "-",
            "3.x",
            "1.2-3",
            "12-1-1",
            "inf",
            "NaN",
            "infinity",
            "2026-01-31 was a Saturday",
        ] {
            assert!(!is_other(plain), "{plain}");
        }
    }
}
