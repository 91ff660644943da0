//! npm itself in this job: whether it would make the exchange that was checked.

use oidc_core::{
    Audience, Command, CommandError, Context, Diagnosis, Environment, HttpUrl, Provider, Severity, Target,
    shown,
};

use super::diagnose::AdviceRequest;
use super::{links, npm_config};
use crate::codes;
use crate::npm::{self, Port, TOKEN_VARIABLE};

/// The first version of npm that makes an exchange, and the first that makes it on CircleCI.
const FIRST: Version = (11, 5, 1);
const FIRST_ON_CIRCLECI: Version = (11, 11, 0);

/// The first version of npm that is asked for its settings. Older ones may load code of the project for it.
const FIRST_ASKED: Version = (8, 0, 0);

/// The variables of the platforms on which npm makes an exchange (npm's `oidc.js`, through ci-info).
const PLATFORMS: [&str; 3] = ["GITHUB_ACTIONS", "GITLAB_CI", "CIRCLECI"];

/// The only platform that npm itself asks for a token.
const ASKED: &str = "github";

/// The ability of a tool that makes the exchange instead of npm.
const EXCHANGES: &str = "makes the exchange itself";

type Version = (u64, u64, u64);

/// Returns the conditions that keep npm from publishing at the registry with an exchange of its own.
pub(super) async fn examine(registry: &HttpUrl, request: &AdviceRequest<'_>, cx: &Context) -> Vec<Diagnosis> {
    let npm = Installed::find(cx).await;
    let mut found = match (&npm, request.scope.package()) {
        (Ok(npm), Some(package)) if npm.version >= FIRST_ASKED => {
            npm_config::examine(registry, package, request, cx).await
        }
        (Ok(npm), _) => vec![npm_config::unasked(&format!("npm {} is too old for that", shown(&npm.text)))],
        (Err(Some(error)), _) => vec![npm_config::unasked(&error.to_string())],
        (Err(None), _) => vec![npm_config::unanswered("npm --version")],
    };
    found.extend(without_exchange(registry, request, npm.ok(), cx.environment()));
    found
}

/// Returns the conditions that keep npm from making the exchange.
fn without_exchange(
    registry: &HttpUrl,
    request: &AdviceRequest<'_>,
    npm: Option<Installed>,
    environment: &Environment,
) -> Vec<Diagnosis> {
    let audience = npm::audience(registry, Port::default());
    let (Some(platform), Ok(audience)) = (request.platform, audience) else { return Vec::new() };
    let other_tool = request.wording.publish_through(EXCHANGES);
    match no_exchange(&other_tool, environment) {
        Some(nowhere) => vec![nowhere],
        None => id_token(&audience, platform, &other_tool, environment)
            .into_iter()
            .chain(npm.and_then(|npm| npm.old(&other_tool, environment)))
            .collect(),
    }
}

/// Reports a job in which npm makes no exchange, whatever token it has.
fn no_exchange(other_tool: &str, environment: &Environment) -> Option<Diagnosis> {
    let warning = |name: &str, problem: String, fix: &str| {
        let diagnosis = Diagnosis::new(codes::NPM_NO_EXCHANGE, Target::Variable(name.to_owned()), problem);
        Some(diagnosis.severity(Severity::Warning).fix(fix).link(links::NPM))
    };
    if environment.get("CI") == Some("false") {
        let problem = "npm itself makes no exchange in this job: variable `CI` is `false`, which tells it that this is none";
        return warning("CI", problem.to_owned(), "unset the variable for the publish");
    }
    if PLATFORMS.iter().any(|name| environment.get(name).is_some()) {
        return None;
    }
    let problem = format!(
        "npm itself makes no exchange in this job, whatever `{TOKEN_VARIABLE}` holds: it does so on GitHub Actions, GitLab CI and \
         CircleCI alone"
    );
    warning(PLATFORMS[0], problem, other_tool)
}

