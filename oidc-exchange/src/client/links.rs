//! The registries' and vendors' pages that messages point to. Each address is written here only.

/// Trusted publishers of a package on npm.
pub(super) const NPM: &str = "https://docs.npmjs.com/trusted-publishers";
/// Trusted publishers of a project on PyPI.
pub(super) const PYPI: &str = "https://docs.pypi.org/trusted-publishers/";
/// Trusted publishers of a crate on crates.io.
pub(super) const CRATES_IO: &str = "https://crates.io/docs/trusted-publishing";
/// Trusted publishers of a gem on RubyGems.
pub(super) const RUBYGEMS: &str = "https://guides.rubygems.org/trusted-publishing/";
/// The changes that setup-node makes to npm's settings.
pub(super) const SETUP_NODE: &str = "https://github.com/actions/setup-node/blob/main/docs/advanced-usage.md";
/// Identity tokens of a job on GitHub Actions.
pub(super) const GITHUB: &str = "https://docs.github.com/en/actions/reference/security/oidc";
/// Trusted publishers of an account on nuget.org.
pub(super) const NUGET: &str = "https://learn.microsoft.com/nuget/nuget-org/trusted-publishing";
/// Trusted publishers of an extension on Open VSX.
pub(super) const OPEN_VSX: &str = "https://github.com/eclipse-openvsx/openvsx/wiki/Trusted-Publishing";
/// Publishing by identity with vsce.
pub(super) const VS_MARKETPLACE: &str = "https://github.com/microsoft/vscode-vsce";
/// Trusted publishers of a package on Private Packagist.
pub(super) const PACKAGIST: &str = "https://packagist.com/docs";
/// Trusted publishers of a channel on prefix.dev.
pub(super) const PREFIX_DEV: &str = "https://prefix.dev/docs";
/// The link between a package and its repository on JSR.
pub(super) const JSR: &str = "https://jsr.io/docs/publishing-packages";
/// Trusted publishers of a package on pub.dev.
pub(super) const PUB_DEV: &str = "https://dart.dev/tools/pub/automated-publishing";
/// The action that logs in to Docker Hub by identity.
pub(super) const DOCKER_HUB: &str = "https://github.com/docker/oidc-action";
/// The draft of trusted publishers on Hex.
pub(super) const HEX: &str = "https://github.com/hexpm/hexpm/pull/1785";
/// Cloudsmith's documentation.
pub(super) const CLOUDSMITH: &str = "https://docs.cloudsmith.com";
/// The MCP registry.
pub(super) const MCP_REGISTRY: &str = "https://github.com/modelcontextprotocol/registry";
/// uv's documentation of pyx.
pub(super) const PYX: &str = "https://docs.pyx.dev";
