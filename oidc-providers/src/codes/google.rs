//! Google Cloud.

oidc_core::__codes! {
    GOOGLE_ACCOUNT = "google-account",
        "The service account that is to be impersonated has no usable name.",
        "Write the account's e-mail address into the variable.";
    GOOGLE_EMAIL = "google-email",
        "The token is of another service account than the publisher's.",
        "Publish by the publisher's account, or change the publisher.";
    GOOGLE_EMAIL_UNVERIFIED = "google-email-unverified",
        "The token's e-mail address is not verified by Google.",
        "Publish by a service account, whose address is.";
    GOOGLE_METADATA_HOST = "google-metadata-host",
        "The variable with the metadata server's address holds no host.",
        "Correct the variable, or unset it.";
    GOOGLE_SUBJECT = "google-subject",
        "The service account has the address that the publisher has, and another id: it was deleted and created again.",
        "Configure the publisher again, if the new account is yours.";
}
