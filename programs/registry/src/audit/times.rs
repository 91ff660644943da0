//! The time of an event as people and programs read it.

use oidc_core::Timestamp;
use serde_json::Value;

/// Replaces the time of an event, which is stored as seconds since 1970, by the same time in UTC in the form of RFC 3339.
pub(in super::super) fn set_readable_time(event: &mut Value) {
    if let Some(time) = event.get_mut("time")
        && let Some(seconds) = time.as_u64()
    {
        *time = Timestamp::from_secs(seconds).to_string().into();
    }
}

/// A stored event with a readable time.
pub(super) fn readable(event: &str) -> String {
    let Ok(mut event) = serde_json::from_str::<Value>(event) else { return event.to_owned() };
    set_readable_time(&mut event);
    event.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_in_utc_as_rfc_3339_has_it() {
        assert_eq!(readable(r#"{"time":1700000000,"x":1}"#), r#"{"time":"2023-11-14T22:13:20Z","x":1}"#);
        assert_eq!(readable(r#"{"x":1}"#), r#"{"x":1}"#);
        assert_eq!(readable("x"), "x");
    }
}
