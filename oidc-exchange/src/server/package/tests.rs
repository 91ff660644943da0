use proptest::prelude::*;

use super::*;

fn prefix(text: &str) -> Package {
    Package::prefix("npm", text).unwrap()
}

#[test]
fn a_prefix_ends_at_a_separator_and_covers_what_goes_on_after_it() {
    for (text, covered, others) in [
        (
            "acme-",
            &["acme-widget", "acme-w", "acme--", "acme-widget-core"][..],
            &[
                "acme",
                "acme-",
                "acmeevil",
                "acme_widget",
                "acme.widget",
                "Acme-widget",
                "@acme/acme-widget",
                "evil-acme-",
            ][..],
        ),
        (
            "@acme/",
            &["@acme/widget", "@acme/-"][..],
            &[
                "@acme/",
                "@acme",
                "@acme-evil/widget",
                "@acme.evil/x",
                "@acmeevil/x",
                "acme/widget",
                "@Acme/widget",
                "@evil/acme/",
            ][..],
        ),
        ("@acme/foo-", &["@acme/foo-bar"][..], &["@acme/foo", "@acme/foobar", "@acme-evil/foo-bar"][..]),
        ("acme.", &["acme.js"][..], &["acmeljs", "acme-js"][..]),
        ("a-", &["a-widget"][..], &["a", "a-", "ab-widget", "b-a-widget", "@a/a-widget"][..]),
        ("@a/", &["@a/widget"][..], &["@a", "@ab/widget", "@a-b/widget", "a/widget"][..]),
    ] {
        let prefix = prefix(text);
        for name in covered {
            assert!(prefix.covers(&Package::new("npm", *name)), "{text} {name}");
        }
        for name in others {
            assert!(!prefix.covers(&Package::new("npm", *name)), "{text} {name}");
        }
        assert!(!prefix.covers(&Package::new("pypi", covered[0])), "another ecosystem");
    }
}

#[test]
fn a_prefix_equals_and_covers_no_package_of_its_own_text_and_no_prefix() {
    let (acme, package) = (prefix("acme-"), Package::new("npm", "acme-"));
    assert_ne!(acme, package);
    assert!(!acme.covers(&package) && !package.covers(&acme) && !acme.overlaps(&package));
    assert!(!acme.covers(&prefix("acme-widget-")), "a publisher of one prefix is not of another");
    assert!(acme.overlaps(&prefix("acme-widget-")) && prefix("acme-widget-").overlaps(&acme));
    assert!(!acme.overlaps(&prefix("acme.")) && !acme.overlaps(&Package::prefix("cargo", "acme-").unwrap()));
    assert!(package.prefixes().is_empty(), "nothing goes on after it");
    assert_eq!(acme.prefixes(), []);
}

#[test]
fn what_is_no_prefix_is_refused() {
    let long = format!("{}-", "a".repeat(214));
    let deep = "a-".repeat(33);
    for (ecosystem, text) in [
        ("npm", ""),
        ("npm", "-"),
        ("npm", "@"),
        ("npm", "@/"),
        ("npm", "acme"),
        ("npm", "@acme"),
        ("npm", "@acme-"),
        ("npm", "@acme."),
        ("npm", "acme/"),
        ("npm", "@acme/x/"),
        ("npm", "acme-*"),
        ("npm", "*-"),
        ("npm", "acme -"),
        ("npm", "acme\u{2010}"),
        ("npm", "acme-\0"),
        ("npm", "аcme-"),
        ("npm", ".acme-"),
        ("npm", "_-"),
        ("npm", &long),
        ("npm", &deep),
        ("pypi", "acme"),
        ("pypi", "-acme-"),
        ("pypi", "acme/"),
        ("cargo", "acme."),
        ("cargo", "1acme-"),
        ("rubygems", "-acme-"),
        ("own", "acme"),
        ("own", "*"),
        ("own", "acme-%-"),
        ("own", "@acme-"),
        ("own", "acme -"),
        ("own", "\u{e0}-"),
    ] {
        let refused = Package::prefix(ecosystem, text);
        if (ecosystem, text) == ("own", "acme-%-") {
            assert!(refused.is_ok(), "a wildcard of databases is a letter");
            continue;
        }
        let message = refused.expect_err(text).to_string();
        assert!(message.contains("separator"), "{message}");
    }
    assert!(Package::prefix("npm", &"a-".repeat(32)).is_ok());
}

#[test]
fn a_prefix_is_normalised_as_names_are() {
    for (ecosystem, text, normalised) in [
        ("npm", "@Acme/", "@Acme/"),
        ("pypi", "Acme_", "acme-"),
        ("pypi", "ACME.-_", "acme-"),
        ("pypi", "Acme.Widget__", "acme-widget-"),
        ("cargo", "Acme_", "acme-"),
        ("rubygems", "Acme_", "Acme_"),
        ("own", "group.sub/", "group.sub/"),
    ] {
        assert_eq!(Package::prefix(ecosystem, text).unwrap().name, normalised, "{ecosystem} {text}");
    }
}

