use std::cell::Cell;

use super::reader::Registered;
use super::*;

fn parse(json: &str) -> Claims {
    Claims::parse(json).unwrap()
}

#[test]
fn values_keep_their_types() {
    let claims = parse(r#"{"s":"a\u0062","t":true,"q":"true","n":12,"z":null,"e\u0078p":1}"#);
    assert_eq!(claims.text("s").unwrap(), "ab");
    assert_eq!(claims.text("t"), None);
    assert_eq!(claims.get("t").unwrap().as_bool(), Some(true));
    assert_eq!(claims.get("q").unwrap().as_bool(), None);
    assert_eq!(claims.get("n").unwrap().as_u64(), Some(12));
    assert!(claims.get("z").unwrap().is_null());
    assert_eq!(claims.time("exp"), Some(Timestamp::from_secs(1)));
    assert!(claims.get("missing").is_none());
}

#[test]
fn a_name_that_occurs_twice_is_refused_at_every_depth() {
    for json in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"x":{"a":1,"a":2}}"#,
        r#"{"x":[{"y":{"a":1,"\u0061":2}}]}"#,
    ] {
        assert_eq!(Claims::parse(json).unwrap_err(), InvalidClaims::Duplicate, "{json}");
    }
    parse(r#"{"a":{"a":{"a":1}},"b":{"a":1}}"#);
}

#[test]
fn every_claim_is_found_by_its_name_however_many_there_are_and_however_it_was_written() {
    for count in [1, 2, 3, 63, 64, 65, 129, MAX_CLAIMS - 1, MAX_CLAIMS] {
        let names: Vec<String> = (0..count).map(|number| format!("name-{number}")).collect();
        let escaped = |name: &str| name.replace('n', r"\u006e");
        let member = |(number, name): (usize, &String)| match number % 3 {
            0 => format!("\"{name}\":{number}"),
            _ => format!("\"{}\":{number}", escaped(name)),
        };
        let members = names.iter().enumerate().map(member).collect::<Vec<_>>().join(",");
        let claims = parse(&format!("{{{members}}}"));
        for (number, name) in names.iter().enumerate() {
            assert_eq!(claims.get(name).unwrap().as_u64(), Some(number as u64), "{name}");
        }
        assert!(claims.iter().map(|(name, _)| name).eq(names.iter()));
        assert!(claims.get("name-").is_none() && claims.get(&format!("name-{count}")).is_none());
        for name in names.iter().filter(|_| count < MAX_CLAIMS) {
            for again in [name, &escaped(name)] {
                let twice = Claims::parse(format!("{{{members},\"{again}\":0}}"));
                assert_eq!(twice.unwrap_err(), InvalidClaims::Duplicate, "{again}");
            }
        }
    }
}

#[test]
fn long_names_are_found_however_they_were_written() {
    let rest = "x".repeat(MAX_CLAIMS_BYTES / 2 - 20);
    let (a, b) = (format!("a{rest}"), format!("b{rest}"));
    for (first, second) in [("a", "b"), ("\\u0061", "b"), ("a", "\\u0062"), ("\\u0061", "\\u0062")] {
        let claims = parse(&format!("{{\"{first}{rest}\":1,\"{second}{rest}\":2,\"\\u0063\":3}}"));
        let found = [&*a, &*b, "c"].map(|name| claims.get(name).unwrap().as_u64());
        assert_eq!(found, [Some(1), Some(2), Some(3)], "{first} {second}");
        assert!(claims.iter().map(|(name, _)| name).eq([&*a, &*b, "c"]));
        assert!(claims.get(&rest).is_none() && claims.get(&format!("{a}x")).is_none());
    }
}

#[test]
fn what_is_not_one_object_is_refused() {
    for json in ["", "null", "[]", "{", "{}x", "{'a':1}", "{\"a\":1,}", "\u{feff}{}", "{\"a\":nul}"] {
        assert_eq!(Claims::parse(json).unwrap_err(), InvalidClaims::Syntax, "{json}");
    }
    assert_eq!(Claims::parse(vec![b'{', 0xff, b'}']).unwrap_err(), InvalidClaims::Syntax);
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(Claims::parse(deep).unwrap_err(), InvalidClaims::Syntax);
    let long = |bytes: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8));
    assert_eq!(Claims::parse(long(MAX_CLAIMS_BYTES + 1)).unwrap_err(), InvalidClaims::TooLong);
    assert_eq!(parse(&long(MAX_CLAIMS_BYTES)).text("a").unwrap().len(), MAX_CLAIMS_BYTES - 8);
    let many: Vec<String> = (0..=MAX_CLAIMS).map(|n| format!("\"c{n}\":0")).collect();
    assert_eq!(Claims::parse(format!("{{{}}}", many.join(","))).unwrap_err(), InvalidClaims::TooMany);
}

