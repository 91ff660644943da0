//! The claims that a platform knows, so that a misspelt one doesn't go unnoticed.

use oidc_core::{ClaimRule, shown};

/// So many letters may differ in a name that is taken for a known one.
const MAX_DISTANCE: usize = 2;

/// The warning about a claim that the platform does not put into tokens; `None` where it does, or where it accepts any claim.
pub(super) fn unknown_claim(platform: &str, name: &str) -> Option<String> {
    let all = oidc_providers::all();
    let provider = all.iter().find(|provider| provider.id() == platform)?;
    let profile = provider.profile();
    if profile.rule(name).is_some() || profile.claim_prefixes.iter().any(|prefix| name.starts_with(prefix)) {
        return None;
    }
    let known = profile.claims.iter().map(|ClaimRule { name, .. }| *name);
    let near = known.map(|known| (strsim::osa_distance(known, name), known)).min();
    let hint = match near {
        Some((distance, known)) if distance <= MAX_DISTANCE => format!("; did you mean `{known}`?"),
        _ => String::new(),
    };
    Some(format!("`{}` is no claim of {platform}, and is put into tokens all the same{hint}", shown(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PLATFORMS;

    #[test]
    fn a_misspelt_claim_is_told_the_known_one() {
        for (platform, name, said) in [
            (
                "github",
                "enviroment",
                Some(
                    "`enviroment` is no claim of github, and is put into tokens all the same; did you mean `environment`?",
                ),
            ),
            (
                "github",
                "shoe_size",
                Some("`shoe_size` is no claim of github, and is put into tokens all the same"),
            ),
            ("github", "environment", None),
            ("github", "repo_property_team", None),
            ("gitlab", "project_pth", Some("did you mean `project_path`?")),
            ("generic", "anything", None),
        ] {
            let warning = unknown_claim(platform, name);
            match said {
                Some(said) => assert!(warning.as_ref().is_some_and(|it| it.ends_with(said)), "{warning:?}"),
                None => assert_eq!(warning, None),
            }
        }
        for platform in PLATFORMS {
            assert_eq!(unknown_claim(platform.name, "iss"), None, "{platform:?}");
        }
    }
}
