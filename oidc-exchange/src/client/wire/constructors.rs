//! Constructors that registries have in common, as macros: a type has its own name, documentation and fields.

/// Implements the constructors of a registry that has a URL, and one more field where its protocol needs it.
/// Fields with a default follow after a semicolon.
macro_rules! at_own_url {
    ($registry:ident $(, $field:ident: $type:ty, $what:literal)? $(; $($setting:ident: $default:expr),+)?) => {
        impl $registry {
            /// The registry at this URL, as its tools are configured with it.
            $(
                ///
                #[doc = $what]
            )?
            ///
            /// # Errors
            ///
            /// When the URL is not https (http is allowed on loopback), or holds credentials.
            pub fn at(url: &str $(, $field: $type)?) -> Result<Self, oidc_core::InvalidUrl> {
                Ok(Self::from_url(oidc_core::HttpUrl::parse(url)? $(, $field)?))
            }

            /// The registry at a parsed URL, such as one whose plain http the user allowed
            /// ([`HttpUrl::allowing_plain_http`](oidc_core::HttpUrl::allowing_plain_http)).
            $(
                ///
                #[doc = $what]
            )?
            pub fn from_url(url: oidc_core::HttpUrl $(, $field: $type)?) -> Self {
                Self { url $(, $field: $field.into())? $($(, $setting: $default)+)? }
            }
        }
    };
}

pub(in crate::client) use at_own_url;

/// As [`at_own_url`], for a registry of whose protocol there is a public one.
macro_rules! at_url {
    ($registry:ident, $public:ident $(, $field:ident: $type:ty, $what:literal)? $(; $($setting:ident: $default:expr),+)?) => {
        $crate::client::wire::at_own_url!(
            $registry $(, $field: $type, $what)? $(; $($setting: $default),+)?
        );

        impl $registry {
            /// The public registry's URL, as its tools are configured with it.
            pub const PUBLIC_URL: &'static str = $public;

            /// The public registry.
            $(
                ///
                #[doc = $what]
            )?
            pub fn public($($field: $type)?) -> Self {
                Self::from_url(const { oidc_core::HttpUrl::constant($public) } $(, $field)?)
            }
        }
    };
}

pub(in crate::client) use at_url;

/// Implements the setter of an audience that the registry's operator chose.
macro_rules! with_audience {
    ($registry:ident) => {
        impl $registry {
            /// Sets the audience that the registry's operator chose. Identity tokens with any other audience are
            /// not sent to it.
            #[must_use]
            pub fn with_audience(mut self, audience: oidc_core::Audience) -> Self {
                self.audience = Some(audience);
                self
            }
        }
    };
}

pub(in crate::client) use with_audience;
