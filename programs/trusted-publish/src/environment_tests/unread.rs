//! Settings that are longer than is read, or that can't be read: a tool may find another registry in them.

use super::{OWN, job};

/// More settings than are read, and one behind them.
fn long(last: &str) -> &'static str {
    let many: String = (0..10_000).map(|number| format!("a{number}: ''\n")).collect();
    format!("{many}{last}").leak()
}

#[tokio::test]
async fn settings_beyond_what_is_read_stop_the_tool_that_reads_them() {
    let yarn = || job("npm").package("@acme/widget").run_by(&["yarn", "npm", "publish"]);
    let gem = || job("rubygems").run_by(&["gem", "push", "a.gem"]).with("HOME", "/home/me");
    let deep =
        format!("{}b: 1\n", (0..20).map(|level| format!("{}a:\n", " ".repeat(level))).collect::<String>());
    let large = "x".repeat((8 << 20) + 1);
    for (job, file, text) in [
        (
            yarn(),
            ".yarnrc.yml",
            long("npmScopes: { acme: { npmPublishRegistry: \"https://other.example\" } }\n"),
        ),
        (yarn(), "../.yarnrc.yml", &*deep.leak()),
        (yarn(), ".yarnrc.yml", "# yarn lockfile v1\nnpmPublishRegistry: \"https://own.example/a/\"\n"),
        (yarn(), ".yarnrc.yml", "npmPublishRegistry \"https://other.example\"\n"),
        (yarn(), ".yarnrc.yml", "a: [\n"),
        (yarn(), "package.json", &*large.clone().leak()),
        (job("npm").package("widget").run_by(&["bun", "publish"]), "bunfig.toml", &*large.leak()),
        (gem(), "/home/me/.gemrc", long("push: --host https://other.example\n")),
        (gem(), "/etc/gemrc", "push: [--host\n"),
    ] {
        let seen = job.clone().file(file, text).fresh().await;
        assert_eq!(job.elsewhere().await, [None, None], "{file}");
        for found in job.file(file, text).elsewhere().await {
            let found = found.unwrap_or_else(|| panic!("{file}, {} bytes", text.len()));
            assert!(found.contains(file), "{file}: {found}");
        }
        if file.ends_with(".yarnrc.yml") {
            // No variable is used that such a file may send anywhere.
            assert!(
                seen.holding("fresh").iter().all(|name| name.starts_with("npm_") || name.starts_with("BUN_"))
            );
        }
    }
    let named = gem().run_by(&["gem", "push", "a.gem", "--host", OWN]);
    assert_eq!(named.file("/etc/gemrc", "push: [--host\n").elsewhere().await, [None, None]);
    // Files that say nothing are read.
    for text in ["", "# nothing\n", "---\n", "~\n"] {
        assert_eq!(yarn().file(".yarnrc.yml", text).elsewhere().await, [None, None], "{text:?}");
    }
}
