//! The npm on a played job's path, which the doctor asks for its settings.

use oidc_core::{Command, CommandOutput};
use serde::Deserialize;
use serde_json::{Value, json};

/// The npm of a job: one that publishes at the registry in question, unless something else is said.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NpmAsked {
    /// `true` if there is none.
    absent: bool,
    /// The version, if it is not a current one.
    version: Option<String>,
    /// The code with which it refuses its settings.
    refuses: Option<String>,
    /// What it prints of its settings, if not the registry in question.
    settings: Option<Vec<String>>,
    /// The name and `publishConfig` in the manifest of the working directory, if not the package's name alone; `null` if there is none.
    manifest: Option<Value>,
    /// The code with which it fails a publish before it sends anything.
    fails: Option<String>,
    /// `true` if the working directory is that of a workspace's member, for which npm lists no settings.
    in_member: bool,
}

impl NpmAsked {
    /// The answer of npm to a command, where there is an npm and this a command of it.
    pub fn answer(&self, command: &Command, registry: &str, package: &str) -> Option<CommandOutput> {
        if self.absent || command.program != "npm" {
            return None;
        }
        let words: Vec<&str> = command.arguments.iter().map(String::as_str).collect();
        let printed = |text: String| Some(CommandOutput::new(Some(0), text));
        let failed = |code: &str| {
            Some(CommandOutput::new(
                Some(1),
                json!({ "error": { "code": code, "summary": "hunter2" } }).to_string(),
            ))
        };
        match (words.as_slice(), &self.refuses) {
            (["--version"], _) => printed(self.version.clone().unwrap_or_else(|| "11.21.2".to_owned())),
            (["prefix", ..], Some(code)) => failed(code),
            (["prefix", ..], None) => printed("/work\n".to_owned()),
            (["config", ..], _) if self.in_member && command.folder.is_none() => failed("ENOWORKSPACES"),
            (["config", ..], _) => printed(self.list(registry)),
            (["pkg", "get", ..], _) => {
                let manifest = self.manifest.clone().unwrap_or_else(|| json!({ "name": package }));
                printed(manifest.to_string())
            }
            (["publish", "--dry-run", "--ignore-scripts", ..], _) => match &self.fails {
                Some(code) => failed(code),
                None => printed("{}".to_owned()),
            },
            _ => None,
        }
    }

    fn list(&self, registry: &str) -> String {
        let lines = self.settings.clone().unwrap_or_else(|| {
            vec![
                "; \"project\" config from /builds/acme/widget/.npmrc".to_owned(),
                String::new(),
                format!("registry = \"{registry}\""),
            ]
        });
        ["; \"default\" config from default values\n".to_owned(), lines.join("\n"), String::new()].join("\n")
    }
}
