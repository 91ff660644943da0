//! Taking in what is uploaded, within bounds on memory and number.
//!
//! A body is written to a temporary file while it arrives, which may take long, and read into memory when there is room for
//! it, to be looked at and stored, which doesn't. So memory is bounded by what the configuration says, whatever the number of
//! clients and their pace, and files by the number of uploads.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use http_body_util::BodyExt as _;
use hyper::rt::Timer as _;
use hyper_util::rt::TokioTimer;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use super::failure::Failure;

/// The largest body that publishes, in bytes.
pub(super) const MAX_UPLOAD: usize = 64 << 20;
/// Uploads at a time, unless it is configured.
pub(super) const UPLOADS: usize = 32;
/// One publisher has at most this part of the uploads and of their memory at a time, so that slow ones leave room for those of
/// others.
const SHARES: usize = 4;
/// The memory for uploads, unless it is configured, and the least that can be: an npm document and its tarball.
pub(super) const UPLOAD_MEMORY_MB: usize = 128;
/// The size of a body in memory while it arrives, before it is written to a file.
const IN_MEMORY: usize = 256 << 10;
/// Memory is counted in units of this many bytes.
const UNIT: usize = 64 << 10;
/// The time that an upload waits for others before its body is read: together with the time of the body's arrival, no longer than a
/// stalled connection lives.
const WAIT_TO_BEGIN: Duration = Duration::from_secs(30);
/// The time that an upload that has arrived waits for memory.
const WAIT_FOR_MEMORY: Duration = Duration::from_secs(60);

/// The room for uploads. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Intake {
    uploads: Arc<Semaphore>,
    /// The shares of those who are uploading.
    shares: Arc<Mutex<HashMap<String, Weak<Share>>>>,
    uploads_of_one: usize,
    memory: Arc<Semaphore>,
    units: u32,
}

/// The room of one publisher.
#[derive(Debug)]
struct Share {
    uploads: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    /// The publisher's part of the units of memory. An upload that needs more takes all of it, and is the only one.
    units: u32,
}

/// A part of a publisher's room, and the same part of everybody's.
type Taken = (OwnedSemaphorePermit, OwnedSemaphorePermit);

impl Intake {
    /// Room for `uploads` at a time, and for `megabytes` of them in memory.
    pub(super) fn new(uploads: usize, megabytes: usize) -> Self {
        let units = megabytes.max(UPLOAD_MEMORY_MB).saturating_mul(1 << 20) / UNIT;
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let uploads = uploads.clamp(1, Semaphore::MAX_PERMITS);
        let uploads_of_one = (uploads / SHARES).max(1);
        let (uploads, memory) = (Arc::new(Semaphore::new(uploads)), room(units));
        Self { uploads, shares: Arc::default(), uploads_of_one, memory, units }
    }

    /// Begins to take in an upload of a publisher, once there is room.
    pub(super) async fn begin(&self, publisher: &str) -> Result<Spool, Failure> {
        let share = self.share_of(publisher);
        let place = take((&share.uploads, 1), (&self.uploads, 1), WAIT_TO_BEGIN).await?;
        let place = Place { share, _taken: place };
        Ok(Spool { intake: self.clone(), buffer: Vec::new(), file: None, written: 0, place })
    }

    /// Begins to take in a body of a publisher, once there is room.
    pub(super) async fn body(&self, publisher: &str, body: Body) -> Result<Incoming, Failure> {
        Ok(Incoming { spool: self.begin(publisher).await?, body, rest: Bytes::new(), left: MAX_UPLOAD })
    }

    /// The room of a publisher. It is there as long as a part of it is taken or waited for.
    fn share_of(&self, publisher: &str) -> Arc<Share> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(publisher).and_then(Weak::upgrade) {
            return share;
        }
        shares.retain(|_, share| share.strong_count() > 0);
        let units = (self.units / u32::try_from(SHARES).unwrap_or(1)).max(1);
        let uploads = Arc::new(Semaphore::new(self.uploads_of_one));
        let share = Arc::new(Share { uploads, memory: room(units), units });
        shares.insert(publisher.to_owned(), Arc::downgrade(&share));
        share
    }
}

/// Room for so many units of memory.
fn room(units: u32) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(usize::try_from(units).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS)))
}

