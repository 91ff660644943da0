//! Talk to registries: exchange a job's identity token for a short-lived publish token.
//!
//! ```no_run
//! use oidc_core::{Context, ProviderSet};
//! use oidc_exchange::client::{Mode, Npm, Outcome, Registry as _};
//!
//! # async fn publish(providers: ProviderSet, cx: Context) -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Npm::at("https://registry.example/npm/")?;
//! match registry.publish_token("@acme/widget".parse()?, Mode::Automatic, &providers, &cx).await? {
//!     Outcome::Token(token) => println!("got a token for {}", token.package()),
//!     Outcome::Fallback(why) => println!("using the static token, since {why}"),
//!     _ => println!("using the static token"),
//! }
//! # Ok(())
//! # }
//! ```

mod audience;
mod crates_io;
mod demand;
pub mod doctor;
mod error;
mod jsr;
mod known;
mod links;
mod npm;
mod npm_config;
mod npm_tools;
mod nuget;
mod open_vsx;
mod packagist;
mod pep_807;
mod prefix_dev;
mod protocol;
mod pub_dev;
mod pypi;
mod renewal;
mod rubygems;
mod told;
mod vs_marketplace;
mod wire;

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use oidc_core::http::Request;
use oidc_core::{
    Ambient, Audience, Context, Detection, Diagnosis, HttpUrl, IdToken, Provider, ProviderSet, Secret,
    SourceError, Timestamp, TokenSource, shown,
};

pub use self::crates_io::CratesIo;
pub use self::demand::{Demand, TrustedPlatform};
pub use self::error::{ExchangeError, ExchangeErrorKind};
pub use self::jsr::{InvalidJsrUpload, Jsr, JsrUpload};
pub use self::known::KnownRefusal;
pub use self::npm::Npm;
pub use self::nuget::NuGet;
pub use self::open_vsx::{Extension, InvalidExtension, OpenVsx};
pub use self::packagist::{ComposerName, InvalidComposerName, Packagist};
pub use self::pep_807::Pep807;
pub use self::prefix_dev::PrefixDev;
pub use self::protocol::Protocol;
pub use self::pub_dev::PubDev;
pub use self::pypi::Pypi;
pub use self::renewal::{Renewal, Renewing};
pub use self::rubygems::RubyGems;
pub use self::told::RegistryReason;
pub use self::vs_marketplace::VsMarketplace;

/// A registry, as a publish tool sees it.
#[async_trait]
pub trait Registry: fmt::Debug + Send + Sync {
    /// How this registry names packages.
    type Package: Clone + fmt::Debug + fmt::Display + PartialEq + Send + Sync;

    /// The registry's URL, as it was given.
    fn url(&self) -> &HttpUrl;

    /// A request that every registry of this protocol answers, and to anybody. Where it accepts JSON, a web page is no
    /// answer of a registry.
    fn probe(&self) -> Request {
        Request::get(self.url().clone())
    }

    /// Whether a probe that is answered with this status found a registry of this protocol. Where it did not, a publish
    /// goes nowhere, although the exchange may go through: some clients ask for it at the host's root, whatever the path.
    fn is_there(&self, _status: u16) -> bool {
        true
    }

    /// What about the registry's URL is easily overlooked.
    fn advise(&self) -> Vec<Diagnosis> {
        Vec::new()
    }

    /// What keeps the protocol's own tools in this job from publishing `package` here, although an exchange by this client goes
    /// through. `platform` is the one that the job runs on.
    async fn advise_on_tools(
        &self,
        _package: &Self::Package,
        _platform: Option<&dyn Provider>,
        _cx: &Context,
    ) -> Vec<Diagnosis> {
        Vec::new()
    }

    /// What all registries of its protocol have in common.
    fn protocol(&self) -> &'static Protocol;

    /// The audience that an identity token for this registry must have.
    ///
    /// # Errors
    ///
    /// When the registry has to be asked and gives no usable answer.
    async fn audience(&self, cx: &Context) -> Result<Audience, ExchangeError>;

    /// Exchanges an identity token for a publish token. Never tried twice: the registry may have used the
    /// identity token up although its answer was lost.
    ///
    /// # Errors
    ///
    /// When the registry refuses, can't be reached, or gives no usable answer.
    async fn exchange(&self, token: &IdToken, package: Self::Package, cx: &Context)
    -> Granted<Self::Package>;

    /// Asks the registry to end a publish token before it expires. `Ok(false)` where the protocol has no way to.
    ///
    /// # Errors
    ///
    /// When the registry can't be reached or refuses.
    async fn revoke(
        &self,
        _token: &PublishToken<Self::Package>,
        _cx: &Context,
    ) -> Result<bool, ExchangeError> {
        Ok(false)
    }

    /// Gets an identity token from `source`, a new one where the platform can give one, and exchanges it.
    ///
    /// # Errors
    ///
    /// When either step fails.
    async fn token_from(
        &self,
        source: &dyn TokenSource,
        package: Self::Package,
        cx: &Context,
    ) -> Result<PublishToken<Self::Package>, Failure> {
        let audience = self.audience(cx).await?;
        let token = source.token(&audience).await?;
        Ok(self.exchange(&token, package, cx).await?)
    }

