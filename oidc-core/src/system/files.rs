use std::io::Read as _;
use std::path::Path;

use crate::context::{FileError, Files};

/// The files of this machine.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "an application writes its name")]
pub struct SystemFiles;

impl Files for SystemFiles {
    fn read(&self, path: &Path, limit: usize) -> Result<Vec<u8>, FileError> {
        let failed = |error: std::io::Error| FileError::new(path, error.to_string());
        let file = std::fs::File::open(path).map_err(failed)?;
        let mut content = Vec::new();
        // One byte more than allowed tells a longer file from one of exactly this size.
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        file.take(most).read_to_end(&mut content).map_err(failed)?;
        if content.len() > limit {
            return Err(FileError::too_large(path, limit));
        }
        Ok(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_bounds() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert!(SystemFiles.read(&path, 1 << 20).is_ok());
        assert!(SystemFiles.read(&path, 10).is_err());
        assert!(SystemFiles.read(Path::new("/no/such/file"), 10).is_err());
    }
}