/// Reports that npm has no token to exchange, where the exchange that was checked had one.
fn id_token(
    audience: &Audience,
    platform: &dyn Provider,
    other_tool: &str,
    environment: &Environment,
) -> Option<Diagnosis> {
    if environment.get(TOKEN_VARIABLE).is_some() {
        return None;
    }
    let is_blank = environment.is_blank(TOKEN_VARIABLE);
    let subject = Target::Variable(TOKEN_VARIABLE.to_owned());
    if platform.id() == ASKED {
        let problem = format!("variable `{TOKEN_VARIABLE}` is set to nothing, which npm takes for not set");
        let diagnosis = Diagnosis::new(codes::NPM_ID_TOKEN_EMPTY, subject, problem);
        return is_blank.then(|| diagnosis.severity(Severity::Notice).fix("leave it out"));
    }
    let empty = format!(
        "variable `{TOKEN_VARIABLE}` is set to nothing: npm has no identity token then, makes no exchange, and says nothing of it"
    );
    let missing = format!(
        "npm itself asks only GitHub Actions for an identity token; here it reads variable `{TOKEN_VARIABLE}`, which is not \
         set, and makes no exchange without it"
    );
    let (code, problem) =
        if is_blank { (codes::NPM_ID_TOKEN_EMPTY, empty) } else { (codes::NPM_ID_TOKEN_MISSING, missing) };
    let fix = platform.variable_line(TOKEN_VARIABLE, audience).unwrap_or_else(|| other_tool.to_owned());
    let diagnosis = Diagnosis::new(code, subject, problem).severity(Severity::Warning);
    Some(diagnosis.fix(fix).link(links::NPM))
}

/// The npm on the path.
struct Installed {
    text: String,
    version: Version,
}

impl Installed {
    /// Asks npm for its version. The error is that of running it; `None` if it printed none.
    async fn find(cx: &Context) -> Result<Self, Option<CommandError>> {
        let mut command = Command::new("npm", ["--version"]);
        command.max_output = 256;
        let output = cx.run(command).await.map_err(Some)?;
        let text = String::from_utf8(output.stdout).unwrap_or_default().trim().to_owned();
        match version(&text).filter(|_| output.status == Some(0)) {
            Some(version) => Ok(Self { text, version }),
            None => Err(None),
        }
    }

    /// Reports that it is too old for an exchange.
    fn old(self, other_tool: &str, environment: &Environment) -> Option<Diagnosis> {
        let is_circleci = environment.get("CIRCLECI").is_some();
        let first = if is_circleci { FIRST_ON_CIRCLECI } else { FIRST };
        if self.version >= first {
            return None;
        }
        let (major, minor, patch) = first;
        let place = if is_circleci { " on CircleCI" } else { "" };
        let problem = format!(
            "the npm on the path is older than {major}.{minor}.{patch}, the first that makes an exchange{place}: it says nothing, and \
             publishes with a static token or fails with `ENEEDAUTH` or `E404`"
        );
        let diagnosis =
            Diagnosis::new(codes::NPM_TOO_OLD, Target::Platform, problem).severity(Severity::Warning);
        let fix = format!(
            "run `npm install --global npm@latest` before the publish (Node.js 22.14 or later), or {other_tool}"
        );
        let expected = format!("{major}.{minor}.{patch} or later");
        Some(diagnosis.found(shown(&self.text).to_string()).expected(expected).fix(fix).link(links::NPM))
    }
}

/// The three numbers of a version. A suffix after `-` or `+` does not change the version's abilities.
fn version(text: &str) -> Option<Version> {
    let numbers = text.split(['-', '+']).next().unwrap_or_default();
    let mut numbers = numbers.split('.').map(|number| number.parse::<u64>().ok());
    let version = (numbers.next()??, numbers.next()??, numbers.next()??);
    numbers.next().is_none().then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        assert!(version("9.9.9") < version("11.5.0") && version("11.5.1") == Some(FIRST));
        assert!(version("11.10.0") > version("11.5.1") && version("12.0.0-pre.1") > version("11.21.2"));
        for text in ["", "11", "11.5", "11.5.x", "11.5.1.2", "v11.5.1", "99999999999999999999.0.0"] {
            assert_eq!(version(text), None, "{text}");
        }
    }
}
