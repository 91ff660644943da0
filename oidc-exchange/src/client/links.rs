//! The registries' and vendors' pages that messages point to. Each address stands here and nowhere else.

/// How a package gets a trusted publisher on npm.
pub(super) const NPM: &str = "https://docs.npmjs.com/trusted-publishers";
/// How a project gets a trusted publisher on PyPI.
pub(super) const PYPI: &str = "https://docs.pypi.org/trusted-publishers/";
/// How a crate gets a trusted publisher on crates.io.
pub(super) const CRATES_IO: &str = "https://crates.io/docs/trusted-publishing";
/// How a gem gets a trusted publisher on RubyGems.
pub(super) const RUBYGEMS: &str = "https://guides.rubygems.org/trusted-publishing/";
/// What setup-node does to npm's settings.
pub(super) const SETUP_NODE: &str = "https://github.com/actions/setup-node/blob/main/docs/advanced-usage.md";
/// How a job on GitHub Actions gets identity tokens.
pub(super) const GITHUB: &str = "https://docs.github.com/en/actions/reference/security/oidc";
/// How an account gets a trusted publisher on nuget.org.
pub(super) const NUGET: &str = "https://learn.microsoft.com/nuget/nuget-org/trusted-publishing";
/// How an extension gets a trusted publisher on Open VSX.
pub(super) const OPEN_VSX: &str = "https://github.com/eclipse-openvsx/openvsx/wiki/Trusted-Publishing";
/// How vsce publishes by identity.
pub(super) const VS_MARKETPLACE: &str = "https://github.com/microsoft/vscode-vsce";
/// How a package gets a trusted publisher on Private Packagist.
pub(super) const PACKAGIST: &str = "https://packagist.com/docs";
/// How a channel gets a trusted publisher on prefix.dev.
pub(super) const PREFIX_DEV: &str = "https://prefix.dev/docs";
/// How a package is linked to its repository on JSR.
pub(super) const JSR: &str = "https://jsr.io/docs/publishing-packages";
/// How a package gets a trusted publisher on pub.dev.
pub(super) const PUB_DEV: &str = "https://dart.dev/tools/pub/automated-publishing";
