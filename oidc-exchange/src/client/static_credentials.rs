/// The places where the tools of a registry's users keep static credentials.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StaticCredentials {
    /// The registries' protocol, such as `npm`.
    pub ecosystem: &'static str,
    /// Variables.
    pub variables: &'static [&'static str],
    /// The beginning and the end of variables' names with the registry's address between.
    pub variables_around: Option<(&'static str, &'static str)>,
    /// Files.
    pub files: &'static [CredentialFile],
    /// The last step, at the registry: how the credential is revoked there. A clause for the end of a message.
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

    /// With variables whose names begin and end so, with the registry's address between.
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
    /// A variable that holds the file's whole path.
    pub variable: Option<&'static str>,
    /// A variable that holds the folder's path.
    pub folder_variable: Option<&'static str>,
    /// The file's name in its folder.
    pub name: &'static str,
    /// The folder below the home folder, with a slash at its end; empty for the home folder itself.
    pub below_home: &'static str,
    /// The folder of the job is a second place for it.
    pub in_folder: bool,
    /// A line that gives a key that ends so a value holds a secret.
    pub keys: &'static [&'static str],
    /// A file that holds this text holds a secret: for formats that are no lines of keys and values.
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

    /// A file in a folder below the home folder that holds a secret where it holds one of these texts.
    pub const fn marked(
        name: &'static str,
        below_home: &'static str,
        marks: &'static [&'static str],
    ) -> Self {
        Self { below_home, marks, ..Self::new(name, &[]) }
    }

    /// With a variable that holds the file's whole path.
    #[must_use]
    pub const fn at_variable(mut self, name: &'static str) -> Self {
        self.variable = Some(name);
        self
    }

    /// In this folder below the home folder, or in the one whose path a variable holds.
    #[must_use]
    pub const fn in_folder_of(mut self, variable: &'static str, below_home: &'static str) -> Self {
        self.folder_variable = Some(variable);
        self.below_home = below_home;
        self
    }

    /// In this folder below the home folder.
    #[must_use]
    pub const fn below_home(mut self, folder: &'static str) -> Self {
        self.below_home = folder;
        self
    }

    /// With the job's own folder as a second place for it.
    #[must_use]
    pub const fn also_in_job(mut self) -> Self {
        self.in_folder = true;
        self
    }
}
