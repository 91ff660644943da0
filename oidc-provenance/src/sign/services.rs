use oidc_core::HttpUrl;

/// The public instance's certificate authority.
const PUBLIC_AUTHORITY: HttpUrl = HttpUrl::constant("https://fulcio.sigstore.dev/");

/// The public instance's transparency log. npm's registry is known to accept its first interface alone.
const PUBLIC_LOG: HttpUrl = HttpUrl::constant("https://rekor.sigstore.dev/");

/// The services that sign: a certificate authority, a transparency log, and a timestamp authority where there is one.
///
/// ```
/// use oidc_core::HttpUrl;
/// use oidc_provenance::Services;
///
/// let url = |text| HttpUrl::parse(text);
/// let private = Services::new(url("https://fulcio.example")?, url("https://rekor.example")?);
/// let tiled = Services::with_tiled_log(
///     url("https://fulcio.example")?,
///     url("https://log.example")?,
///     url("https://timestamp.example/api/v1/timestamp")?,
/// );
/// assert_ne!(private, tiled);
/// # Ok::<(), oidc_core::InvalidUrl>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Services {
    pub(super) authority: HttpUrl,
    pub(super) log: HttpUrl,
    pub(super) tiled: bool,
    pub(super) timestamps: Option<HttpUrl>,
}

impl Services {
    /// Sigstore's public instance, with version 1 of its log, which public registries accept.
    pub fn public() -> Self {
        Self::new(PUBLIC_AUTHORITY, PUBLIC_LOG)
    }

    /// A certificate authority with Fulcio's interface of version 2, and a log with Rekor's of version 1.
    pub fn new(authority: HttpUrl, log: HttpUrl) -> Self {
        Self { authority, log, tiled: false, timestamps: None }
    }

    /// A certificate authority, a log with Rekor's interface of version 2, and the timestamp authority that it needs,
    /// since such a log records no time.
    pub fn with_tiled_log(authority: HttpUrl, log: HttpUrl, timestamps: HttpUrl) -> Self {
        Self { authority, log, tiled: true, timestamps: Some(timestamps) }
    }

    /// Adds a timestamp authority (RFC 3161), by the URL of its endpoint, to a log that tells the time itself.
    #[must_use]
    pub fn with_timestamps(self, timestamps: HttpUrl) -> Self {
        Self { timestamps: Some(timestamps), ..self }
    }
}
