use oidc_core::{Environment, Secret};

/// Returns the line by which the job's runner is told to replace a secret by `***` in the job's log from then on; `None` on
/// platforms without such a line. The line itself holds the secret: write it to the job's output, and nowhere else.
///
/// GitHub Actions reads it from standard output and standard error.
///
/// ```
/// use oidc_core::{Environment, Secret};
/// use oidc_exchange::client::masking_line;
///
/// let token = Secret::new("npm_…");
/// assert_eq!(masking_line(&token, &Environment::default()), None);
/// let github = [("GITHUB_ACTIONS", "true")].into_iter().collect();
/// assert_eq!(masking_line(&token, &github).as_deref(), Some("::add-mask::npm_…"));
/// ```
pub fn masking_line(secret: &Secret, environment: &Environment) -> Option<String> {
    if !environment.is_true("GITHUB_ACTIONS") {
        return None;
    }
    // The escapes of GitHub's workflow commands, so that the secret is the whole of the command's data.
    let data = secret.expose().replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    Some(format!("::add-mask::{data}"))
}
