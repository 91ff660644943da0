//! The codes of an exchange's diagnoses. On the client's side: of a registry that gave no token, and of the
//! findings about a job. On the server's side: of refusals.
//!
//! [`oidc_core::codes`] describes their use and stability. A registry sends the codes of its refusals to its
//! clients.

oidc_core::__codes! {
    ALREADY_USED = "already-used",
        "The identity token was exchanged before.",
        "Get a new identity token for each exchange; where the platform gives one a job, run the job again.";
    AUDIENCE_FOREIGN = "audience-foreign",
        "The registry asks for an identity token with an audience that belongs to somebody else.",
        "Tell the registry's operator; no identity token is asked for with this audience.";
    CLAIM_INVALID = "claim-invalid",
        "A claim of the identity token can't be used.",
        "Look for an update of the platform.";
    CLOCK_JOB = "clock-job",
        "The clock of the machine that the job runs on differs from the platform's and the registry's.",
        "Set that machine's clock by NTP.";
    CLOCK_PLATFORM = "clock-platform",
        "The platform's clock differs from the job's and the registry's.",
        "Tell the platform's operator; nothing is to be set in the job.";
    CLOCK_REGISTRY = "clock-registry",
        "The registry's clock differs from the job's and the platform's.",
        "Tell the registry's operator.";
    CLOCK_SKEW = "clock-skew",
        "Two clocks differ, and it can't be told which is wrong.",
        "Compare the clocks of the job's machine and of the registry with the time.";
    EXCHANGE_ANSWER = "exchange-answer",
        "The registry's answer is not what its protocol says, or holds no publish token.",
        "Check that the URL is the registry's and not that of a proxy or a web page.";
    EXCHANGE_ELSEWHERE = "exchange-elsewhere",
        "A web page or a proxy answered instead of the registry.",
        "Check the registry's URL, and the connection to it.";
    EXCHANGE_PACKAGE = "exchange-package",
        "The package's name is not a name that the registry allows.",
        "Name the package as the registry does.";
    EXCHANGE_REJECTED = "exchange-rejected",
        "The registry refused the exchange.",
        "Do what the registry says; where it says nothing, compare the package's trusted publisher with the job.";
    EXCHANGE_REQUEST = "exchange-request",
        "The request can't be sent.",
        "Check the registry's URL.";
    EXCHANGE_SCOPE = "exchange-scope",
        "The registry has no publish tokens of the requested scope.",
        "Request a token of the scope that the message names.";
    EXCHANGE_UNREACHABLE = "exchange-unreachable",
        "No complete answer came from the registry.",
        "Check the registry's URL and the connection to it, and run the publish again.";
    EXCHANGE_UNTOLD = "exchange-untold",
        "As a notice: a question that the registry answers only when the package is uploaded.",
        "Look at what the message names.";
    EXCHANGE_UNTRIED = "exchange-untried",
        "As a notice: the exchange was not tried, since it would use up the job's only identity token.",
        "Run the diagnosis with the exchange in a job of its own.";
    IDENTITY_TOKEN_UNEXCHANGED = "identity-token-unexchanged",
        "An identity token stands where a tool looks for a publish token.",
        "Exchange it first, and put the publish token there.";
    INTERNAL = "internal",
        "The registry failed.",
        "Try again later; nothing was used up.";
    INVALID_TOKEN = "invalid-token",
        "The registry does not accept the identity token.",
        "See what the registry says of it.";
    ISSUER_NOT_PUBLIC = "issuer-not-public",
        "The token's issuer is not the platform's public one, and not every registry trusts it.",
        "Have the registry's operator trust the issuer, or publish from the public platform.";
    KEYS_UNAVAILABLE = "keys-unavailable",
        "The registry has no keys of the issuer to verify the token with.",
        "Try again in the time that the answer names; tell the registry's operator if it persists.";
    MALFORMED = "malformed",
        "The request is not what the registry's protocol says.",
        "Use a client of this protocol, or tell the client's authors.";
    NO_EXCHANGE = "no-exchange",
        "As a notice: the registry exchanges no tokens, and takes the identity token itself with the upload.",
        "Publish: only the upload shows whether the registry takes the token.";
    NO_TOKEN = "no-token",
        "The request holds no identity token.",
        "Send one as the registry's protocol says.";
    NOT_TRUSTED = "not-trusted",
        "No trusted publisher of the package accepts this identity, or there is no such package.",
        "Configure a trusted publisher with what the token carries, in the package's settings.";
    NPM_DRY_RUN = "npm-dry-run",
        "npm's publish sends nothing, by its settings.",
        "Take the setting out, or pass `--no-dry-run` to the publish.";
    NPM_ID_TOKEN_EMPTY = "npm-id-token-empty",
        "The variable that npm's tools read an identity token from is empty.",
        "Let the platform put a token for the registry's audience into it.";
    NPM_ID_TOKEN_MISSING = "npm-id-token-missing",
        "npm's tools find no identity token in this job.",
        "Put one into the variable that the message names.";
    NPM_NO_EXCHANGE = "npm-no-exchange",
        "npm itself makes no exchange in this job.",
        "Change the variable that the message names, or get the publish token before and hand it to npm.";
    NPM_PRIVATE = "npm-private",
        "The package's manifest keeps npm from publishing it.",
        "Leave `private` out of the manifest, if the package is to be published.";
    NPM_PROVENANCE = "npm-provenance",
        "npm signs provenance before it publishes, by its settings, and fails where it can't.",
        "Check provenance too, or leave the setting out.";
    NPM_PUBLISH_FAILS = "npm-publish-fails",
        "npm's publish fails before it sends the package.",
        "Run `npm publish --dry-run` in the package's folder, which shows the error.";
    NPM_SETTINGS_REFUSED = "npm-settings-refused",
        "npm refuses its own settings, or those of the manifest, and publishes nothing with them.",
        "Correct the setting that the message or npm names.";
    NPM_SETTINGS_UNTOLD = "npm-settings-untold",
        "npm did not list all of its settings, so the registry to which it would publish is not known.",
        "Check by hand to which registry npm publishes.";
    NPM_TOO_OLD = "npm-too-old",
        "The job's npm is older than trusted publishing.",
        "Update npm in the job.";
    NPM_WAY = "npm-way",
        "As a notice: npm reaches the registry with a proxy or certificates from its own settings.",
        "Look at these settings first if npm alone can't reach the registry.";
    PACKAGE_NOT_GRANTED = "package-not-granted",
        "The registry's publish token is not for the package.",
        "Configure a trusted publisher of that package.";
    PLACEHOLDER_TOKEN = "placeholder-token",
        "A placeholder stands where a tool looks for a publish token.",
        "Remove it.";
    PLATFORM_INCOMPLETE = "platform-incomplete",
        "The job looks like a platform's, and lacks a variable that the platform sets.",
        "Run the publish in the job itself, or pass the platform's variables on to the container or script that it runs in.";
    PLATFORM_NOT_TRUSTED = "platform-not-trusted",
        "The registry is not known to trust this platform.",
        "Publish from a platform that it trusts, or ask the registry.";
    PLATFORM_UNSUPPORTED = "platform-unsupported",
        "The job runs on a platform that gives no identity tokens.",
        "Publish from a platform that does.";
    PUBLISHER_DIFFERS = "publisher-differs",
        "The job would not be accepted by the publisher that the user stated.",
        "Change the publisher or the job as the message says.";
    PUBLISHER_EXPIRED = "publisher-expired",
        "The package's pending publisher has expired.",
        "Configure it again.";
    PUBLISHER_LAPSED = "publisher-lapsed",
        "The package's trusted publisher was not used soon after it was configured, and its names may have changed hands since.",
        "Configure it again, or together with its ids.";
    PUBLISHER_PREFIX = "publisher-prefix",
        "The trusted publisher is for a prefix of packages' names, and the registry does not allow such publishers any more.",
        "Configure a publisher for each package.";
    REGISTRY_AUDIENCE = "registry-audience",
        "The registry names no audience for identity tokens.",
        "Check the registry's URL; where it takes no trusted publishes, use another credential.";
    REGISTRY_CLAIM = "registry-claim",
        "The registry is known to let no job with this claim publish.",
        "Publish from a job as the message names it.";
    REGISTRY_DISCOVERY = "registry-discovery",
        "The registry does not tell where its endpoints are.",
        "Check the registry's URL.";
    REGISTRY_ELSEWHERE = "registry-elsewhere",
        "A tool's configuration sends the package to another registry than the one that is diagnosed.",
        "Change the configuration, or diagnose the other registry.";
    REGISTRY_FOREIGN_URL = "registry-foreign-url",
        "An address that the registry names is none of its own.",
        "Tell the registry's operator; an identity token is sent to no other origin.";
    REGISTRY_HTML = "registry-html",
        "A web page is at the registry's URL.",
        "Write the URL that the registry's tools are told.";
    REGISTRY_PATH = "registry-path",
        "There is no registry of this protocol at the URL's path.",
        "Write the URL that the registry's tools are told.";
    REGISTRY_PROXY = "registry-proxy",
        "A proxy answered instead of the registry.",
        "Give the proxy its credentials, or name the host in `no_proxy`.";
    REGISTRY_REDIRECT = "registry-redirect",
        "The registry's URL leads to another one, which is not followed with an identity token.",
        "Write the URL that the registry itself has.";
    REGISTRY_UNREACHABLE = "registry-unreachable",
        "No complete answer came from the registry's URL.",
        "Check the URL and the connection to it.";
    REGISTRY_URL = "registry-url",
        "The registry's URL can't be used.",
        "Write it with https, and without credentials.";
    REGISTRY_URL_PREFIX = "registry-url-prefix",
        "The registry's URL has a path, which some tools drop when they ask for the exchange.",
        "Nothing, if the registry answers at its host's root too; otherwise use a tool that keeps the path.";
    REGISTRY_URL_SLASH = "registry-url-slash",
        "The registry's URL has a path without a slash at its end, and npm looks for its token one folder above.",
        "Write a slash at its end.";
    REVOKE_REJECTED = "revoke-rejected",
        "The registry did not end a publish token.",
        "Nothing: it ends by itself. Keep it secret until then.";
    RULE_DIFFERS = "rule-differs",
        "A trusted publisher of the package names this identity, and one of its rules rejects the job.",
        "Compare the publisher's rules with the job.";
    STATIC_TOKEN = "static-token",
        "A long-lived publish token is in a variable of the job.",
        "Remove it once trusted publishing works, and revoke it at the registry.";
    STATIC_TOKEN_FILE = "static-token-file",
        "A long-lived publish token is in a tool's configuration file.",
        "Remove it once trusted publishing works, and revoke it at the registry.";
    TOKEN_ALGORITHM = "token-algorithm",
        "The identity token is signed with an algorithm that its platform does not use.",
        "Check whether the variable holds a token of another issuer.";
    TOKEN_CLAIMS = "token-claims",
        "The identity token's claims are no JSON object that can be used.",
        "Hand the token on as the platform gave it.";
    TOKEN_CRITICAL = "token-critical",
        "The identity token asks for an extension that the registry does not know.",
        "Tell the platform.";
    TOKEN_DUPLICATE_KEY = "token-duplicate-key",
        "The identity token is signed with a key whose name (`kid`) several keys of its issuer have.",
        "Report it to the issuer's operator: each key needs a name of its own.";
    TOKEN_EXPIRED = "token-expired",
        "The identity token has expired.",
        "Get the token right before the exchange.";
    TOKEN_HEADER = "token-header",
        "The identity token's header can't be read.",
        "Hand the token on as the platform gave it.";
    TOKEN_LIFETIME = "token-lifetime",
        "The identity token is valid for longer than the registry allows.",
        "Have the platform give tokens with a shorter lifetime.";
    TOKEN_NO_KEY_ID = "token-no-key-id",
        "The identity token does not say which key it is signed with.",
        "Tell the platform.";
    TOKEN_NOT_YET_VALID = "token-not-yet-valid",
        "The identity token is not valid yet, by the registry's clock.",
        "Compare the clocks of the platform and of the registry.";
    TOKEN_REFERENCE_UNSET = "token-reference-unset",
        "A tool's configuration refers to a variable that is not set.",
        "Set the variable, or remove the reference.";
    TOKEN_SHAPE = "token-shape",
        "The token that was sent is no JWT.",
        "Hand the token on as the platform gave it, whole and alone.";
    TOKEN_SIGNATURE = "token-signature",
        "The identity token's signature is not that of its issuer's key.",
        "Hand the token on as the platform gave it.";
    TOKEN_TOO_LARGE = "token-too-large",
        "The identity token is longer than the limit.",
        "Hand the token on as the platform gave it.";
    TOKEN_TYPE = "token-type",
        "The token is of another type than an identity token.",
        "Send the identity token, and not another token of the platform.";
    TOKEN_UNKNOWN_KEY = "token-unknown-key",
        "The identity token is signed with a key that its issuer does not publish.",
        "Try again: the issuer may have changed its keys a moment ago.";
    TOKEN_USED = "token-used",
        "As a warning: the diagnosis used up the job's only identity token.",
        "Publish in a job of its own.";
}
