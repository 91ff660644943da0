//! Provenance for a command that publishes: made before the command starts, and handed to it by its own options.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};

use oidc_core::{Context, ProviderSet};

use super::ProvenanceError;
use super::signing::{Form, ServiceOptions, Signing};

/// A tool that takes provenance which others made.
#[derive(Debug)]
struct Tool {
    /// The program.
    program: &'static str,
    /// Its command that publishes.
    command: &'static str,
    form: Form,
    /// The endings of the files that it publishes.
    files: &'static [&'static str],
    /// The option that has to be there beside the provenance.
    switch: Option<&'static str>,
    /// The option whose value is the provenance's file; without one the file stands among the others.
    option: Option<&'static str>,
    /// `true` if one call publishes one file.
    takes_one: bool,
}

const TOOLS: &[Tool] = &[
    Tool {
        program: "npm",
        command: "publish",
        form: Form::Npm,
        files: &[".tgz", ".tar.gz"],
        switch: None,
        option: Some("--provenance-file"),
        takes_one: true,
    },
    Tool {
        program: "twine",
        command: "upload",
        form: Form::Pypi,
        files: &[".whl", ".tar.gz"],
        switch: Some("--attestations"),
        option: None,
        takes_one: false,
    },
    Tool {
        program: "uv",
        command: "publish",
        form: Form::Pypi,
        files: &[".whl", ".tar.gz"],
        switch: None,
        option: None,
        takes_one: false,
    },
    Tool {
        program: "gem",
        command: "push",
        form: Form::Rubygems,
        files: &[".gem"],
        switch: None,
        option: Some("--attestation"),
        takes_one: true,
    },
];

/// A command that publishes files, and its tool.
#[derive(Debug)]
pub(crate) struct Handed<'a> {
    tool: &'static Tool,
    command: &'a [OsString],
    files: Vec<&'a Path>,
}

impl<'a> Handed<'a> {
    /// The command, if its tool takes provenance and it names the files that it publishes.
    pub(crate) fn of(command: &'a [OsString]) -> Result<Self, ProvenanceError> {
        let program = command.first().and_then(|program| Path::new(program).file_stem()).unwrap_or_default();
        let arguments = command.get(1..).unwrap_or_default();
        let publishes = |tool: &&Tool| {
            program == tool.program && arguments.iter().any(|argument| argument == tool.command)
        };
        let tool = TOOLS.iter().find(publishes).ok_or(ProvenanceError::Arguments(
            "--provenance is for `npm publish`, `twine upload`, `uv publish` and `gem push`; for another command, make it with \
             `trusted-publish attest`",
        ))?;
        let files: Vec<&Path> = arguments.iter().filter_map(|argument| tool.file(argument)).collect();
        match files.as_slice() {
            [] => Err(ProvenanceError::Arguments(
                "--provenance: name the files that are published in the command; for npm, the tarball that `npm pack` makes",
            )),
            [_, _, ..] if tool.takes_one => {
                Err(ProvenanceError::Arguments("--provenance: name one file, the command publishes one"))
            }
            _ => Ok(Self { tool, command, files }),
        }
    }

    /// Signs each file, and returns the command with the options that hand the provenance on.
    pub(crate) async fn sign(
        &self,
        services: &ServiceOptions,
        providers: &ProviderSet,
        cx: &Context,
        err: &mut impl Write,
    ) -> Result<Vec<OsString>, ProvenanceError> {
        let signing = Signing::new(self.tool.form, services, providers, cx)?;
        let mut signed = Vec::new();
        for file in &self.files {
            let path = signing.sign(file, None).await?;
            // That nobody reads it is no reason to stop.
            let _told = writeln!(err, "trusted-publish: signed provenance: {}", path.display());
            signed.push(path);
        }
        Ok(self.with(&signed))
    }

    fn with(&self, signed: &[PathBuf]) -> Vec<OsString> {
        let is_there = |argument: &OsStr| self.command.iter().any(|known| known == argument);
        let mut command = Vec::new();
        for argument in self.command {
            command.push(argument.clone());
            // Some parsers take the files in one row only, so that the provenance stands behind its file.
            let of_file = self.files.iter().zip(signed).filter(|(file, _)| file.as_os_str() == argument);
            let beside = of_file.map(|(_, path)| path.as_os_str()).filter(|path| !is_there(path));
            for path in beside {
                command.extend(self.tool.option.map(OsString::from));
                command.push(path.to_owned());
            }
        }
        let switch = self.tool.switch.map(OsStr::new).filter(|switch| !is_there(switch));
        command.extend(switch.map(OsStr::to_owned));
        command
    }
}

impl Tool {
    /// The argument as a file that is published, if it is one.
    fn file<'a>(&self, argument: &'a OsStr) -> Option<&'a Path> {
        let text = argument.to_str()?;
        let is_file = !text.starts_with('-') && self.files.iter().any(|ending| text.ends_with(ending));
        is_file.then(|| Path::new(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &str) -> Vec<OsString> {
        words.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn a_command_is_told_of_the_provenance_as_its_tool_wants_it() {
        for (words, told) in [
            (
                "npm publish a-1.tgz --tag x",
                "npm publish a-1.tgz --provenance-file a-1.tgz.sigstore.json --tag x",
            ),
            (
                "/usr/bin/twine upload d/a.whl",
                "/usr/bin/twine upload d/a.whl d/a.whl.publish.attestation --attestations",
            ),
            (
                "twine upload --attestations a.whl a.whl.publish.attestation",
                "twine upload --attestations a.whl a.whl.publish.attestation",
            ),
            (
                "uv publish a.whl a.tar.gz",
                "uv publish a.whl a.whl.publish.attestation a.tar.gz a.tar.gz.publish.attestation",
            ),
            ("gem push a-1.gem", "gem push a-1.gem --attestation a-1.gem.sigstore.json"),
        ] {
            let command = command(words);
            let handed = Handed::of(&command).unwrap();
            let signed: Vec<PathBuf> =
                handed.files.iter().map(|file| handed.tool.form.beside(file)).collect();
            let told_words: Vec<_> =
                handed.with(&signed).into_iter().map(|word| word.into_string().unwrap()).collect();
            assert_eq!(told_words.join(" "), told);
        }
    }

    #[test]
    fn a_command_that_provenance_can_not_be_handed_to_is_refused() {
        for (words, problem) in [
            ("cargo publish", "is for `npm publish`"),
            ("sh -c npm", "is for `npm publish`"),
            ("npm install a-1.tgz", "is for `npm publish`"),
            ("npm publish", "name the files"),
            ("npm publish ./folder", "name the files"),
            ("twine upload dist/*", "name the files"),
            ("npm publish a.tgz b.tgz", "name one file"),
            ("gem push a.gem b.gem", "name one file"),
        ] {
            let error = Handed::of(&command(words)).unwrap_err().to_string();
            assert!(error.contains(problem), "{words}: {error}");
        }
    }
}
