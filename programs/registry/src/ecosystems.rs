//! The names, URLs and audiences of the ecosystems that this registry serves.

use oidc_core::{Audience, HttpUrl, InvalidAudience};
use oidc_exchange::npm::Port;
use oidc_exchange::{crates_io, npm as npm_protocol, rubygems as rubygems_protocol};

use super::StartError;
use super::cargo;
use super::config::{Ecosystem, InvalidConfig};
use super::npm;
use super::pypi;
use super::rubygems;

/// The path at which PyPI's clients exchange, at the host's root.
pub(super) const PYPI_OIDC: &str = "/_/oidc";
/// The path at which Python projects are uploaded, below the registry's URL.
pub(super) const UPLOADS: &str = "/legacy/";

/// The path of the authorization servers of OAuth 2.0 token exchange, below the registry's URL: one for each ecosystem.
pub(super) const TOKEN_EXCHANGE: &str = "/-/token-exchange";

impl Ecosystem {
    /// Every ecosystem, in the order of pages.
    pub(super) const ALL: [Self; 4] = [Self::Npm, Self::Pypi, Self::Cargo, Self::Rubygems];

    /// The ecosystem of a name that [`as_str`](Self::as_str) gives.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ecosystem| ecosystem.as_str() == name)
    }

    /// A package's name as the stores have it.
    pub(super) fn normalized(self, name: &str) -> Result<String, String> {
        match self {
            Self::Npm => npm::normalized(name).map_err(|error| error.to_string()),
            Self::Cargo => cargo::normalized(name).map_err(|error| error.to_string()),
            Self::Pypi => pypi::normalized(name).map_err(|error| error.to_string()),
            Self::Rubygems => rubygems::normalized(name).map_err(|error| error.to_string()),
        }
    }

    /// The registry's URL as its clients get it.
    pub(super) fn root(self, public_url: &HttpUrl) -> HttpUrl {
        match self {
            Self::Npm | Self::Cargo => public_url.clone(),
            Self::Pypi => public_url.below(UPLOADS),
            Self::Rubygems => public_url.below(rubygems::ROOT),
        }
    }

    /// The URL at which its clients exchange an identity token; npm's clients append the package's name.
    pub(super) fn exchange_url(self, public_url: &HttpUrl) -> HttpUrl {
        match self {
            Self::Npm => public_url.below(npm_protocol::EXCHANGE_PATH),
            Self::Cargo => public_url.below(crates_io::TOKENS_PATH),
            Self::Pypi => public_url.below(&format!("{PYPI_OIDC}/mint-token")),
            Self::Rubygems => {
                public_url.below(&format!("{}{}", rubygems::PREFIX, rubygems_protocol::EXCHANGE_PATH))
            }
        }
    }

    /// The issuer of its authorization server, which is also the audience of identity tokens for it.
    pub(super) fn authorization_server(self, public_url: &HttpUrl) -> HttpUrl {
        public_url.below(&format!("{TOKEN_EXCHANGE}/{}", self.as_str()))
    }

    /// For whom an identity token of this ecosystem's clients is made. They all differ, so that one's token is none for
    /// another.
    pub(super) fn audiences(self, public_url: &HttpUrl) -> Result<Vec<Audience>, StartError> {
        let audiences = self.own_audiences(public_url);
        let mut audiences = audiences.map_err(|error| InvalidConfig::PublicUrl(error.to_string()))?;
        audiences.dedup();
        Ok(audiences)
    }

    fn own_audiences(self, public_url: &HttpUrl) -> Result<Vec<Audience>, InvalidAudience> {
        match self {
            Self::Npm => [Port::LeftOut, Port::PutIn]
                .map(|port| npm_protocol::audience(public_url, port))
                .into_iter()
                .collect(),
            Self::Cargo => crates_io::audience(public_url).map(|audience| vec![audience]),
            // PyPI's is a setting, which clients ask for.
            Self::Pypi => {
                Audience::new(format!("pypi:{}", public_url.host_and_port())).map(|audience| vec![audience])
            }
            Self::Rubygems => rubygems_protocol::audience(&public_url.below(rubygems::PREFIX))
                .map(|audience| vec![audience]),
        }
    }
}