#[test]
fn registered_claims_are_looked_at_once_as_soon_as_they_are_there() {
    let members =
        [r#""iss":"i""#, r#""aud":"a""#, r#""nbf":1"#, r#""exp":2"#, r#""iat":3"#, r#""x":4"#, r#""y":5"#];
    for first in 0..members.len() {
        let mut members = members;
        members.rotate_left(first);
        let is_awaited = |member: &&str| !["\"nbf", "\"x", "\"y"].iter().any(|name| member.starts_with(name));
        let last = members.iter().rposition(is_awaited).unwrap();
        let json = format!("{{{}}}", members.join(","));
        let nbf = members.iter().position(|member| member.contains("nbf")).unwrap() < last;
        let glances = Cell::new(0);
        let glance = |registered: &Registered<'_>| {
            glances.set(glances.get() + 1);
            let Registered { iss, aud, exp, iat, .. } = registered;
            assert!([iss, aud, exp, iat].map(Option::is_some).iter().all(|is_there| *is_there), "{json}");
            assert_eq!(registered.nbf.is_some(), nbf, "{json}");
            Ok::<_, ()>(glances.get())
        };
        let (registered, seen) = Reader::new(&json).read(glance).ok().unwrap();
        assert_eq!((seen, glances.get()), (1, 1), "{json}");
        assert_eq!(registered.nbf.unwrap().as_u64(), Some(1));

        // Where it is refused, what follows may be anything.
        let cut = format!("{{{},\"z\":!", members[..=last].join(","));
        let refused = Reader::new(&cut).read(|_| Err::<(), _>("no"));
        assert!(matches!(refused, Err(Unread::Refused("no"))), "{cut}");
        let accepted = Reader::new(&cut).read(|_| Ok::<_, ()>(()));
        assert!(matches!(accepted, Err(Unread::Invalid(InvalidClaims::Syntax))), "{cut}");

        let without: Vec<_> = members.into_iter().filter(|member| !member.contains("exp")).collect();
        let without = format!("{{{}}}", without.join(","));
        let missing = Reader::new(&without).read(|registered| Ok::<_, ()>(registered.exp.is_none()));
        assert!(matches!(missing, Ok((_, true))), "{without}");
        let without = without.replace('}', "");
        let broken = Reader::new(&without).read(|_| Err::<(), _>("looked at"));
        assert!(matches!(broken, Err(Unread::Invalid(InvalidClaims::Syntax))), "{without}");
    }
}

#[test]
fn only_plausible_numbers_are_times() {
    for (json, expected) in [
        ("0", Some(0)),
        ("1700000000", Some(1_700_000_000)),
        ("1700000000.9", Some(1_700_000_000)),
        ("1.7e9", Some(1_700_000_000)),
        ("253402300799", Some(253_402_300_799)),
        ("253402300800", None),
        ("18446744073709551615", None),
        ("18446744073709551616", None),
        ("1e400", None),
        ("-1", None),
        ("-0.5", None),
        ("\"1700000000\"", None),
        ("true", None),
        ("null", None),
    ] {
        let claims = Claims::parse(format!("{{\"exp\":{json}}}"));
        let found = claims.ok().and_then(|claims| claims.time("exp")).map(Timestamp::as_secs);
        assert_eq!(found, expected, "{json}");
    }
}

#[test]
fn an_audience_is_one_text_or_an_array_of_one() {
    for (json, expected) in [
        (r#""a""#, true),
        (r#"["a"]"#, true),
        (r#"["a","a"]"#, false),
        (r#"["a","b"]"#, false),
        (r#"[["a"]]"#, false),
        ("[]", false),
        (r#""A""#, false),
        (r#""a ""#, false),
        (r#"{"a":"a"}"#, false),
    ] {
        let claims = parse(&format!("{{\"aud\":{json}}}"));
        assert_eq!(claims.get("aud").unwrap().is_exactly("a"), expected, "{json}");
    }
}

#[test]
fn debug_shows_names_only() {
    assert_eq!(format!("{:?}", parse(r#"{"user_email":"a@b"}"#)), r#"{"user_email"}"#);
}
