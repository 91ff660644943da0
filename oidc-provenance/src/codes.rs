//! The codes of diagnoses of this crate; see [`oidc_core::codes`].

oidc_core::__codes! {
    PROVENANCE_ACCESS = "provenance-access",
        "The package is new or private, and npm makes provenance for public packages only.",
        "Publish with `--access public`, or write it into the manifest's `publishConfig`.";
    PROVENANCE_ARTIFACT = "provenance-artifact",
        "The provenance is for another file than the one that is published.",
        "Sign the file that is published, after its last change.";
    PROVENANCE_AUTHORITY = "provenance-authority",
        "The certificate authority gave no certificate to sign with.",
        "Look at the authority's answer: it knows certain platforms only, and for GitLab the public instance and a few others.";
    PROVENANCE_BUNDLE = "provenance-bundle",
        "The provenance is no Sigstore bundle that can be verified.",
        "Send the bundle as the signing tool wrote it.";
    PROVENANCE_CERTIFICATE = "provenance-certificate",
        "The signing certificate is not accepted.",
        "Sign with a certificate of an authority in the registry's trusted root, while the certificate is valid.";
    PROVENANCE_EXTENSION = "provenance-extension",
        "The signing certificate lacks a property of the job, or contradicts itself.",
        "Run the job on a branch or tag, and look for an update of the platform.";
    PROVENANCE_KEY = "provenance-key",
        "No key could be made, or it could not sign.",
        "Look at the message; the cryptographic library or this machine's randomness is at fault.";
    PROVENANCE_LOG = "provenance-log",
        "The entry in the transparency log is missing, or is not accepted.",
        "Sign again with a log in the registry's trusted root.";
    PROVENANCE_LOGGING = "provenance-logging",
        "The transparency log took no entry, or gave an answer that can't be used.",
        "Try again; the message says whether an entry was written, which does no harm.";
    PROVENANCE_LOST = "provenance-lost",
        "The version before has provenance, and this one has none.",
        "Publish with provenance as before, or have the package's owner say that it is no longer wanted.";
    PROVENANCE_PLATFORM = "provenance-platform",
        "Provenance can't be made on the job's platform or instance.",
        "Publish from GitHub Actions or GitLab.com, sign with an authority of your own, or publish without provenance.";
    PROVENANCE_PREDICATE = "provenance-predicate",
        "A field of the statement differs from the signing certificate.",
        "Let the tool make the statement from the job's own variables, and change none of them.";
    PROVENANCE_REPOSITORY = "provenance-repository",
        "The package's repository is not the one that it was built from.",
        "Write the repository's URL into the package's manifest, with the platform's upper and lower case.";
    PROVENANCE_REQUIRED = "provenance-required",
        "The package needs provenance, and this version has none.",
        "Publish with provenance.";
    PROVENANCE_RUNNER = "provenance-runner",
        "The job ran on a machine that the registry does not accept provenance from.",
        "Sign on a machine of the platform, not on a self-hosted one.";
    PROVENANCE_SCT = "provenance-sct",
        "The signing certificate has no valid timestamp of a certificate transparency log.",
        "Sign with a certificate of an authority whose log is in the registry's trusted root.";
    PROVENANCE_SIGNATURE = "provenance-signature",
        "The signature is not that of the certificate's key over the statement.",
        "Send the bundle as the signing tool wrote it.";
    PROVENANCE_SIGNER = "provenance-signer",
        "The certificate's name is not that of its job.",
        "Sign with a certificate of an authority that names the job.";
    PROVENANCE_STATEMENT = "provenance-statement",
        "The statement is of a kind that the registry does not know, or has another form.",
        "Make the statement with a tool that the registry's documentation names.";
    PROVENANCE_SUBJECT = "provenance-subject",
        "The statement is not about this package's file alone.",
        "Make a statement of its own for each file, with the file's own name.";
    PROVENANCE_TIMESTAMP = "provenance-timestamp",
        "The time of the signature is not proven.",
        "Sign again with a log or a timestamp authority in the registry's trusted root.";
    PROVENANCE_TIMESTAMPING = "provenance-timestamping",
        "The timestamp authority gave no timestamp.",
        "Try again, or configure another authority.";
    PROVENANCE_TOKEN = "provenance-token",
        "The job gets no identity token for the certificate authority.",
        "On GitHub, give the job `id-token: write`; on GitLab, add `SIGSTORE_ID_TOKEN` to `id_tokens`.";
    PROVENANCE_TRUSTED_ROOT = "provenance-trusted-root",
        "The trusted root can't be used.",
        "Configure the trusted root as Sigstore distributes it.";
    PROVENANCE_VARIABLE = "provenance-variable",
        "A variable of the job that the statement needs is missing.",
        "Make the statement in the CI job itself, and keep the platform's variables.";
    PROVENANCE_VISIBILITY = "provenance-visibility",
        "The source repository is not public.",
        "Make the repository public, or publish without provenance.";
}
