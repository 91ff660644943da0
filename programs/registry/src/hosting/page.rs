//! A page that is made of a package's files, or of all packages.

use std::collections::VecDeque;
use std::ops::Range;

use async_trait::async_trait;
use axum::body::Bytes;

use super::store::Store;
use super::upload::File;
use crate::pieces::Pieces;

/// The texts before, between and behind the entries of a page.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) begin: String,
    pub(crate) between: &'static str,
    pub(crate) end: String,
}

impl Page {
    /// The page of a package's files, which are read in these ranges.
    pub(super) fn of_files<E>(
        self,
        store: Store,
        package: String,
        ranges: Vec<(Range<i64>, i64)>,
        entry: E,
    ) -> impl Pieces + use<E>
    where
        E: Fn(&File) -> String + Send + Sync + 'static,
    {
        Files { page: Progress::of(self), store, package, ranges: ranges.into(), entry: Box::new(entry) }
    }

    /// The page of the versions of a package's files.
    pub(super) fn of_versions<E>(self, store: Store, package: String, entry: E) -> impl Pieces + use<E>
    where
        E: FnMut(&str) -> Option<String> + Send + 'static,
    {
        Versions { page: Progress::of(self), store, package, next: Some(0), entry: Box::new(entry) }
    }

    /// The page of all packages that have files.
    pub(super) fn of_packages<E>(self, store: Store, entry: E) -> impl Pieces + use<E>
    where
        E: Fn(&str, &str) -> String + Send + Sync + 'static,
    {
        Packages { page: Progress::of(self), store, after: Some(String::new()), entry: Box::new(entry) }
    }
}

/// The versions of how many files are read together.
const VERSIONS: i64 = 256;

type FileEntry = Box<dyn Fn(&File) -> String + Send + Sync>;
type VersionEntry = Box<dyn FnMut(&str) -> Option<String> + Send>;
type PackageEntry = Box<dyn Fn(&str, &str) -> String + Send + Sync>;

/// A page, and how far it was made.
struct Progress {
    page: Page,
    has_entries: bool,
    is_done: bool,
}

impl Progress {
    fn of(page: Page) -> Self {
        Self { page, has_entries: false, is_done: false }
    }

    /// A piece with these entries, and whatever stands before them.
    fn piece(&mut self, entries: impl IntoIterator<Item = String>) -> Bytes {
        let mut piece = std::mem::take(&mut self.page.begin);
        for entry in entries {
            if std::mem::replace(&mut self.has_entries, true) {
                piece.push_str(self.page.between);
            }
            piece.push_str(&entry);
        }
        piece.into()
    }

    /// The last piece, once.
    fn end(&mut self) -> Option<Bytes> {
        let is_done = std::mem::replace(&mut self.is_done, true);
        (!is_done).then(|| format!("{}{}", std::mem::take(&mut self.page.begin), self.page.end).into())
    }
}

struct Files {
    page: Progress,
    store: Store,
    package: String,
    ranges: VecDeque<(Range<i64>, i64)>,
    entry: FileEntry,
}

#[async_trait]
impl Pieces for Files {
    async fn next(&mut self) -> Result<Option<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
        let Some((range, _)) = self.ranges.pop_front() else { return Ok(self.page.end()) };
        let files = self.store.files(&self.package, range).await?;
        Ok(Some(self.page.piece(files.iter().map(|file| (self.entry)(file)))))
    }
}

struct Versions {
    page: Progress,
    store: Store,
    package: String,
    /// The position of the next file; `None` where there are no more.
    next: Option<i64>,
    entry: VersionEntry,
}

#[async_trait]
impl Pieces for Versions {
    async fn next(&mut self) -> Result<Option<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
        let Some(begin) = self.next.take() else { return Ok(self.page.end()) };
        let end = begin.saturating_add(VERSIONS);
        let versions = self.store.versions(&self.package, begin..end).await?;
        self.next = (!versions.is_empty()).then_some(end);
        Ok(Some(self.page.piece(versions.iter().filter_map(|version| (self.entry)(version)))))
    }
}

struct Packages {
    page: Progress,
    store: Store,
    /// The last package that was read; `None` where there are no more.
    after: Option<String>,
    entry: PackageEntry,
}

#[async_trait]
impl Pieces for Packages {
    async fn next(&mut self) -> Result<Option<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
        let Some(after) = self.after.take() else { return Ok(self.page.end()) };
        let packages = self.store.packages_after(&after).await?;
        self.after = packages.last().map(|(name, _)| name.clone());
        Ok(Some(self.page.piece(packages.iter().map(|(name, line)| (self.entry)(name, line)))))
    }
}
