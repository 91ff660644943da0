//! The whole outside world, with an HTTP client on hyper.

use crate::context::Context;
use crate::environment::Environment;
use crate::http::{HttpSettings, InvalidHttpSettings, SystemHttp};

impl Context {
    /// The real world: this process's environment, HTTP through the proxy that the environment names, this
    /// machine's commands, files, clock and randomness. Using it needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// When a proxy variable of the environment holds no valid proxy.
    pub fn system() -> Result<Self, InvalidHttpSettings> {
        let environment = Environment::system();
        let settings = HttpSettings::from_environment(&environment);
        Self::system_with(environment, settings)
    }

    /// The real world with an environment and HTTP settings that the caller chooses.
    ///
    /// # Errors
    ///
    /// When the settings hold an invalid proxy, certificate or `User-Agent`.
    pub fn system_with(
        environment: Environment,
        settings: HttpSettings,
    ) -> Result<Self, InvalidHttpSettings> {
        Ok(Self::tokio(SystemHttp::new(settings)?).with_environment(environment))
    }
}
