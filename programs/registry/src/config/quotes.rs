//! A text without its quotes, which TOML's own words don't name.

use oidc_core::shown;
use toml::Table;

/// The correction of a line whose value is a text without quotes; `None` where that is not the fault.
/// A value that may hold a password is not repeated.
pub(super) fn missing_in(line: &str) -> Option<String> {
    let (key, value) = line.split_once('=')?;
    let (key, value) = (key.trim(), value.split(" #").next().unwrap_or_default().trim());
    let is_toml = |text: &str| text.parse::<Table>().is_ok();
    let quoted = format!("{key} = \"{value}\"");
    if value.is_empty() || is_toml(&format!("{key} = {value}")) || !is_toml(&quoted) {
        return None;
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._:/-".contains(c);
    let may_be_shown = key != "database" && value.chars().all(is_plain);
    let example = if may_be_shown { quoted } else { format!("{key} = \"…\"") };
    Some(format!("write `{}`, with quotes", shown(&example)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_quotes_is_told_with_them() {
        for (line, said) in [
            ("listen = 127.0.0.1:4873", Some("write `listen = \"127.0.0.1:4873\"`, with quotes")),
            ("  kind=github # ours", Some("write `kind = \"github\"`, with quotes")),
            ("name = @acme/widget", Some("write `name = \"…\"`, with quotes")),
            ("database = postgres://me:hunter2@db/x", Some("write `database = \"…\"`, with quotes")),
            ("databse = postgres://me:hunter2@db/x", Some("write `databse = \"…\"`, with quotes")),
            ("database = hunter2", Some("write `database = \"…\"`, with quotes")),
            ("trusted_only = true", None),
            ("lapse_after_days = 3", None),
            ("name = \"widget", None),
            ("name =", None),
            ("[[package]", None),
        ] {
            assert_eq!(missing_in(line).as_deref(), said, "{line}");
        }
    }
}
