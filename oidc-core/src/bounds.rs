//! Settings that have bounds.

use std::time::Duration;

use crate::time::in_words;

/// A setting outside of its bounds. No setting is moved into its bounds silently, since a service that believes to have
/// the value that it asked for is misconfigured.
///
/// ```
/// use std::time::Duration;
///
/// use oidc_core::OperationPolicy;
///
/// let refused = OperationPolicy::default().with_deadline(Duration::from_secs(7200)).unwrap_err();
/// assert_eq!(
///     refused.to_string(),
///     "the deadline of an operation is 7200s: expected 0 seconds to 10 minutes"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {setting} is {found}: expected {least} to {most}")]
#[non_exhaustive]
pub struct OutOfBounds {
    /// The setting in words, such as `deadline of an operation`.
    pub setting: &'static str,
    /// The value that was asked for, with its unit.
    pub found: String,
    /// The least value.
    pub least: String,
    /// The greatest value.
    pub most: String,
}

impl OutOfBounds {
    /// Checks a time, and returns it.
    pub(crate) fn time(
        setting: &'static str,
        time: Duration,
        least: Duration,
        most: Duration,
    ) -> Result<Duration, Self> {
        if (least..=most).contains(&time) {
            return Ok(time);
        }
        let words = |time| in_words(time).to_string();
        // In words, 301 seconds would be 5 minutes.
        Err(Self { setting, found: format!("{time:?}"), least: words(least), most: words(most) })
    }

    /// Checks a number, and returns it.
    pub(crate) fn number(setting: &'static str, number: u32, least: u32, most: u32) -> Result<u32, Self> {
        if (least..=most).contains(&number) {
            return Ok(number);
        }
        Err(Self { setting, found: number.to_string(), least: least.to_string(), most: most.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_refused_just_outside_of_its_bounds_and_told_exactly() {
        let (least, most) = (Duration::from_secs(60), Duration::from_secs(300));
        let check = |time| OutOfBounds::time("age of keys", time, least, most);
        assert_eq!((check(least), check(most)), (Ok(least), Ok(most)));
        let told = |time: Duration| check(time).unwrap_err().to_string();
        let bounds = "expected 60 seconds to 5 minutes";
        assert_eq!(told(Duration::from_secs(301)), format!("the age of keys is 301s: {bounds}"));
        assert_eq!(told(Duration::from_millis(59_900)), format!("the age of keys is 59.9s: {bounds}"));
        assert!(check(Duration::MAX).is_err());
        let number = |number| OutOfBounds::number("number of tries", number, 1, 10);
        assert_eq!((number(1), number(10)), (Ok(1), Ok(10)));
        assert_eq!(number(11).unwrap_err().to_string(), "the number of tries is 11: expected 1 to 10");
        assert!(number(0).is_err());
    }
}