#[test]
fn a_prefix_is_read_as_it_was_written_and_checked() {
    let acme = prefix("@acme/");
    let text = serde_json::to_string(&acme).unwrap();
    assert_eq!(text, r#"{"ecosystem":"npm","name":"@acme/","prefix":true}"#);
    assert_eq!(serde_json::from_str::<Package>(&text).unwrap(), acme);
    for wrong in [
        r#"{"ecosystem":"npm","name":"@acme","prefix":true}"#,
        r#"{"ecosystem":"npm","name":"","prefix":true}"#,
        r#"{"ecosystem":"npm","name":"a-","prefix":1}"#,
    ] {
        assert!(serde_json::from_str::<Package>(wrong).is_err(), "{wrong}");
    }
    assert_eq!((acme.to_string(), acme.label()), ("@acme/* (npm)".to_owned(), "@acme/*".to_owned()));
}

proptest! {
    /// Exactly the prefixes that cover a name are looked up for it, and their number is limited.
    #[test]
    fn the_prefixes_of_a_name_are_those_that_cover_it(
        name in "@?[ab]{0,3}([-_./][ab]{0,2}){0,4}",
        text in "@?[ab]{0,3}([-_./][ab]{0,2}){0,3}[-_./]?",
    ) {
        let package = Package::new("own", name);
        let prefixes = package.prefixes();
        for prefix in &prefixes {
            prop_assert!(prefix.covers(&package), "{prefix:?}");
            let made = Package::prefix("own", &prefix.name);
            let begins = package.name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '@');
            prop_assert_eq!(made.is_ok(), begins, "{:?}", prefix);
        }
        if let Ok(prefix) = Package::prefix("own", &text) {
            prop_assert_eq!(prefix.covers(&package), prefixes.contains(&prefix));
            prop_assert!(prefix.name.ends_with(SEPARATORS));
        }
    }

    /// A scope or a name that only begins like a prefix is somebody else's.
    #[test]
    fn no_prefix_covers_a_name_that_goes_on_before_its_separator(
        own in "[a-z][a-z0-9]{0,6}", more in "[a-z0-9._-]{0,3}[a-z0-9]", name in "[a-z][a-z0-9-]{0,6}", separator in "[-_.]",
    ) {
        let is_covered = |prefix: &str, name: &str| self::prefix(prefix).covers(&Package::new("npm", name));
        let (scope, begin, inner) = (format!("@{own}/"), format!("{own}{separator}"), format!("@{own}/{name}"));
        prop_assert!(is_covered(&scope, &inner), "{}", inner);
        for other in [format!("@{own}{more}/{name}"), format!("@{more}{own}/{name}"), format!("{own}/{name}"), format!("@{own}")] {
            prop_assert!(!is_covered(&scope, &other), "{}", other);
        }
        let inner = format!("{begin}{name}");
        prop_assert!(is_covered(&begin, &inner), "{}", inner);
        let longer = format!("{own}{}", more.trim_start_matches(['-', '_', '.']));
        for other in [format!("{longer}{separator}{name}"), format!("@{begin}{name}/x"), own, longer] {
            prop_assert!(!is_covered(&begin, &other), "{}", other);
        }
    }

    #[test]
    fn a_name_has_a_bounded_number_of_prefixes(name in "[a-c._/-]{0,400}") {
        prop_assert!(Package::new("own", name).prefixes().len() <= MAX_SEPARATORS);
    }

    /// Two names that are equal in their ecosystem are covered by the same prefixes.
    #[test]
    fn spellings_of_one_project_have_the_same_prefixes(name in "[aAbB]{1,3}([._-]{1,3}[aAbB]{1,3}){0,3}", text in "[aAbB]{1,3}[._-]{1,3}") {
        let prefix = Package::prefix("pypi", &text).unwrap();
        let spelled = |name: &str| Package::new("pypi", name);
        let other = name.to_ascii_uppercase().replace(['.', '_'], "-");
        prop_assert_eq!(prefix.covers(&spelled(&name)), prefix.covers(&spelled(&other)));
        let same = Package::prefix("pypi", &text.to_ascii_uppercase().replace(['.', '_', '-'], "__")).unwrap();
        prop_assert_eq!(same, prefix);
    }
}

#[test]
fn every_spelling_of_a_name_is_the_same_package() {
    for (ecosystem, text, normalized) in [
        ("npm", "@Acme/Widget", "@Acme/Widget"),
        ("pypi", "My_Package", "my-package"),
        ("pypi", "my.-_package", "my-package"),
        ("cargo", "My_Crate", "my-crate"),
        ("rubygems", "My_Gem", "My_Gem"),
        ("own", "My_Package", "My_Package"),
    ] {
        let package = Package::new(ecosystem, text);
        assert_eq!(package.name, normalized);
        assert_eq!(package, Package::new(ecosystem, normalized));
        assert!(package.check().is_ok());
        let read: Package =
            serde_json::from_value(serde_json::json!({ "ecosystem": ecosystem, "name": text })).unwrap();
        assert_eq!(read, package);
    }
}

#[test]
fn a_name_that_no_package_can_have_is_refused_with_the_rule() {
    for (ecosystem, name, rule) in [
        ("npm", "", "no package is named"),
        ("own", "", "no package is named"),
        ("npm", "acme/widget", "`acme/widget`"),
        ("npm", "@acme", "`@acme`"),
        ("pypi", "my package", "`my package`"),
        ("pypi", "-a", "`-a`"),
        ("cargo", "1crate", "a letter, then"),
        ("rubygems", ".gem", "`.gem`"),
        ("own", "a\0b", "invisible"),
        ("own", &"a".repeat(256), "255"),
    ] {
        let package = Package::new(ecosystem, name);
        assert_eq!(package.name, name, "it stays as it is");
        let error = package.check().unwrap_err().to_string();
        assert!(error.contains(rule), "{error}");
    }
    assert!(Package::new("own", "a".repeat(255)).check().is_ok());
    assert!(Package::prefix("npm", "@acme/").unwrap().check().is_ok());
}
