//! The reasons for which a file is not a distribution.

use crate::hosting::archive::{InvalidArchive, MAX_UNPACKED};

/// The size of the metadata in bytes, the project's description included.
pub(super) const MAX_METADATA: u64 = 1 << 20;

/// The newest version of zip that pip reads, in tenths (Python, `zipfile.MAX_EXTRACT_VERSION`).
pub(super) const MAX_ZIP_VERSION: u8 = 63;

/// A version of zip as people write it.
pub(super) fn shown_version(tenths: u8) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

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
    #[error(
        "the wheel holds `{0}`, whose name every installer reads otherwise: a name beyond ASCII is in UTF-8 and flagged as that \
         in the zip archive; build it again with a current build backend"
    )]
    Encoding(String),
    #[error(
        "the wheel holds `{0}`, which needs version {1} of zip to be unpacked, expected at most {most}, above which pip reads none; \
         build it again with a current build backend",
        most = shown_version(MAX_ZIP_VERSION)
    )]
    Version(String, String),
    #[error("the source distribution {0}")]
    Archive(#[from] InvalidArchive),
    #[error("the file has no `{0}`; build it again with a current build backend")]
    Missing(&'static str),
    #[error("the wheel's `RECORD` {0}; build it again with a current build backend")]
    Record(String),
    #[error(
        "the file holds `{0}`, which is the metadata of another file or stands beside that of this one; build it again"
    )]
    OtherMetadata(String),
    #[error("the source distribution holds `{0}`, which is not below its one folder")]
    Stray(String),
    #[error("the file's metadata is larger than {MAX_METADATA} bytes")]
    TooLarge,
}
