//! Constructors that registries have in common, as macros: a type has its own name, documentation and fields.

/// Implements the constructors of a registry that has a URL, and one more field where its protocol needs it; fields with a
/// default follow after a semicolon, and after an arrow a function that turns another URL that its tools know into the
/// registry's. A registry of whose protocol there is a public one names its URL first.
///
/// The file's `PROTOCOL` and `FACTS` are the row's constants.
macro_rules! registry {
    ($registry:ident, $public:ident $(, $field:ident: $type:ty, $what:literal)? $(; $($setting:ident: $default:expr),+)? $(=> $canonical:path)?) => {
        $crate::client::row::registry!(@own $registry $(, $field: $type, $what)? $(; $($setting: $default),+)? $(=> $canonical)?);

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
    (@own $registry:ident $(, $field:ident: $type:ty, $what:literal)? $(; $($setting:ident: $default:expr),+)? $(=> $canonical:path)?) => {
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
                $(let url = $canonical(url);)?
                Self { url $(, $field: $field.into())? $($(, $setting: $default)+)? }
            }
        }

        impl $crate::client::row::Placed for $registry {
            const PROTOCOL: &'static $crate::client::Protocol = &PROTOCOL;
            const FACTS: &'static $crate::client::ProtocolFacts = &FACTS;

            fn location(&self) -> &oidc_core::HttpUrl {
                &self.url
            }
        }
    };
}

pub(in crate::client) use registry;

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

/// Implements the constructor of a scope, for a registry whose tokens are for one package.
macro_rules! scope_of {
    ($registry:ident, $name:ty, $invalid:ty, $what:literal) => {
        impl $registry {
            #[doc = concat!("Makes the scope of a token from ", $what, ".")]
            ///
            /// # Errors
            ///
            #[doc = concat!("When the text is not ", $what, ".")]
            pub fn scope(package: &str) -> Result<$crate::client::Scope, $invalid> {
                package.parse().map(|name: $name| $crate::client::Scope::Package(name.to_string()))
            }
        }
    };
}

pub(in crate::client) use scope_of;
