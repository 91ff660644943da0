//! The static credentials of publish tools, one table: the variables and files that the tools read, and the last step at
//! the registry. The files of registries name their tools' row.
//!
//! Rows are by the tools' documentation. The names of variables in scripts and the files of other tools than npm, cargo, gem
//! and those of PyPI are not among the collected facts, and uncertain.

use super::static_credentials::{CredentialFile, StaticCredentials};

/// npm, pnpm, yarn and bun.
pub(super) const NPM: StaticCredentials = StaticCredentials::new(
    "npm",
    &["NODE_AUTH_TOKEN", "NPM_TOKEN", "NPM_AUTH_TOKEN", "YARN_NPM_AUTH_TOKEN", "BUN_CONFIG_TOKEN"],
    &[
        CredentialFile::new(".npmrc", &["_authToken", "_auth", "_password"])
            .at_variable("NPM_CONFIG_USERCONFIG")
            .also_in_job(),
        CredentialFile::new(".yarnrc.yml", &["npmAuthToken", "npmAuthIdent"]).also_in_job(),
    ],
    "revoke the old token at the registry, and set the package to \"Require two-factor authentication and disallow tokens\"",
)
.variables_around("npm_config_//", ":_authToken");

/// twine, uv, and other tools that upload to PyPI.
pub(super) const PYPI: StaticCredentials = StaticCredentials::new(
    "pypi",
    &[
        "TWINE_PASSWORD",
        "UV_PUBLISH_TOKEN",
        "UV_PUBLISH_PASSWORD",
        "MATURIN_PYPI_TOKEN",
        "POETRY_PYPI_TOKEN_PYPI",
        "PDM_PUBLISH_PASSWORD",
        "HATCH_INDEX_AUTH",
        "FLIT_PASSWORD",
    ],
    &[CredentialFile::new(".pypirc", &["password"])],
    "remove the API token on PyPI, under the account's settings",
);

/// The variables that tell the registry's URL to twine, uv, maturin, flit, hatch and PDM.
pub(super) const PYPI_URLS: &[&str] = &[
    "TWINE_REPOSITORY_URL",
    "UV_PUBLISH_URL",
    "MATURIN_REPOSITORY_URL",
    "FLIT_INDEX_URL",
    "HATCH_INDEX_REPO",
    "PDM_PUBLISH_REPO",
];

/// cargo, whose file had another name once.
pub(super) const CARGO: StaticCredentials = StaticCredentials::new(
    "crates-io",
    &["CARGO_REGISTRY_TOKEN"],
    &[
        CredentialFile::new("credentials.toml", &["token"]).in_folder_of("CARGO_HOME", ".cargo/"),
        CredentialFile::new("credentials", &["token"]).in_folder_of("CARGO_HOME", ".cargo/"),
    ],
    "revoke the API token on crates.io, and let the crate be published by trusted publishing only",
)
.variables_around("CARGO_REGISTRIES_", "_TOKEN");

/// gem.
pub(super) const GEM: StaticCredentials = StaticCredentials::new(
    "rubygems",
    &["GEM_HOST_API_KEY", "RUBYGEMS_API_KEY"],
    &[CredentialFile::new("credentials", &["api_key"]).below_home(".gem/")],
    "delete the API key on rubygems.org, under the profile's settings",
);

/// The text in a `NuGet.Config` that shows that it holds API keys.
const NUGET_KEYS: &[&str] = &["<apikeys>"];

/// nuget and dotnet, by Microsoft's documentation of `nuget setapikey`.
pub(super) const NUGET: StaticCredentials = StaticCredentials::new(
    "nuget",
    &["NUGET_API_KEY"],
    &[
        CredentialFile::marked("NuGet.Config", ".nuget/NuGet/", NUGET_KEYS),
        CredentialFile::marked("NuGet.Config", ".config/NuGet/", NUGET_KEYS),
        CredentialFile::marked("nuget.config", ".nuget/", NUGET_KEYS).also_in_job(),
    ],
    "delete the API key on nuget.org, under the account's settings",
);

/// rattler-build and pixi.
pub(super) const CONDA: StaticCredentials = StaticCredentials::new(
    "prefix-dev",
    &["PREFIX_API_KEY"],
    &[CredentialFile::marked("credentials.json", ".rattler/", &["\"BearerToken\""])
        .at_variable("RATTLER_AUTH_FILE")],
    "delete the API key on prefix.dev, under the account's settings",
);

