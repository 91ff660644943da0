//! The run of a token, as a platform's claims and pages tell it.

use std::borrow::Cow;

use oidc_core::{Claims, Run, RunSource};

use crate::rules::link::link;

/// The claims of a platform's runs, and the pages about them. A page is a path below the platform's web site, and a name
/// is a text, each with claims in braces, such as `{sha}`, or `{#build}` for a number. There is none where the token lacks one of the claims.
#[derive(Debug)]
pub(crate) struct Pages {
    /// The name of the repository.
    pub(crate) repository: &'static str,
    /// The claim with the commit.
    pub(crate) sha: &'static str,
    /// The claims with the branch or tag, of which the first with a text is used.
    pub(crate) git_ref: &'static [&'static str],
    /// The pages of the run, of which the first whose claims a token has is used.
    pub(crate) run: &'static [&'static str],
    /// The pages about the source, where the platform has such pages.
    pub(crate) source: Option<SourcePages>,
}

/// The pages about the source that a run built.
#[derive(Debug)]
pub(crate) struct SourcePages {
    /// The page of the commit.
    pub(crate) commit: &'static str,
    /// The page of the repository's folder at the commit.
    pub(crate) folder: &'static str,
    /// Returns the path of the file that the run began with.
    pub(crate) file: fn(&Claims) -> Option<String>,
}

impl Pages {
    /// No claims and no pages.
    pub(crate) const NONE: Self = Self { repository: "", sha: "", git_ref: &[], run: &[], source: None };

    /// Returns the run of a token, with links to pages of the site where the platform has one.
    pub(crate) fn run(&self, site: Option<&str>, claims: &Claims) -> Run {
        let mut run = Run::default();
        run.repository = filled(self.repository, claims);
        run.url =
            self.run.iter().find_map(|page| filled(page, claims)).and_then(|page| link(site?, &[&page]));
        run.sha = text(self.sha, claims).map(Cow::into_owned);
        run.r#ref = self.git_ref.iter().find_map(|claim| text(claim, claims)).map(Cow::into_owned);
        run.source = self.source.as_ref().map(|source| Box::new(source.of(site, claims)));
        run
    }
}

impl SourcePages {
    fn of(&self, site: Option<&str>, claims: &Claims) -> RunSource {
        let file = (self.file)(claims);
        let mut source = RunSource::default();
        source.commit_url = filled(self.commit, claims).and_then(|page| link(site?, &[&page]));
        let page = filled(self.folder, claims).zip(file.as_ref());
        source.workflow_url = page.and_then(|(folder, file)| link(site?, &[&folder, file]));
        source.workflow = file;
        source
    }
}

/// The text of a claim, unless it is empty; the number of a claim whose name is written behind `#`.
fn text<'a>(claim: &str, claims: &'a Claims) -> Option<Cow<'a, str>> {
    match claim.strip_prefix('#') {
        Some(claim) => claims.get(claim)?.as_u64().map(|number| number.to_string().into()),
        None => claims.text(claim).filter(|text| !text.is_empty()),
    }
}

/// The room for the claims of a page. It is made once, since each exchange fills four templates.
const ROOM: usize = 96;

/// The text of a template with the claims in the place of their names; `None` where the token lacks one of them.
fn filled(template: &str, claims: &Claims) -> Option<String> {
    let mut parts = template.split('{');
    let mut written = String::with_capacity(template.len() + ROOM);
    written.push_str(parts.next()?);
    for part in parts {
        let (claim, rest) = part.split_once('}')?;
        written.push_str(&text(claim, claims)?);
        written.push_str(rest);
    }
    Some(written).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGES: Pages = Pages {
        repository: "{org}/{name}",
        sha: "sha",
        git_ref: &["tag", "branch"],
        run: &["{org}/{name}/runs/{#run}/attempts/{attempt}", "{org}/{name}/runs/{#run}"],
        source: Some(SourcePages {
            commit: "{org}/{name}/commit/{sha}",
            folder: "{org}/{name}/blob/{sha}",
            file: |_| Some("ci/a.yml".to_owned()),
        }),
    };

    fn run(claims: &str) -> Run {
        let claims = Claims::parse(claims).unwrap();
        PAGES.run(Some("https://ci.example/"), &claims)
    }

    #[test]
    fn a_page_has_the_claims_that_it_names() {
        let found = run(
            r#"{"org":"acme","name":"widget","run":7,"attempt":"2","sha":"5ha","branch":"main","tag":""}"#,
        );
        assert_eq!(found.repository.as_deref(), Some("acme/widget"));
        assert_eq!(found.url.as_deref(), Some("https://ci.example/acme/widget/runs/7/attempts/2"));
        assert_eq!((found.sha.as_deref(), found.r#ref.as_deref()), (Some("5ha"), Some("main")));
        let source = found.source.unwrap();
        assert_eq!(source.commit_url.as_deref(), Some("https://ci.example/acme/widget/commit/5ha"));
        assert_eq!(source.workflow_url.as_deref(), Some("https://ci.example/acme/widget/blob/5ha/ci/a.yml"));
    }

    #[test]
    fn a_page_whose_claims_are_missing_or_unsafe_is_left_out() {
        let first = run(r#"{"org":"acme","name":"widget","run":7}"#);
        assert_eq!(first.url.as_deref(), Some("https://ci.example/acme/widget/runs/7"));
        for claims in [r#"{"org":"acme","name":7,"run":7}"#, r#"{"org":"acme","name":"..","run":7}"#] {
            let found = run(claims);
            assert_eq!((found.url, found.source.unwrap().workflow_url), (None, None), "{claims}");
        }
        assert_eq!(Pages::NONE.run(None, &Claims::parse("{}").unwrap()), Run::default());
    }
}
