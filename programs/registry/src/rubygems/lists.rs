//! The lists of all gems that came before the compact index and that `gem list --remote` and `gem search` still read: arrays of
//! names, versions and platforms, dumped by `Marshal` and packed by gzip.
//!
//! Source: RubyGems 3.3.15, `indexer.rb`, `source.rb` and `name_tuple.rb`.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write as _};

use async_trait::async_trait;
use axum::body::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::task::spawn_blocking;

use super::marshal;
use super::platform::EVERY_PLATFORM;
use super::version::Version;
use crate::failure::Failure;
use crate::intake::blocking;
use crate::pieces::{self, Pieces};
use crate::turns::Turns;

/// One of the lists.
#[derive(Clone, Copy, Debug)]
pub(super) enum List {
    /// All versions that are no prereleases.
    Released,
    /// The newest of these, for each platform of each gem.
    Latest,
    /// The prereleases.
    Prereleases,
}

impl List {
    /// The versions of the list in a gem's line of the compact index, with their platforms.
    fn of(self, line: &str) -> Vec<Entry<'_>> {
        let mut words = line.split(' ');
        let (Some(name), Some(numbers)) = (words.next(), words.next()) else { return Vec::new() };
        let entries = numbers.split(',').filter_map(|number| Entry::of(name, number));
        match self {
            Self::Released => entries.filter(|entry| !entry.version.is_prerelease()).collect(),
            Self::Prereleases => entries.filter(|entry| entry.version.is_prerelease()).collect(),
            Self::Latest => {
                let mut latest: BTreeMap<&str, Entry<'_>> = BTreeMap::new();
                for entry in entries.filter(|entry| !entry.version.is_prerelease()) {
                    let known = latest.get(entry.platform);
                    if known.is_none_or(|known| entry.version.is_newer_than(&known.version)) {
                        latest.insert(entry.platform, entry);
                    }
                }
                latest.into_values().collect()
            }
        }
    }

    /// The versions of these gems that are in the list.
    fn count(self, lines: &[u8]) -> usize {
        text(lines).lines().map(|line| self.of(line).len()).sum()
    }

    /// The first so many of them, dumped, and how many these are.
    fn dump(self, lines: &[u8], most: usize) -> (Vec<u8>, usize) {
        let (mut dumped, mut count) = (Vec::new(), 0_usize);
        for entry in text(lines).lines().flat_map(|line| self.of(line)).take(most) {
            dumped.extend(marshal::name_tuple(entry.name, &entry.version, entry.platform));
            count = count.saturating_add(1);
        }
        (dumped, count)
    }
}

/// A version of a gem.
#[derive(Debug)]
struct Entry<'a> {
    name: &'a str,
    version: Version,
    platform: &'a str,
}

impl<'a> Entry<'a> {
    fn of(name: &'a str, number: &'a str) -> Option<Self> {
        let (version, platform) = number.split_once('-').unwrap_or((number, EVERY_PLATFORM));
        Some(Self { name, version: Version::parse(version)?, platform })
    }
}

/// A list, made of the lines of the compact index, which are read twice: the number of its entries stands first.
/// Whoever asks for a list waits for the turns of others, piece by piece, since all of it is work.
pub(super) async fn packed<P: Pieces>(
    list: List,
    turns: &Turns,
    lines: impl Fn() -> P,
) -> Result<Packed<P>, Failure> {
    let (mut counted, mut count) = (lines(), 0_usize);
    loop {
        let (rest, piece) = pieces::next(counted).await.map_err(|error| Failure::internal(&*error))?;
        let Some(piece) = piece else { break };
        counted = rest;
        let _turn = turns.take().await;
        count = count.saturating_add(blocking(move || list.count(&piece)).await?);
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&marshal::array(count)).map_err(|error| Failure::internal(&error))?;
    Ok(Packed { lines: lines(), list, turns: turns.clone(), encoder: Some(encoder), left: count })
}

/// Lines that the registry wrote.
fn text(piece: &[u8]) -> &str {
    std::str::from_utf8(piece).unwrap_or_default()
}

/// A list that is dumped and packed as it is sent.
pub(super) struct Packed<P> {
    lines: P,
    list: List,
    turns: Turns,
    encoder: Option<GzEncoder<Vec<u8>>>,
    /// The entries that are still to come. Those that were published since they were counted are left out.
    left: usize,
}

#[async_trait]
impl<P: Pieces> Pieces for Packed<P> {
    async fn next(&mut self) -> Result<Option<Bytes>, Box<dyn Error + Send + Sync>> {
        while let Some(mut encoder) = self.encoder.take() {
            let Some(piece) = self.lines.next().await? else {
                if self.left > 0 {
                    return Err("there are fewer gems than were counted".into());
                }
                return Ok(Some(encoder.finish()?.into()));
            };
            let (list, left) = (self.list, self.left);
            let pack = move || -> io::Result<_> {
                let (dumped, count) = list.dump(&piece, left);
                encoder.write_all(&dumped)?;
                let packed = std::mem::take(encoder.get_mut());
                Ok((encoder, packed, count))
            };
            let turn = self.turns.take().await;
            let (encoder, packed, count) = spawn_blocking(pack).await??;
            drop(turn);
            self.left = self.left.saturating_sub(count);
            self.encoder = Some(encoder);
            if !packed.is_empty() {
                return Ok(Some(packed.into()));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(list: List) -> Vec<String> {
        let line = "widget 1.9,1.10,1.10-java,2.0.rc1,0.9-java,1.2 00ff";
        list.of(line).iter().map(|entry| format!("{}-{}", entry.version, entry.platform)).collect()
    }

    #[test]
    fn each_list_has_its_versions() {
        let released = ["1.9-ruby", "1.10-ruby", "1.10-java", "0.9-java", "1.2-ruby"];
        assert_eq!(of(List::Released), released);
        assert_eq!(of(List::Latest), ["1.10-java", "1.10-ruby"]);
        assert_eq!(of(List::Prereleases), ["2.0.rc1-ruby"]);
        assert!(List::Released.of("---").is_empty() && List::Released.of("").is_empty());
    }
}
