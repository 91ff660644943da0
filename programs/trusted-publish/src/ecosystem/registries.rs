//! The registries that host packages of one kind.

use oidc_exchange::client::{
    CratesIo, Jsr, Npm, NuGet, OpenVsx, Packagist, Pep807, PrefixDev, PubDev, Pypi, RubyGems, Scope,
    VsMarketplace,
};

use super::asked::{opened, opened_to_all};
use super::{Ecosystem, Others, plain, tool};

pub(super) static NPM: Ecosystem = Ecosystem {
    tools: tool::NPM,
    others: Others::Npm,
    ..plain("npm", Npm::PUBLIC_URL, |asked| opened(Npm::at(asked.url())?, Npm::scope(asked.package()?)?))
};

pub(super) static PYPI: Ecosystem = Ecosystem {
    upload_path: "legacy/",
    tools: tool::PYTHON,
    others: Others::Poetry,
    ..plain("pypi", Pypi::PUBLIC_URL, |asked| opened_to_all(Pypi::at(asked.url())?, asked))
};

pub(super) static PEP_807: Ecosystem = Ecosystem {
    upload_path: "legacy/",
    tools: tool::PYTHON,
    others: Others::Poetry,
    ..plain("pep-807", Pypi::PUBLIC_URL, |asked| opened_to_all(Pep807::at(asked.url())?, asked))
};

pub(super) static CRATES_IO: Ecosystem = Ecosystem {
    others: Others::Cargo,
    ..plain("crates-io", CratesIo::PUBLIC_URL, |asked| opened_to_all(CratesIo::at(asked.url())?, asked))
};

pub(super) static RUBYGEMS: Ecosystem = Ecosystem {
    tools: tool::RUBYGEMS,
    others: Others::Gem,
    scripts: &["RUBYGEMS_API_KEY"],
    advice: Some((
        &["gem"],
        "gem pushes a gem whose own metadata names another host there, token and all; with `--host` and the URL it pushes to \
         that or to nobody",
    )),
    ..plain("rubygems", RubyGems::PUBLIC_URL, |asked| opened_to_all(RubyGems::at(asked.url())?, asked))
};

pub(super) static NUGET: Ecosystem = Ecosystem {
    scripts: &["NUGET_API_KEY"],
    advice: Some((
        &[],
        "dotnet and nuget read no variable; pass `--api-key \"$NUGET_API_KEY\"`, and the registry's v3 index with `--source`",
    )),
    ..plain("nuget", NuGet::PUBLIC_URL, |asked| {
        let registry = NuGet::at(asked.url(), asked.owner()?)?.with_user_setting("--owner NAME");
        opened_to_all(registry, asked)
    })
};

pub(super) static PREFIX_DEV: Ecosystem = Ecosystem {
    tools: tool::PREFIX_DEV,
    ..plain("prefix-dev", PrefixDev::PUBLIC_URL, |asked| opened_to_all(PrefixDev::at(asked.url())?, asked))
};

pub(super) static PACKAGIST: Ecosystem = Ecosystem {
    parts: &["PRIVATE_PACKAGIST_API_KEY", "PRIVATE_PACKAGIST_API_SECRET"],
    ..plain("packagist", Packagist::PUBLIC_URL, |asked| {
        opened(Packagist::at(asked.url(), asked.owner()?.parse()?)?, Packagist::scope(asked.package()?)?)
    })
};

pub(super) static OPEN_VSX: Ecosystem = Ecosystem {
    tools: tool::OPEN_VSX,
    ..plain("open-vsx", OpenVsx::PUBLIC_URL, |asked| {
        let registry = asked.with_audience(OpenVsx::at(asked.url())?, OpenVsx::with_audience);
        opened(registry, OpenVsx::scope(asked.package()?)?)
    })
};

pub(super) static VS_MARKETPLACE: Ecosystem = Ecosystem {
    tools: tool::VS_MARKETPLACE,
    ..plain("vs-marketplace", VsMarketplace::PUBLIC_URL, |asked| {
        opened_to_all(VsMarketplace::at(asked.url(), asked.owner()?)?, asked)
    })
};

pub(super) static JSR: Ecosystem = Ecosystem {
    scripts: &["JSR_TOKEN"],
    ..plain("jsr", Jsr::PUBLIC_URL, |asked| {
        opened(Jsr::at(asked.url(), vec![asked.package()?.parse()?])?, Scope::Identity)
    })
};

pub(super) static PUB_DEV: Ecosystem = Ecosystem {
    scripts: &["PUB_TOKEN"],
    advice: Some((
        &[],
        "dart publishes where `publish_to` in pubspec.yaml says, with the token of `dart pub token add URL --env-var PUB_TOKEN`",
    )),
    ..plain("pub-dev", PubDev::PUBLIC_URL, |asked| opened_to_all(PubDev::at(asked.url())?, asked))
};
