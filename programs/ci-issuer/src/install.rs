//! A platform's command on this machine: a script in a folder of its own, to be put before the others in `PATH`.

use std::io;
use std::path::Path;

use tempfile::TempDir;

/// A folder with the script `program`, which asks `this` program to play the command of `platform` with the running
/// issuer at `url`. It is gone when dropped.
#[cfg(unix)]
pub(super) fn install(this: &Path, platform: &str, program: &str, url: &str) -> io::Result<TempDir> {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir()?;
    let this = quoted(&this.to_string_lossy());
    let script = format!(
        "#!/bin/sh\nexec {this} job-command --provider {} --issuer {} -- \"$@\"\n",
        quoted(platform),
        quoted(url)
    );
    let file = folder.path().join(program);
    fs::write(&file, script)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o700))?;
    Ok(folder)
}

/// Without a POSIX shell there is no script.
#[cfg(not(unix))]
pub(super) fn install(_this: &Path, _platform: &str, _program: &str, _url: &str) -> io::Result<TempDir> {
    tempfile::tempdir()
}

/// A value in single quotes, as POSIX shells read it.
pub(super) fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_in_a_value_does_not_end_it() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