/// Scripts for Private Packagist. Composer's own `auth.json` is not included: it is for reading packages and not for
/// publishing.
pub(super) const COMPOSER: StaticCredentials = StaticCredentials::new(
    "packagist",
    &["PRIVATE_PACKAGIST_API_KEY", "PRIVATE_PACKAGIST_API_SECRET"],
    &[],
    "delete the API credentials on Private Packagist, under the organization's settings",
);

/// ovsx.
pub(super) const OVSX: StaticCredentials = StaticCredentials::new(
    "open-vsx",
    &["OVSX_PAT"],
    &[CredentialFile::marked(".ovsx", "", &["\"pat\""])],
    "delete the access token on Open VSX, under the account's settings",
);

/// vsce.
pub(super) const VSCE: StaticCredentials = StaticCredentials::new(
    "vs-marketplace",
    &["VSCE_PAT"],
    &[CredentialFile::marked(".vsce", "", &["\"pat\""])],
    "revoke the personal access token in Azure DevOps",
);

/// deno and jsr, for which the token is an option.
pub(super) const JSR: StaticCredentials = StaticCredentials::new(
    "jsr",
    &["JSR_TOKEN"],
    &[],
    "revoke the token on jsr.io, under the account's settings",
);

/// The texts in pub's files that show a log-in.
const PUB_LOG_IN: &[&str] = &["\"refreshToken\"", "\"accessToken\""];

/// dart and flutter. `PUB_TOKEN` is the example of Dart's documentation.
pub(super) const PUB: StaticCredentials = StaticCredentials::new(
    "pub-dev",
    &["PUB_TOKEN", "PUB_CREDENTIALS"],
    &[
        CredentialFile::marked("pub-credentials.json", ".config/dart/", PUB_LOG_IN),
        CredentialFile::marked("pub-tokens.json", ".config/dart/", &["\"token\""]),
        CredentialFile::marked("credentials.json", ".pub-cache/", PUB_LOG_IN),
    ],
    "let the package be published from CI only, under its admin page on pub.dev",
);

/// docker.
pub(super) const DOCKER: StaticCredentials = StaticCredentials::new(
    "docker-hub",
    &["DOCKERHUB_TOKEN", "DOCKER_PASSWORD"],
    &[CredentialFile::marked("config.json", ".docker/", &["\"auth\""])
        .in_folder_of("DOCKER_CONFIG", ".docker/")],
    "delete the access token on Docker Hub, under the account's or the organization's settings",
);

/// JFrog's own command.
pub(super) const JFROG: StaticCredentials = StaticCredentials::new(
    "jfrog",
    &["JF_ACCESS_TOKEN", "JFROG_CLI_ACCESS_TOKEN"],
    &[],
    "revoke the access token in the JFrog platform's administration",
);

/// mix and rebar3.
pub(super) const HEX: StaticCredentials = StaticCredentials::new(
    "hex",
    &["HEX_API_KEY"],
    &[CredentialFile::marked("hex.config", ".hex/", &["write_key", "api_key"])],
    "revoke the key on hex.pm, under the account's settings",
);

/// Cloudsmith's own command.
pub(super) const CLOUDSMITH: StaticCredentials = StaticCredentials::new(
    "cloudsmith",
    &["CLOUDSMITH_API_KEY"],
    &[CredentialFile::new("credentials.ini", &["api_key"]).below_home(".cloudsmith/")],
    "rotate the API key on Cloudsmith, under the account's settings",
);

/// mcp-publisher, which keeps a log-in.
pub(super) const MCP_PUBLISHER: StaticCredentials = StaticCredentials::new(
    "mcp-registry",
    &[],
    &[CredentialFile::marked(".mcpregistry_token", "", &["token"]).also_in_job()],
    "run `mcp-publisher logout`",
);

/// uv for pyx, beside its credentials for any index.
pub(super) const PYX: StaticCredentials = StaticCredentials::new(
    "pyx",
    &["PYX_API_KEY"],
    &[],
    "revoke the API key on pyx, under the workspace's settings",
);
