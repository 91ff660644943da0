use super::*;

#[test]
fn https_and_loopback_are_taken() {
    for text in [
        "https://registry.example",
        "https://registry.example:8443/npm/",
        "http://localhost:4873/",
        "http://127.0.0.1:1",
        "http://127.8.9.1",
        "http://[::1]:1",
    ] {
        HttpUrl::parse(text).unwrap();
    }
}

#[test]
fn anything_else_is_refused_without_showing_secrets() {
    for text in [
        "",
        "registry.example",
        "http://registry.example",
        "http://localhost.example",
        // A resolver is asked for it.
        "http://a.localhost",
        "http://127.0.0.1.example",
        "http://0.0.0.0",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "https://user:hunter2@registry.example",
        "https://hunter2@registry.example",
        "https://user:hunter2#x@registry.example/",
        "https://user:hunter2?x@registry.example/",
        "https://user:un@hunter2#x@registry.example/",
        "https:user:hunter2#x@registry.example",
        "user:hunter2#x@registry.example",
        "https://registry.example/#f",
        "https://",
        "ftp://registry.example/?token=hunter2",
    ] {
        let error = HttpUrl::parse(text).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
    assert!(HttpUrl::parse(&format!("https://a/{}", "x".repeat(9000))).is_err());
}

#[test]
fn a_metadata_server_is_at_a_link_local_address_and_nowhere_else() {
    for text in ["http://169.254.169.254/x", "http://127.0.0.1:9001", "https://metadata.example"] {
        HttpUrl::link_local(text).unwrap();
    }
    assert!(HttpUrl::parse("http://169.254.169.254").is_err());
    for text in ["http://metadata.google.internal", "http://169.253.169.254", "http://u:p@169.254.169.254"] {
        assert!(HttpUrl::link_local(text).is_err(), "{text}");
    }
}

#[test]
fn a_path_goes_below_with_and_without_trailing_slash() {
    for base in ["https://r.example/npm", "https://r.example/npm/", "https://r.example/npm?x=1"] {
        let url = HttpUrl::parse(base).unwrap().below("-/x/@acme%2fwidget");
        assert_eq!(url.as_str(), "https://r.example/npm/-/x/@acme%2fwidget");
    }
    assert_eq!(HttpUrl::parse("https://r.example").unwrap().below("/a").as_str(), "https://r.example/a");
}

#[test]
fn a_query_is_appended_and_encoded() {
    let url = HttpUrl::parse("https://r.example/t?api-version=2.0").unwrap();
    let url = url.with_query("audience", "npm:r.example&x=1");
    assert_eq!(url.as_str(), "https://r.example/t?api-version=2.0&audience=npm%3Ar.example%26x%3D1");
    assert_eq!(url.to_string(), "https://r.example/t");
}

#[test]
fn what_a_server_hands_out_leads_back_to_it() {
    let base = HttpUrl::parse("https://registry.example/legacy/").unwrap();
    for text in ["https://registry.example", "https://registry.example/a?b=c", "HTTPS://Registry.Example/a"] {
        assert!(base.own(text).unwrap().same_origin(&base), "{text}");
    }
    let local = HttpUrl::parse("http://127.0.0.1:4873/").unwrap();
    assert!(local.own("http://127.0.0.1:4873/mint").is_ok());
    for (text, found) in [
        ("http://127.0.0.1:4874/mint", "http://127.0.0.1:4874"),
        ("http://127.0.0.1/mint", "http://127.0.0.1"),
        ("http://127.1:4873/mint", "http://127.1:4873/mint"),
        ("http://2130706433:4873/", "http://2130706433:4873/"),
        ("http://0x7f.0.0.1:4873/", "http://0x7f.0.0.1:4873/"),
        ("http://0177.0.0.1:4873/", "http://0177.0.0.1:4873/"),
        ("http://localhost:4873/", "http://localhost:4873"),
        ("http://[::1]:4873/", "http://[::1]:4873"),
        ("http://[::ffff:127.0.0.1]:4873/", "http://[::ffff:7f00:1]:4873"),
        ("http://127.0.0.1:48730/", "http://127.0.0.1:48730"),
    ] {
        let error = local.own(text).unwrap_err();
        assert_eq!((error.found(), error.expected()), (found, "http://127.0.0.1:4873"), "{text}");
    }
}

#[test]
fn a_foreign_url_is_named_by_its_origin_and_shows_no_secret() {
    let base = HttpUrl::parse("https://registry.example/").unwrap();
    for (text, found) in [
        ("https://registry.example.evil.example/", "https://registry.example.evil.example"),
        ("https://registry.exampleevil/", "https://registry.exampleevil"),
        ("https://registry-example/", "https://registry-example"),
        ("https://registry.example./", "https://registry.example."),
        ("https://registry.example:8443/", "https://registry.example:8443"),
        ("https://registry.example:443/", "https://registry.example:443/"),
        ("http://registry.example/", "http://registry.example"),
        ("https://registry.example@evil.example/", "https://evil.example"),
        ("https://registry.example:hunter2@evil.example/", "https://evil.example"),
        ("https://u:hunter2@registry.example/", "…@registry.example/"),
        ("https://evil.example\\@registry.example/", "https://evil.example"),
        ("https://registry.example\\@evil.example/", "…@evil.example/"),
        ("https:\\\\registry.example/", "https:\\\\registry.example/"),
        ("https:registry.example/", "https:registry.example/"),
        ("https:///registry.example/", "https:///registry.example/"),
        ("https://registry%2eexample/", "https://registry%2eexample/"),
        ("https://regis\ttry.example/", "https://regis\\u{9}try.example/"),
        ("\n https://registry.example/", "\\u{a} https://registry.example/"),
        ("https://registry.ex\u{430}mple/", "https://registry.xn--exmple-4nf"),
        ("https://registry\u{3002}example/", "https://registry。example/"),
        ("https://ｒegistry.example/", "https://ｒegistry.example/"),
        ("https://registry.example#@evil.example/", "…@evil.example/"),
        ("https://u:hunter2?x@registry.example/", "https://…"),
        ("https://registry.example/#a", "https://registry.example/#a"),
        ("//registry.example/", "//registry.example/"),
        ("/mint?token=hunter2", "/mint"),
        ("mint", "mint"),
        ("", ""),
        ("ftp://registry.example/", "ftp://registry.example"),
        ("file://registry.example/etc", "file://registry.example/etc"),
        ("javascript:alert(1)", "javascript:alert(1)"),
    ] {
        let error = base.own(text).unwrap_err();
        assert_eq!((error.found(), error.expected()), (found, "https://registry.example"), "{text}");
        assert!(!error.to_string().contains("hunter2"));
    }
    let long = format!("https://{}.evil.example/", ["a"; 100].join("."));
    assert!(base.own(&long).unwrap_err().to_string().len() < 600);
    assert!(base.own(&format!("https://registry.example/{}", "a".repeat(9000))).is_err());
}

#[test]
fn ports_and_origins() {
    let url = HttpUrl::parse("https://R.example:443/a").unwrap();
    assert_eq!(url.host_and_port(), "r.example");
    assert!(url.same_origin(&HttpUrl::parse("https://r.example/b").unwrap()));
    assert!(!url.same_origin(&HttpUrl::parse("https://r.example:8443/b").unwrap()));
    assert!(!url.same_origin(&HttpUrl::parse("https://r.example./b").unwrap()));
    assert_eq!(HttpUrl::parse("http://localhost:4873").unwrap().host_and_port(), "localhost:4873");
}

#[test]
fn a_program_can_tell_why_a_url_is_refused() {
    for (text, kind) in [
        ("registry.example", InvalidUrlKind::Syntax),
        ("https://user:hunter2@registry.example", InvalidUrlKind::Credentials),
        ("http://user:hunter2@registry.example", InvalidUrlKind::Credentials),
        ("https://registry.example/#f", InvalidUrlKind::Fragment),
        ("http://registry.example", InvalidUrlKind::PlainHttp),
        ("ftp://registry.example", InvalidUrlKind::Scheme),
    ] {
        assert_eq!(HttpUrl::parse(text).unwrap_err().kind(), kind, "{text}");
    }
    let long = format!("https://a/{}", "x".repeat(9000));
    assert_eq!(HttpUrl::parse(&long).unwrap_err().kind(), InvalidUrlKind::TooLong);
}

#[test]
fn plain_http_is_allowed_to_what_the_user_names_and_to_nothing_that_an_answer_names() {
    let url = HttpUrl::allowing_plain_http("http://registry.lan:8080/npm/").unwrap();
    assert!(url.own("http://registry.lan:8080/mint").is_err());
    for text in ["http://u:p@registry.lan/", "ftp://registry.lan/", "http://registry.lan/#f", "registry.lan"]
    {
        assert!(HttpUrl::allowing_plain_http(text).is_err(), "{text}");
    }
}

#[test]
fn a_constant_is_what_the_same_text_is_read_as() {
    for (constant, text) in [
        (HttpUrl::constant("https://registry.example/"), "https://registry.example/"),
        (HttpUrl::constant("https://a-b.xn--exmple-4nf/x_1/Y-2/"), "https://a-b.xn--exmple-4nf/x_1/Y-2/"),
    ] {
        let read = HttpUrl::parse(text).unwrap();
        assert_eq!(constant, read, "{text}");
        assert_eq!((constant.as_str(), constant.host(), constant.path()), (text, read.host(), read.path()));
        assert_eq!((constant.origin(), constant.host_and_port()), (read.origin(), read.host_and_port()));
        assert_eq!(constant.below("a/b?c"), read.below("a/b?c"));
        assert_eq!(constant.with_query("a", "&").as_str(), format!("{text}?a=%26"));
        assert!(constant.same_origin(&read) && constant.at_root() == read.at_root());
    }
}

#[test]
fn what_is_written_otherwise_than_it_would_be_read_is_no_constant() {
    for text in [
        "",
        "https://",
        "https:///a",
        "http://registry.example/",
        "https://registry.example",
        "https://registry.example:443/",
        "https://u@registry.example/",
        "https://Registry.example/",
        "https://registry..example/",
        "https://.example/",
        "https://registry.example./",
        "https://127.0.0.1/",
        "https://1/",
        "https://[::1]/",
        "https://registry.example/a//b",
        "https://registry.example/../a",
        "https://registry.example/%61",
        "https://registry.example/a?b",
        "https://registry.example/#a",
        "https://registry.example/\u{e9}",
    ] {
        let is_panic = std::panic::catch_unwind(|| HttpUrl::constant(text)).is_err();
        assert!(is_panic, "{text}");
    }
}

proptest::proptest! {
    /// A URL is kept as a text and where its parts are in it; that is as good as what was read.
    #[test]
    fn parts_are_those_of_the_url_standard(text in "https://[a-z0-9.-]{1,20}(:[0-9]{1,4})?(/[ -~]{0,20})?") {
        let Ok(url) = HttpUrl::parse(&text) else { return Ok(()) };
        let read = url::Url::parse(&text).unwrap();
        proptest::prop_assert_eq!(url.as_str(), read.as_str());
        proptest::prop_assert_eq!(url.host(), read.host_str().unwrap());
        proptest::prop_assert_eq!(url.path(), read.path());
        proptest::prop_assert_eq!(url.origin(), read.origin().ascii_serialization());
        proptest::prop_assert_eq!(url.below(""), url.below("/"));
        proptest::prop_assert_eq!(HttpUrl::parse(url.as_str()).unwrap(), url);
    }
}
