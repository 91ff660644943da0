/// The application's own names in refusals. Without them, a refusal names none.
#[derive(Clone, Debug, Default)]
pub(super) struct Wording {
    /// The variable that the users of this registry put an identity token into.
    pub(super) token_variable: Option<String>,
    /// The command that compares a publisher with a job.
    pub(super) checker: Option<String>,
    /// The operator's way to trust an issuer on loopback.
    pub(super) issuer_hint: Option<fn(&str) -> String>,
}