/// Takes so much of a publisher's room, and then so much of everybody's. Where a publisher has all of its own, its other uploads are
/// not in the line of all, so that nobody waits for them.
async fn take(
    own: (&Arc<Semaphore>, u32),
    all: (&Arc<Semaphore>, u32),
    most: Duration,
) -> Result<Taken, Failure> {
    let taken = async {
        let own = Arc::clone(own.0).acquire_many_owned(own.1).await?;
        Ok::<_, AcquireError>((own, Arc::clone(all.0).acquire_many_owned(all.1).await?))
    };
    let taken = tokio::select! {
        biased;
        taken = taken => taken.ok(),
        () = TokioTimer::new().sleep(most) => None,
    };
    taken.ok_or_else(|| {
        let message = "the registry is taking in as many uploads as it may; try again later";
        Failure::new(StatusCode::SERVICE_UNAVAILABLE, message)
    })
}

/// The refusal of a body that is too long, or ends early, or arrives too slowly.
pub(super) fn unread(limit: usize) -> Failure {
    let message = format!("the body is incomplete, arrived too slowly or is larger than {limit} bytes");
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, message)
}

/// A body that is being read from its beginning.
pub(super) struct Incoming {
    spool: Spool,
    body: Body,
    /// The bytes that arrived and were not requested yet.
    rest: Bytes,
    left: usize,
}

impl Incoming {
    /// The next bytes, which are few. `None` where the body ends before.
    pub(super) async fn exact(&mut self, length: usize) -> Result<Option<Vec<u8>>, Failure> {
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let Some(arrived) = self.next().await? else { return Ok(None) };
            let missing = length.saturating_sub(bytes.len());
            self.rest = arrived;
            bytes.extend(self.rest.split_to(missing.min(self.rest.len())));
        }
        Ok(Some(bytes))
    }

    /// All bytes that are left.
    pub(super) async fn rest(mut self) -> Result<Spooled, Failure> {
        while let Some(bytes) = self.next().await? {
            self.spool.write(&bytes).await?;
        }
        self.spool.finish().await
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        if !self.rest.is_empty() {
            return Ok(Some(std::mem::take(&mut self.rest)));
        }
        while let Some(frame) = self.body.frame().await {
            let Ok(bytes) = frame.map_err(|_| unread(MAX_UPLOAD))?.into_data() else { continue };
            self.left = self.left.checked_sub(bytes.len()).ok_or_else(|| unread(MAX_UPLOAD))?;
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }
}

/// Bytes that arrive: few in memory, many in a file.
pub(super) struct Spool {
    intake: Intake,
    buffer: Vec<u8>,
    file: Option<File>,
    /// The number of bytes in the file.
    written: usize,
    place: Place,
}

/// The place of an upload.
#[derive(Debug)]
struct Place {
    share: Arc<Share>,
    _taken: Taken,
}

impl Spool {
    /// The number of bytes that have arrived.
    pub(super) fn len(&self) -> usize {
        self.written.saturating_add(self.buffer.len())
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= IN_MEMORY { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        let (mut buffer, file) = (std::mem::take(&mut self.buffer), self.file.take());
        let length = buffer.len();
        let write = move || -> io::Result<(Vec<u8>, File)> {
            let mut file = file.map_or_else(tempfile::tempfile, Ok)?;
            file.write_all(&buffer)?;
            buffer.clear();
            Ok((buffer, file))
        };
        let (buffer, file) = blocking(write).await?.map_err(|error| Failure::internal(&error))?;
        self.written = self.written.saturating_add(length);
        (self.buffer, self.file) = (buffer, Some(file));
        Ok(())
    }

    pub(super) async fn finish(mut self) -> Result<Spooled, Failure> {
        if self.file.is_some() {
            self.flush().await?;
        }
        Ok(Spooled(self))
    }
}

/// Bytes that have arrived.
pub(super) struct Spooled(Spool);

impl Spooled {
    /// The number of bytes.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Reads them into memory, once there is room for them and for `more` bytes that are made of them.
    pub(super) async fn load(self, more: usize) -> Result<Content, Failure> {
        let units = self.len().saturating_add(more).div_ceil(UNIT).max(1);
        let Self(Spool { intake, buffer, file, written, place }) = self;
        let units = u32::try_from(units).unwrap_or(u32::MAX).min(intake.units);
        let (own, all) = (&place.share, &intake.memory);
        let taken = take((&own.memory, units.min(own.units)), (all, units), WAIT_FOR_MEMORY).await?;
        let read = move || -> io::Result<Vec<u8>> {
            let Some(mut file) = file else { return Ok(buffer) };
            file.rewind()?;
            let mut bytes = Vec::with_capacity(written);
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = blocking(read).await?.map_err(|error| Failure::internal(&error))?;
        Ok(Content { bytes: bytes.into(), room: Some(Arc::new((taken, place))) })
    }
}

/// Bytes in memory, with the room that they take. Clones and parts share both.
#[derive(Clone, Debug)]
pub(super) struct Content {
    bytes: Bytes,
    /// Given back when the last of them is dropped.
    #[allow(dead_code)]
    room: Option<Arc<(Taken, Place)>>,
}

#[allow(dead_code)]
impl Content {
    /// The bytes. They take no room of their own and must not outlive this.
    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Other bytes, made of these, in the same room.
    pub(super) fn with(&self, bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), room: self.room.clone() }
    }
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl From<Vec<u8>> for Content {
    /// Bytes that were not uploaded, so that nobody counts their room.
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes: bytes.into(), room: None }
    }
}

