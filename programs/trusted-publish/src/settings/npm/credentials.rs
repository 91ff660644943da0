//! The use of a variable as a credential in a settings file.

/// A registry to which a settings file sends the value of a variable.
#[derive(Debug)]
pub(crate) struct Use {
    pub(crate) file: &'static str,
    pub(crate) registry: String,
    pub(crate) is_own: bool,
    /// `true` for a setting for every registry, which the command overrides where there is a token.
    pub(crate) is_default: bool,
}

/// Returns `true` if a value contains a variable: `$NAME`, `${NAME}` or `${NAME`, something and `}`.
pub(crate) fn mentions(value: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    value.split('$').skip(1).any(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.strip_prefix(name).is_some_and(|rest| !rest.starts_with(is_word))
    })
}
