/// The places where the tools of a registry's users keep static credentials.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StaticCredentials {
    /// The registries' protocol, such as `npm`.
    pub ecosystem: &'static str,
    /// The variables that hold credentials.
    pub variables: &'static [&'static str],
    /// The prefix and the suffix of variables whose names contain the registry's address between them.
    pub variables_around: Option<(&'static str, &'static str)>,
    /// The files that hold credentials.
    pub files: &'static [CredentialFile],
    /// The last step, at the registry: revoking the credential. A clause for the end of a message.
    pub revocation: &'static str,
}

impl StaticCredentials {
    /// Credentials of the protocol `ecosystem`, in these variables and files.
    pub const fn new(
        ecosystem: &'static str,
        variables: &'static [&'static str],
        files: &'static [CredentialFile],
        revocation: &'static str,
    ) -> Self {
        Self { ecosystem, variables, variables_around: None, files, revocation }
    }

    /// Adds variables whose names have this prefix and suffix, with the registry's address between them.
    #[must_use]
    pub const fn variables_around(mut self, start: &'static str, end: &'static str) -> Self {
        self.variables_around = Some((start, end));
        self
    }
}

/// A settings file that may hold a static credential.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CredentialFile {
    /// A variable with the whole path of the file.
    pub variable: Option<&'static str>,
    /// A variable with the path of the folder.
    pub folder_variable: Option<&'static str>,
    /// The file's name in its folder.
    pub name: &'static str,
    /// The folder below the home folder, with a slash at its end; empty for the home folder itself.
    pub below_home: &'static str,
    /// `true` if the file may also be in the job's folder.
    pub in_folder: bool,
    /// The ends of keys: a line that gives a value to such a key holds a secret.
    pub keys: &'static [&'static str],
    /// The marks of secrets: a file that contains such a text holds a secret. For formats that are no lines
    /// of keys and values.
    pub marks: &'static [&'static str],
}

impl CredentialFile {
    /// A file in the home folder.
    pub const fn new(name: &'static str, keys: &'static [&'static str]) -> Self {
        Self {
            variable: None,
            folder_variable: None,
            name,
            below_home: "",
            in_folder: false,
            keys,
            marks: &[],
        }
    }

    /// A file in a folder below the home folder, which holds a secret if it contains one of these texts.
    pub const fn marked(
        name: &'static str,
        below_home: &'static str,
        marks: &'static [&'static str],
    ) -> Self {
        Self { below_home, marks, ..Self::new(name, &[]) }
    }

    /// Adds a variable with the whole path of the file.
    #[must_use]
    pub const fn at_variable(mut self, name: &'static str) -> Self {
        self.variable = Some(name);
        self
    }

    /// Moves the file to this folder below the home folder, or to the folder whose path a variable holds.
    #[must_use]
    pub const fn in_folder_of(mut self, variable: &'static str, below_home: &'static str) -> Self {
        self.folder_variable = Some(variable);
        self.below_home = below_home;
        self
    }

    /// Moves the file to this folder below the home folder.
    #[must_use]
    pub const fn below_home(mut self, folder: &'static str) -> Self {
        self.below_home = folder;
        self
    }

    /// Adds the job's own folder as a second place.
    #[must_use]
    pub const fn also_in_job(mut self) -> Self {
        self.in_folder = true;
        self
    }
}