/// Work that takes a while, which other requests on this thread shouldn't have to wait for.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Failure::internal(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intake(uploads: usize) -> Intake {
        Intake::new(uploads, 1)
    }

    #[tokio::test]
    async fn a_body_is_taken_in_whole_whether_it_is_small_or_large() {
        for length in [0, 1, IN_MEMORY - 1, IN_MEMORY, IN_MEMORY + 1, 3 << 20] {
            let bytes: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect();
            let mut incoming =
                intake(1).body("a", Body::from([b"head".as_slice(), &bytes].concat())).await.unwrap();
            assert_eq!(incoming.exact(4).await.unwrap().unwrap(), b"head");
            let content = incoming.rest().await.unwrap().load(0).await.unwrap();
            assert!(*content == *bytes, "{length}");
        }
        let mut incoming = intake(1).body("a", Body::from("head")).await.unwrap();
        assert_eq!(incoming.exact(5).await.unwrap(), None);
        let large = Body::from(vec![0; MAX_UPLOAD + 1]);
        assert!(intake(1).body("a", large).await.unwrap().rest().await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_room_for_so_many_uploads_and_so_much_memory() {
        let intake = intake(3);
        let upload = async |megabytes: usize| {
            let (publisher, body) = (megabytes.to_string(), Body::from(vec![1; megabytes << 20]));
            {
                let spooled = intake.body(&publisher, body).await?.rest().await?;
                let more = spooled.len();
                spooled.load(more).await
            }
        };
        let large = upload(60).await.unwrap();
        assert!(upload(8).await.unwrap_err().message().contains("try again later"));
        let small = [upload(1).await.unwrap(), upload(2).await.unwrap()];
        let began = TokioTimer::new().now();
        assert!(intake.begin("other").await.is_err());
        assert!(TokioTimer::new().now() - began <= Duration::from_secs(31));
        drop(large);
        let half = upload(60).await.unwrap();
        let part = half.with(vec![1]);
        drop(half);
        assert!(upload(60).await.is_err());
        drop((part, small));
        assert!(upload(60).await.is_ok());
    }
    #[tokio::test(start_paused = true)]
    async fn the_uploads_of_one_publisher_leave_room_for_others() {
        let intake = intake(8);
        let _slow = [intake.begin("a").await.unwrap(), intake.begin("a").await.unwrap()];
        assert!(intake.begin("a").await.is_err());
        let others: Vec<String> = (0..6).map(|number| number.to_string()).collect();
        let mut spools = Vec::new();
        for other in &others {
            spools.push(intake.begin(other).await.unwrap());
        }
        assert!(intake.begin("b").await.is_err());
        drop(spools);
        assert!(intake.begin("b").await.is_ok());
        assert_eq!(intake.shares.lock().unwrap().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn the_memory_that_one_publisher_waits_for_is_not_kept_from_others() {
        let intake = intake(32);
        let arrived = async |publisher: &str, megabytes: usize| {
            let body = Body::from(vec![1; megabytes << 20]);
            intake.body(publisher, body).await.unwrap().rest().await.unwrap()
        };
        let long = arrived("a", 50).await.load(0).await.unwrap();
        let waiting = [arrived("a", 50).await, arrived("a", 1).await];
        let waiting = waiting.map(|spooled| tokio::spawn(spooled.load(0)));
        tokio::task::yield_now().await;
        assert!(arrived("b", 60).await.load(0).await.is_ok());
        assert!(waiting.iter().all(|load| !load.is_finished()));
        drop(long);
        for load in waiting {
            drop(load.await.unwrap().unwrap());
        }
    }

    #[tokio::test]
    async fn small_uploads_of_one_publisher_are_in_memory_together() {
        let intake = intake(32);
        let mut contents = Vec::new();
        for _ in 0..8 {
            let spooled = intake.body("a", Body::from(vec![1; 2 << 20])).await.unwrap().rest().await.unwrap();
            contents.push(spooled.load(2 << 20).await.unwrap());
        }
    }
}