    /// Finds out where the job runs, gets an identity token there and exchanges it for one that publishes
    /// `package`, as far as the mode says. Each package takes its own call.
    ///
    /// # Errors
    ///
    /// In [`Mode::Always`], whatever kept the token from us. In [`Mode::Automatic`] that is
    /// [`Outcome::Fallback`].
    async fn publish_token(
        &self,
        package: Self::Package,
        mode: Mode,
        providers: &ProviderSet,
        cx: &Context,
    ) -> Result<Outcome<Self::Package>, Failure> {
        if mode == Mode::Never {
            return Ok(Outcome::Disabled);
        }
        let mut detection = Detection::new(cx);
        detection.token_variables.extend(self.protocol().token_variables);
        let result = match Ambient::detect(providers, detection) {
            Ok(source) => self.token_from(&*source, package, cx).await,
            Err(error) => Err(error.into()),
        };
        match result {
            Ok(token) => Ok(Outcome::Token(token)),
            Err(failure) if mode == Mode::Automatic => Ok(Outcome::Fallback(failure)),
            Err(failure) => Err(failure),
        }
    }
}

/// The scope of a publish token whose registry is asked for no package: every package that lets the identity in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Everything;

impl fmt::Display for Everything {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EVERYTHING)
    }
}

/// Words that no package is named by.
const EVERYTHING: &str = "every package of the identity";

/// A package as it stands in a sentence: a name is quoted, and [`Everything`] is none.
fn quoted(package: &str) -> String {
    if package == EVERYTHING { package.to_owned() } else { format!("`{}`", shown(package)) }
}

/// A short-lived token that publishes one package, or [`Everything`] that its registry lets the identity publish.
///
/// Its text is handed out for the package that it was made for and for no other.
#[derive(Clone, Debug)]
pub struct PublishToken<P> {
    secret: Secret,
    package: P,
    expires_at: Option<Timestamp>,
    told: Option<Vec<String>>,
}

impl<P: PartialEq + fmt::Display> PublishToken<P> {
    /// A token that a registry handed out for `package`, with its end where that is known.
    pub fn new(secret: Secret, package: P, expires_at: Option<Timestamp>) -> Self {
        Self { secret, package, expires_at, told: None }
    }

    /// With the names of the packages that the registry's answer limits it to.
    #[must_use]
    pub fn limited_to(mut self, packages: impl IntoIterator<Item = String>) -> Self {
        self.told = Some(packages.into_iter().collect());
        self
    }

    /// The token's text, for publishing `package`.
    ///
    /// # Errors
    ///
    /// When the token was made for another package.
    pub fn secret_for(&self, package: &P) -> Result<&Secret, WrongPackage> {
        if self.package == *package {
            return Ok(&self.secret);
        }
        Err(WrongPackage { made_for: self.package.to_string(), asked_for: package.to_string() })
    }

    /// The package that it publishes.
    pub fn package(&self) -> &P {
        &self.package
    }

    /// The names of the packages that the registry's answer limits it to; `None` where it tells none. Of the protocols for
    /// [`Everything`] only RubyGems' can.
    pub fn told_packages(&self) -> Option<&[String]> {
        self.told.as_deref()
    }

    /// When it ends: as the registry told, or else as its protocol's documentation has it; `None` where neither says.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }
}

/// What an exchange comes to.
pub type Granted<P> = Result<PublishToken<P>, ExchangeError>;

/// A publish token was asked for another package than its own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the publish token is for package `{made_for}` and can't publish `{asked_for}`; exchange one for each package"
)]
pub struct WrongPackage {
    made_for: String,
    asked_for: String,
}

/// How much a publish relies on trusted publishing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// Try it, and fall back to a static credential with the reason.
    #[default]
    Automatic,
    /// It or nothing.
    Always,
    /// No OIDC at all.
    Never,
}

impl FromStr for Mode {
    type Err = InvalidMode;

    fn from_str(text: &str) -> Result<Self, InvalidMode> {
        match text {
            "automatic" => Ok(Self::Automatic),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err(InvalidMode),
        }
    }
}

/// A text is not the name of a [`Mode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `automatic`, `always` or `never`")]
pub struct InvalidMode;

/// What came of trying to publish by identity.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome<P> {
    /// A publish token.
    Token(PublishToken<P>),
    /// None, and why ([`Mode::Automatic`]): use the static credential, and tell the user the reason.
    Fallback(Failure),
    /// Nothing was tried ([`Mode::Never`]).
    Disabled,
}

/// Why there is no publish token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The job got no identity token.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The registry gave no publish token for it.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}

impl Failure {
    /// What is wrong and what to change.
    pub fn diagnosis(&self) -> &Diagnosis {
        match self {
            Self::Source(error) => error.diagnosis(),
            Self::Exchange(error) => error.diagnosis(),
        }
    }
}
