use std::error::Error;
use std::fmt;

/// An error and all its sources on one line, for logs.
///
/// ```
/// use oidc_exchange::server::Chain;
///
/// let error = std::io::Error::other("the disk is full");
/// assert_eq!(Chain::of(&error).to_string(), "the disk is full");
/// ```
#[derive(Debug)]
pub struct Chain<'a>(&'a (dyn Error + 'static));

impl<'a> Chain<'a> {
    /// Shows the whole chain of an error.
    pub fn of(error: &'a (dyn Error + 'static)) -> Self {
        Self(error)
    }
}

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut below = self.0.source();
        while let Some(error) = below {
            write!(f, ": {error}")?;
            below = error.source();
        }
        Ok(())
    }
}
