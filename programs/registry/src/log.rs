//! The log on standard error.

use oidc_core::Environment;

/// Returns `true` if the log may have colours: on a terminal, unless `NO_COLOR` is set to something.
pub fn log_has_colours(environment: &Environment, is_terminal: bool) -> bool {
    is_terminal && environment.get("NO_COLOR").is_none_or(str::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_whose_user_did_not_forbid_them() {
        let of = |value: &str| [("NO_COLOR", value)].into_iter().collect::<Environment>();
        assert!(log_has_colours(&Environment::default(), true));
        assert!(log_has_colours(&of(""), true));
        assert!(!log_has_colours(&of("1"), true));
        assert!(!log_has_colours(&Environment::default(), false));
    }
}
