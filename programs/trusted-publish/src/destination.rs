use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use oidc_core::{Context, HttpUrl, Secret};

use super::command::options::values;
use super::command::words::{TOOLS, Upload, called, upload};
use super::settings::cargo;

/// So many folders of a command are looked at, and so many above the working directory.
const MAX_FOLDERS: usize = 16;
pub(super) const MAX_PARENTS: usize = 16;

/// A settings file may have this many bytes.
pub(super) const MAX_FILE: usize = 8 << 20;

/// The registry at which a command is to publish.
#[derive(Debug)]
pub(super) struct Destination<'a> {
    /// The registry's URL, as its tools are told it.
    pub(super) url: HttpUrl,
    /// The vendor's own registry of the protocol, if there is one.
    public: Option<HttpUrl>,
    /// The package to publish, where it is named.
    pub(super) package: Option<&'a str>,
    /// The command and its arguments, without aliases; empty where there is none.
    command: Cow<'a, [OsString]>,
    /// The tool that is known among its words, and its place there.
    called: Option<(usize, &'static str)>,
    /// The scheme that stands before cargo's token there.
    pub(super) cargo_scheme: Option<&'static str>,
    pub(super) cx: &'a Context,
    overlooked: Mutex<BTreeSet<Overlooked>>,
}

/// Tools, and something that they read and `exec` does not, which may send a package elsewhere.
type Overlooked = (&'static [&'static str], String);

impl<'a> Destination<'a> {
    /// The registry at `url`.
    pub(super) fn new(
        url: &HttpUrl,
        public: impl Into<Option<HttpUrl>>,
        package: Option<&'a str>,
        command: &'a [OsString],
        cx: &'a Context,
    ) -> Self {
        let public = public.into();
        let vendors = public.as_ref().filter(|public| is_at(public, url));
        let url = vendors.unwrap_or(url).clone();
        let called = called(command);
        let command = match called {
            Some((at, "cargo")) => cargo::alias::expanded(command, at, cx),
            _ => Cow::Borrowed(command),
        };
        Self { url, public, package, command, called, cargo_scheme: None, cx, overlooked: Mutex::default() }
    }

    /// With the scheme that stands before cargo's token there.
    pub(super) fn with_cargo_scheme(self, scheme: Option<&'static str>) -> Self {
        Self { cargo_scheme: scheme, ..self }
    }

    /// The token as cargo is told it, which sends it as the whole `Authorization`.
    pub(super) fn cargo_token(&self, token: &Secret) -> Secret {
        match self.cargo_scheme {
            Some(scheme) => Secret::new(format!("{scheme} {}", token.expose())),
            None => token.clone(),
        }
    }

    /// With the path that tools upload to, where the URL is only a host.
    pub(super) fn uploading_to(mut self, path: &str) -> Self {
        if self.url.path() == "/" && !path.is_empty() {
            self.url = self.url.below(path);
        }
        self
    }

    /// Returns `true` if this is the vendor's own registry.
    pub(super) fn is_public(&self) -> bool {
        self.is_vendors(&self.url)
    }

    fn is_vendors(&self, url: &HttpUrl) -> bool {
        self.public.as_ref().is_some_and(|public| is_at(public, url))
    }

    /// Returns `true` if a text is this registry's URL.
    pub(super) fn is(&self, text: &str) -> bool {
        HttpUrl::parse(text).is_ok_and(|url| {
            let trimmed = |url: &HttpUrl| url.path().trim_end_matches('/').to_owned();
            let is_same = url.same_origin(&self.url) && trimmed(&url) == trimmed(&self.url);
            is_same || (self.is_public() && self.is_vendors(&url))
        })
    }

    /// Returns `true` if the command's own arguments name this registry's URL.
    pub(super) fn is_named_by_command(&self) -> bool {
        self.arguments().any(|argument| {
            let value = argument.split_once('=').map_or(argument, |(_, value)| value);
            self.is(argument) || self.is(value)
        })
    }

