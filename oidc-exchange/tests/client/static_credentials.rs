//! The long-lived secrets that the doctor finds: the registry's own and those of all others, by presence and never by value.

use std::path::Path;

use oidc_core::testing::{FakeHttp, ManualClock};
use oidc_core::{Context, Diagnosis, FileError, Files, ProviderSet, Severity};
use oidc_exchange::client::doctor::Doctor;
use oidc_exchange::client::{Diagnose, PrefixDev, PubDev, Scope};

/// A machine with one file.
#[derive(Debug)]
struct OneFile(&'static str, &'static str);

impl Files for OneFile {
    fn read(&self, path: &Path, _limit: usize) -> Result<Vec<u8>, FileError> {
        let is_it = path == Path::new(self.0);
        is_it.then(|| self.1.as_bytes().to_vec()).ok_or_else(|| FileError::new(path, "not found"))
    }
}

async fn found(registry: &dyn Diagnose, variables: &[(&str, &str)], file: OneFile) -> Vec<Diagnosis> {
    let home = [("HOME", "/home/runner")];
    let cx = Context::default()
        .with_environment([&home, variables].concat().into_iter().collect())
        .with_files(file)
        .with_http(FakeHttp::new())
        .with_clock(ManualClock::at(1_700_000_000));
    let report = Doctor::of(registry, Scope::Identity).examine(&ProviderSet::default(), &cx).await;
    assert!(!report.to_text().contains("hunter2"), "{}", report.to_text());
    report.diagnoses.into_iter().filter(|diagnosis| diagnosis.code.starts_with("static-token")).collect()
}

#[tokio::test]
async fn secrets_of_registries_without_a_server_here_are_found_too() {
    let prefix_dev = PrefixDev::public();
    for (variable, ecosystem) in [
        ("NUGET_API_KEY", "nuget"),
        ("VSCE_PAT", "vs-marketplace"),
        ("OVSX_PAT", "open-vsx"),
        ("PREFIX_API_KEY", "prefix-dev"),
        ("PRIVATE_PACKAGIST_API_SECRET", "packagist"),
        ("JSR_TOKEN", "jsr"),
        ("PUB_TOKEN", "pub-dev"),
        ("PUB_CREDENTIALS", "pub-dev"),
    ] {
        let found = found(&prefix_dev, &[(variable, "hunter2")], OneFile("", "")).await;
        let [one] = &found[..] else { panic!("{variable}: {found:?}") };
        assert!(one.problem.contains(ecosystem) && one.problem.contains(variable), "{}", one.problem);
        let is_own = ecosystem == "prefix-dev";
        assert_eq!(one.severity, if is_own { Severity::Warning } else { Severity::Notice });
    }
}

#[tokio::test]
async fn a_file_is_known_by_what_stands_in_it() {
    let pub_dev = PubDev::public();
    for (path, secret, harmless) in [
        (
            "/home/runner/.nuget/NuGet/NuGet.Config",
            "<configuration>\n<apikeys>\n<add key=\"https://www.nuget.org\" value=\"hunter2\" /></apikeys></configuration>",
            "<configuration><packageSources><add key=\"nuget.org\" value=\"https://x\" /></packageSources></configuration>",
        ),
        (
            "/home/runner/.config/NuGet/NuGet.Config",
            "<apikeys><add key=\"x\" value=\"hunter2\"/></apikeys>",
            "",
        ),
        ("nuget.config", "<apikeys><add key=\"x\" value=\"hunter2\"/></apikeys>", "<configuration/>"),
        ("/home/runner/.vsce", r#"{"publishers":[{"name":"acme","pat":"hunter2"}]}"#, r#"{"publishers":[]}"#),
        ("/home/runner/.ovsx", r#"{"entries":[{"name":"acme","pat":"hunter2"}]}"#, "{}"),
        ("/home/runner/.rattler/credentials.json", r#"{"*.prefix.dev":{"BearerToken":"hunter2"}}"#, "{}"),
        (
            "/home/runner/.config/dart/pub-tokens.json",
            r#"{"hosted":[{"url":"https://x","token":"hunter2"}]}"#,
            r#"{"hosted":[]}"#,
        ),
        ("/home/runner/.config/dart/pub-credentials.json", r#"{"refreshToken":"hunter2"}"#, "{}"),
    ] {
        let one = found(&pub_dev, &[], OneFile(path, secret)).await;
        assert_eq!(one.len(), 1, "{path}: {one:?}");
        assert!(one[0].code == "static-token-file" && one[0].problem.contains(path), "{}", one[0].problem);
        assert!(found(&pub_dev, &[], OneFile(path, harmless)).await.is_empty(), "{path}");
    }
    let named = [("RATTLER_AUTH_FILE", "/elsewhere.json")];
    let found =
        found(&pub_dev, &named, OneFile("/elsewhere.json", r#"{"x":{"BearerToken":"hunter2"}}"#)).await;
    assert_eq!(found.len(), 1, "{found:?}");
}

#[tokio::test]
async fn the_vendors_page_is_named_for_the_vendors_own_registry_only() {
    let secret = [("PREFIX_API_KEY", "hunter2")];
    let own = found(&PrefixDev::public(), &secret, OneFile("", "")).await;
    assert!(own[0].link.is_some_and(|link| link.contains("prefix.dev")), "{own:?}");
    let private = found(&PrefixDev::at("https://conda.example/").unwrap(), &secret, OneFile("", "")).await;
    assert_eq!((private.len(), private[0].link), (1, None), "{private:?}");
}
