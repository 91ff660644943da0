//! The archive of a package, looked at within bounds.

use std::io::Read;
use std::path::{Component, Path};

use flate2::read::GzDecoder;

/// An archive may unpack to this many bytes.
const MAX_UNPACKED: u64 = 512 << 20;

/// A gzipped archive. One that is larger than allowed ends in the middle of a block, which is an error where it is read.
pub(in crate::registry) fn unpacked(content: &[u8]) -> tar::Archive<impl Read> {
    tar::Archive::new(GzDecoder::new(content).take(MAX_UNPACKED + 1))
}

/// Whether a path stays below the folder that it is unpacked into.
pub(in crate::registry) fn is_plain(path: &Path) -> bool {
    let stays = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    !path.as_os_str().is_empty() && path.components().all(stays)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leaves_its_folder_is_not_plain() {
        for path in ["a", "a/b", "./a", "a/./b", "a..b"] {
            assert!(is_plain(Path::new(path)), "{path}");
        }
        for path in ["", "/a", "..", "a/../b", "../a", "a/.."] {
            assert!(!is_plain(Path::new(path)), "{path}");
        }
    }
}
