//! The reasons for which a registry can't be asked for a token.

use oidc_core::{ForeignUrl, InvalidAudience, InvalidUrl};
use oidc_exchange::client::{InvalidComposerName, InvalidExtension, InvalidJsrUpload, InvalidSlug};
use oidc_exchange::npm::InvalidPackageName;

/// A registry can't be asked for a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTarget {
    /// `--url` is not one.
    #[error("--url: {0}")]
    Url(#[from] InvalidUrl),
    /// `--url` is the address of cargo's index.
    #[error(
        "--url: `sparse+…` is the address of cargo's index; name the registry's root instead, as in `https://registry.example/`"
    )]
    SparseIndex,
    /// `--package` is not a name of an npm package.
    #[error("--package: {0}")]
    NpmPackage(#[from] InvalidPackageName),
    /// `--package` is not a name of an extension.
    #[error("--package: {0}")]
    Extension(#[from] InvalidExtension),
    /// `--package` is not a name of a Composer package, or `--owner` not one of an organization.
    #[error("--package, --owner: {0}")]
    ComposerName(#[from] InvalidComposerName),
    /// `--package` is not an upload to JSR.
    #[error("--package: {0}")]
    JsrUpload(#[from] InvalidJsrUpload),
    /// The registry has to be told whose account, and it is not.
    #[error(
        "this registry has to be told whose account publishes (nuget: who made the policy; packagist: the organization; \
         vs-marketplace: the publisher; docker-hub: the id of the OIDC connection; jfrog: the OIDC integration; cloudsmith: \
         organization/service); name it with --owner"
    )]
    NoOwner,
    /// `--owner` is not two names.
    #[error("--owner: {0}")]
    Owner(#[from] InvalidSlug),
    /// There is no public registry of the protocol.
    #[error(
        "there is no public registry of this protocol with a URL of its own; name the registry with --url"
    )]
    NoUrl,
    /// `--audience` is not one.
    #[error("--audience: {0}")]
    Audience(#[from] InvalidAudience),
    /// `--audience` is not the registry's.
    #[error(
        "--audience: the registry's own is another; leave the option out, since this protocol has one audience for each registry"
    )]
    OtherAudience,
    /// `--token-endpoint` is at another host.
    #[error("--token-endpoint: {0}")]
    Endpoint(#[from] ForeignUrl),
    /// A token of the registry is for one package, and several are named.
    #[error("a token of this registry is for one package, and several are named; run it once for each")]
    SeveralPackages,
    /// `--tools` names a protocol without tools.
    #[error("--tools: expected the protocol that the tools speak, npm, pypi, crates-io or rubygems")]
    NoTools,
    /// poetry would publish elsewhere.
    #[error(
        "poetry can't be told by a variable where to publish, and would send the package to the public index; add `-r {0}` to \
         the command, which names the registry at --url"
    )]
    Poetry(&'static str),
    /// The command would take the token to another registry.
    #[error(
        "the command names another registry than --url, `{named}`, and would take the token there; leave `{option}` out of it, or \
         name that registry at --url"
    )]
    OtherRegistry {
        /// The command's option, fit to be shown.
        option: String,
        /// The registry that it names, fit to be shown.
        named: String,
    },
    /// The command would take the package to another registry.
    #[error("the command is not run, since the package would go elsewhere: {0}")]
    Elsewhere(String),
    /// The tool says itself that the package would go to another registry.
    #[error(
        "the command is not run, since its own dry run would publish at `{0}`: an option, a setting or a manifest names that registry; run \
         the command with `--dry-run` to see it"
    )]
    OtherByDryRun(String),
    /// The tool's dry run is longer than is read or waited for.
    #[error(
        "the command is not run, since its own dry run did not say in time, or not within 64 MB, where it would publish; run the \
         command with `--dry-run` to see why"
    )]
    DryRunUnread,
    /// The command changes a variable that names the registry or holds the token.
    #[error(
        "the command is not run, since `{by}` changes variables for the tool, or may do so, of which `{variable}` names the registry or \
         holds the token; leave it out{}", or_pass(.url)
    )]
    Variable {
        /// The variable.
        variable: String,
        /// The word of the command, or the file, fit to be shown.
        by: String,
        /// The option that stands before such a variable, where the tool has one.
        url: Option<String>,
    },
    /// A word of the command may be the value of an option or a command.
    #[error(
        "the command is not run, since `{word}` may be the value of `{option}` or a command, so that it is not clear what is \
         published; write `{option}={word}` for a value, or put `{option}` behind the command"
    )]
    Unclear {
        /// The option, fit to be shown.
        option: String,
        /// The word after it, fit to be shown.
        word: String,
    },
    /// A token of the registry is for one package, and none is named.
    #[error("a token of this registry is for one package; name it with --package")]
    NoPackage,
}

/// The words for an option that makes a variable unimportant.
fn or_pass(option: &Option<String>) -> String {
    option.as_ref().map_or_else(String::new, |option| format!(", or pass `{option}` to the tool"))
}
