use std::borrow::Cow;

/// The names of the application's own commands and options, for the fixes in a report of the
/// [`doctor`](super::doctor).
///
/// By default a report names no program and no option.
///
/// ```
/// use oidc_exchange::client::{Wording, doctor::Doctor, Npm};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let wording = Wording::default().publish_command("acme publish").publisher_option("--trusts KEY=VALUE");
/// let registry = Npm::at("https://registry.example/npm/")?;
/// let doctor = Doctor::of(&registry, Npm::scope("@acme/widget")?).wording(wording);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Wording {
    publish: Option<Cow<'static, str>>,
    check: Option<Cow<'static, str>>,
    publisher: Option<Cow<'static, str>>,
    exchange: Option<Cow<'static, str>>,
    always: Option<Cow<'static, str>>,
}

impl Wording {
    /// Names the command that makes the exchange itself and publishes with the token to the same registry.
    #[must_use]
    pub fn publish_command(mut self, command: impl Into<Cow<'static, str>>) -> Self {
        self.publish = Some(command.into());
        self
    }

    /// Names the command that makes this check. A registry's advice to run this command is then recognized, and
    /// not repeated.
    #[must_use]
    pub fn check_command(mut self, command: impl Into<Cow<'static, str>>) -> Self {
        self.check = Some(command.into());
        self
    }

    /// Names the option by which a user states the trusted publisher, such as `--publisher KEY=VALUE`
    /// ([`Doctor::intending`](super::doctor::Doctor::intending)).
    #[must_use]
    pub fn publisher_option(mut self, option: impl Into<Cow<'static, str>>) -> Self {
        self.publisher = Some(option.into());
        self
    }

    /// Names the option that has the check use up the job's only token
    /// ([`Doctor::exchanging_always`](super::doctor::Doctor::exchanging_always)).
    #[must_use]
    pub fn exchange_option(mut self, option: impl Into<Cow<'static, str>>) -> Self {
        self.exchange = Some(option.into());
        self
    }

    /// Names the option that keeps a publish from falling back to a static credential
    /// ([`Mode::Always`](super::Mode::Always)).
    #[must_use]
    pub fn always_option(mut self, option: impl Into<Cow<'static, str>>) -> Self {
        self.always = Some(option.into());
        self
    }

    /// Returns the advice to publish with a tool of this ability, such as "makes the exchange itself".
    pub(super) fn publish_through(&self, does: &str) -> String {
        match &self.publish {
            Some(command) => format!("publish through `{command}`, which {does}"),
            None => format!("publish with a tool that {does}"),
        }
    }

    /// Returns a second clause on a task that the command that publishes does itself; empty where there is no such
    /// command.
    pub(super) fn does_itself(&self, separator: &str, does: &str) -> String {
        self.publish.as_ref().map_or_else(String::new, |command| format!("{separator}`{command}` {does}"))
    }

    /// Returns `true` if a text names the command that makes this check.
    pub(super) fn is_about_check(&self, text: &str) -> bool {
        self.check.as_deref().is_some_and(|command| text.contains(command))
    }

    pub(super) fn of_publisher(&self) -> Option<&str> {
        self.publisher.as_deref()
    }

    pub(super) fn of_exchange(&self) -> Option<&str> {
        self.exchange.as_deref()
    }

    pub(super) fn of_always(&self) -> Option<&str> {
        self.always.as_deref()
    }
}
