//! The reasons for which a file is not a distribution.

use crate::hosting::archive::{InvalidArchive, MAX_UNPACKED};

/// The size of the metadata in bytes, the project's description included.
pub(super) const MAX_METADATA: u64 = 1 << 20;

/// A file is not a distribution.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidPackage {
    #[error("the wheel can't be read as a zip archive whose files are stored or deflated")]
    Zip,
    #[error(
        "the wheel has more than 65,535 files or a directory of more than 8 MB, or unpacks to more than {} MB",
        MAX_UNPACKED >> 20
    )]
    Entries,
    #[error(
        "the wheel is a zip archive in which two readers may see different files: its directory, its end and the headers of \
         its files differ, a name stands there twice, or there are bytes that belong to no file; build it again"
    )]
    Ambiguous,
    #[error("the wheel holds `{0}`, which is not below its folder for every installer; build it again")]
    Name(String),
    #[error("the source distribution {0}")]
    Archive(#[from] InvalidArchive),
    #[error("the file has no `{0}`; build it again with a current build backend")]
    Missing(&'static str),
    #[error(
        "the file holds `{0}`, which is the metadata of another file or stands beside that of this one; build it again"
    )]
    OtherMetadata(String),
    #[error("the source distribution holds `{0}`, which is not below its one folder")]
    Stray(String),
    #[error("the file's metadata is larger than {MAX_METADATA} bytes")]
    TooLarge,
}