    /// The command's arguments, as far as they are text.
    pub(super) fn arguments(&self) -> impl Iterator<Item = &str> + Clone {
        self.command.iter().skip(1).filter_map(|argument| argument.to_str())
    }

    /// The working directory, and the folders that the command's arguments may name.
    pub(super) fn folders(&self) -> impl Iterator<Item = PathBuf> {
        let value = |argument| match str::split_once(argument, '=') {
            Some((_, value)) => value,
            None => argument,
        };
        let named =
            self.arguments().map(value).filter(|value| !value.starts_with('-') && !value.contains("://"));
        std::iter::once(PathBuf::new()).chain(named.take(MAX_FOLDERS).map(PathBuf::from))
    }

    /// The job's home folder.
    pub(super) fn home(&self) -> Option<PathBuf> {
        let environment = self.cx.environment();
        environment.get("HOME").or_else(|| environment.get("USERPROFILE")).map(PathBuf::from)
    }

    /// Records something that is not read and that these tools would read.
    pub(super) fn overlook(&self, tools: &'static [&'static str], what: String) {
        self.overlooked.lock().unwrap_or_else(PoisonError::into_inner).insert((tools, what));
    }

    /// Returns everything that was recorded as not read.
    pub(super) fn overlooked(&self) -> Vec<Overlooked> {
        self.overlooked.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// A file that a tool reads. One that isn't there or can't be read is none that it reads, and a longer one is overlooked.
    pub(super) fn file(&self, path: &Path) -> Option<Vec<u8>> {
        let file = self.cx.files().read(path, MAX_FILE);
        if let Err(error) = file.as_ref()
            && error.is_too_large()
        {
            self.overlook(TOOLS, error.to_string());
        }
        file.ok()
    }

    /// The texts of a settings file, the nearest first: in those folders, in those above each of them, and in the home folder.
    pub(super) fn files(&self, name: &str) -> Vec<String> {
        self.read_named(self.paths(name)).into_iter().map(|(_, text)| text).collect()
    }

    /// The paths of those.
    pub(super) fn paths(&self, name: &str) -> Vec<PathBuf> {
        let above = self
            .folders()
            .flat_map(|folder| (1..MAX_PARENTS).map(move |level| folder.join("../".repeat(level))));
        let folders = self.folders().chain(above).chain(self.home());
        folders.map(|folder| folder.join(name)).collect()
    }

    /// The texts of these files.
    pub(super) fn read(&self, paths: impl IntoIterator<Item = PathBuf>) -> Vec<String> {
        self.read_named(paths).into_iter().map(|(_, text)| text).collect()
    }

    /// The texts of these files with their paths.
    pub(super) fn read_named(&self, paths: impl IntoIterator<Item = PathBuf>) -> Vec<(PathBuf, String)> {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        paths.into_iter().filter_map(|path| Some((path.clone(), text(self.file(&path)?)))).collect()
    }

    /// The values of an option of the command, each time that it is written.
    pub(super) fn values_of<'b>(&'b self, option: &'b str) -> impl Iterator<Item = &'b str> {
        values(self.own_arguments(), option)
    }

    /// The arguments of the tool itself, where one is known.
    fn own_arguments(&self) -> impl Iterator<Item = &str> + Clone {
        let before = self.called.map_or(0, |(at, _)| at);
        self.command.iter().skip(before + 1).filter_map(|argument| argument.to_str())
    }

    /// The words up to the tool's name, by which it is run.
    pub(super) fn program(&self) -> &[OsString] {
        let end = self.called.map_or(0, |(at, _)| at);
        self.command.get(..=end).unwrap_or_default()
    }

    /// Returns `true` if the command is an upload by a tool that is known, or may be one.
    pub(super) fn publishes(&self) -> bool {
        self.upload() != Upload::No
    }

    /// The upload that the command is.
    pub(super) fn upload(&self) -> Upload<'_> {
        self.tool().map_or(Upload::No, |tool| upload(tool, self.own_arguments()))
    }

    /// The words before the tool's name, by which another program runs it.
    pub(super) fn launcher(&self) -> Vec<&str> {
        let before = self.called.map_or(0, |(at, _)| at);
        self.command.iter().take(before).filter_map(|word| word.to_str()).collect()
    }

    /// The option by which `env` makes words of a text, among which a tool and its variables are not looked for.
    pub(super) fn split_by_env(&self) -> Option<&str> {
        let is_env = self.command.first().is_some_and(|program| Path::new(program).ends_with("env"));
        let is_it =
            |word: &&str| word.starts_with("-S") || word.starts_with("-vS") || word.starts_with("--s");
        self.arguments()
            .take_while(|word| word.starts_with('-') || word.contains('='))
            .find(is_it)
            .filter(|_| is_env)
    }

    /// Returns `true` if the tool's arguments contain these words side by side.
    pub(super) fn has_words(&self, words: &[&str]) -> bool {
        let arguments: Vec<&str> = self.own_arguments().collect();
        arguments.windows(words.len()).any(|window| window == words)
    }

    /// The tool that the command is, if it is one that is known.
    pub(super) fn tool(&self) -> Option<&'static str> {
        self.called.map(|(_, tool)| tool)
    }
}

