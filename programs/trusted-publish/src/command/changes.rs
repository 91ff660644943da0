use oidc_core::Secret;

use crate::destination::Destination;

/// The differences between a command's environment and the one that it would inherit, with notes for its user.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    secrets: Vec<(String, Secret)>,
    texts: Vec<(String, String)>,
    removed: Vec<String>,
    notes: Vec<Note>,
}

/// The notes about what a variable can't express.
#[derive(Debug)]
pub(crate) struct Note {
    /// The tools that it is about.
    pub(crate) tools: &'static [&'static str],
    pub(crate) text: String,
    /// `true` if such a tool would take the package to another registry.
    is_elsewhere: bool,
}

impl Changes {
    /// A variable that holds a token.
    pub(crate) fn set_secret(&mut self, name: impl Into<String>, token: &Secret) {
        self.secrets.push((name.into(), token.clone()));
    }

    /// A variable that holds no secret.
    pub(crate) fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.texts.push((name.into(), value.into()));
    }

    /// Variables that the command doesn't see, unless one is set as well.
    pub(crate) fn remove<N: AsRef<str>>(&mut self, names: &[N]) {
        self.removed.extend(names.iter().map(|name| name.as_ref().to_owned()));
    }

    /// A variable whose token would go elsewhere is not there.
    pub(crate) fn withhold(&mut self, name: &str) {
        self.secrets.retain(|(set, _)| set != name);
        self.removed.push(name.to_owned());
    }

    /// Leaves a variable that was set as the command would inherit it.
    pub(crate) fn forget(&mut self, name: &str) {
        self.texts.retain(|(set, _)| set != name);
    }

    /// Returns `true` if a variable holds a token.
    pub(crate) fn has_secret(&self, name: &str) -> bool {
        self.secrets.iter().any(|(set, _)| set == name)
    }

    /// Adds a note for the user of these tools.
    pub(crate) fn note(&mut self, tools: &'static [&'static str], text: String) {
        self.add(Note { tools, text, is_elsewhere: false });
    }

    /// Adds a note for the user of these tools, which would publish at another registry, whatever a variable says.
    pub(crate) fn note_elsewhere(&mut self, tools: &'static [&'static str], text: String) {
        self.add(Note { tools, text, is_elsewhere: true });
    }

    /// Adds a note, unless the same was said of another package.
    fn add(&mut self, note: Note) {
        if self.notes.iter().all(|known| known.text != note.text) {
            self.notes.push(note);
        }
    }

    /// The reason for which the command would publish at another registry.
    pub(crate) fn elsewhere(&self, destination: &Destination<'_>) -> Option<&str> {
        let tool = destination.tool().filter(|_| destination.publishes())?;
        let found = self.notes.iter().find(|note| note.is_elsewhere && note.tools.contains(&tool));
        found.map(|note| note.text.as_str())
    }

    /// The notes for the user of a program; all of them where the program may run any tool.
    pub(crate) fn notes_for<'a>(&'a self, program: Option<&'a str>) -> impl Iterator<Item = &'a str> {
        let concerns = move |note: &&Note| program.is_none_or(|program| note.tools.contains(&program));
        self.notes.iter().filter(concerns).map(|note| note.text.as_str())
    }

    /// The names of all variables that the command sees changed.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.exposed().map(|(name, _)| name).chain(self.removed())
    }

    /// The variables that are taken away.
    pub(crate) fn removed(&self) -> impl Iterator<Item = &str> {
        self.removed.iter().map(String::as_str)
    }

    /// The variables that are set and hold no secret, with their values.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The variables that are set, with their values.
    pub(crate) fn exposed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts().chain(self.secrets.iter().map(|(name, token)| (name.as_str(), token.expose())))
    }
}
