//! The whole outside world, with an HTTP client on hyper.

use crate::context::Context;
use crate::environment::Environment;
use crate::http::{HttpSettings, InvalidHttpSettings, SystemHttp};

impl Context {
    /// The real world: this process's environment, HTTP with the proxy that the environment names, this
    /// machine's commands, files, clock and randomness. Needs a tokio runtime when it is used.
    ///
    /// # Errors
    ///
    /// When a proxy variable of the environment holds something that is not a proxy.
    pub fn system() -> Result<Self, InvalidHttpSettings> {
        let environment = Environment::system();
        let settings = HttpSettings::from_environment(&environment);
        Self::system_with(environment, settings)
    }

    /// The real world with an environment and HTTP settings of the caller's choice.
    ///
    /// # Errors
    ///
    /// When the settings hold a proxy, certificate or `User-Agent` that is not one.
    pub fn system_with(
        environment: Environment,
        settings: HttpSettings,
    ) -> Result<Self, InvalidHttpSettings> {
        Ok(Self::tokio(SystemHttp::new(settings)?).with_environment(environment))
    }
}