/// Returns `true` if a URL is of the vendor's own registry: at its host, or at the domain that the host is below, by https at its usual port.
fn is_at(public: &HttpUrl, url: &HttpUrl) -> bool {
    let is_domain = || {
        let label = public.host().strip_suffix(url.host()).and_then(|rest| rest.strip_suffix('.'));
        url.host().contains('.') && label.is_some_and(|label| !label.is_empty())
    };
    url.origin() == format!("https://{}", url.host()) && (public.host() == url.host() || is_domain())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> HttpUrl {
        HttpUrl::parse(text).unwrap()
    }

    #[test]
    fn the_public_registry_is_known_by_its_host() {
        let public = url("https://upload.index.example/legacy/");
        for (text, expected) in [
            ("https://upload.index.example/legacy/", true),
            ("https://upload.index.example/", true),
            ("https://index.example/", true),
            ("https://UPLOAD.index.example:443/", true),
            ("https://upload.index.example:8443/legacy/", false),
            ("https://upload.index.example./legacy/", false),
            ("https://test.index.example/legacy/", false),
            ("https://example/", false),
            ("https://upload.index.example.evil.example/", false),
            ("https://load.index.example/", false),
        ] {
            assert_eq!(is_at(&public, &url(text)), expected, "{text}");
        }
    }

    #[test]
    fn a_host_alone_takes_uploads_where_its_protocol_has_them() {
        let cx = Context::default();
        for (text, expected) in [
            ("https://own.example/", "https://own.example/legacy/"),
            ("https://own.example/a/", "https://own.example/a/"),
            ("https://index.example/", "https://upload.index.example/legacy/"),
        ] {
            let public = url("https://upload.index.example/legacy/");
            let destination = Destination::new(&url(text), public, None, &[], &cx).uploading_to("legacy/");
            assert_eq!(destination.url.as_str(), expected);
        }
    }

    #[test]
    fn a_command_names_the_registry_by_its_whole_url() {
        let cx = Context::default();
        for (argument, expected) in [
            ("https://own.example/a/legacy/", true),
            ("https://own.example/a/legacy", true),
            ("--repository-url=https://own.example/a/legacy/", true),
            ("https://own.example/b/legacy/", false),
            ("https://own.example:8443/a/legacy/", false),
            ("https://own.example.evil.example/a/legacy/", false),
            ("own.example", false),
        ] {
            let command = ["twine".into(), OsString::from(argument)];
            let public = url("https://upload.index.example/legacy/");
            let destination =
                Destination::new(&url("https://own.example/a/legacy/"), public, None, &command, &cx);
            assert_eq!(destination.is_named_by_command(), expected, "{argument}");
        }
    }
}
