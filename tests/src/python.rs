//! Python projects.

use std::path::PathBuf;

use super::clients::Client;

/// Builds a wheel with nothing but the standard library.
const BUILD: &str = r#"
import sys, zipfile
name, version = sys.argv[1:]
info = f"{name}-{version}.dist-info"
needs = "Requires-Dist: gadget[b,a]<2,>=1; python_version < '3'\nRequires-Dist: cog; extra == 'more'\n"
metadata = f"""Metadata-Version: 2.4
Name: {name}
Version: {version}
Summary: A test
License-Expression: MIT OR Apache-2.0
Classifier: Typing :: Typed
Requires-Python: >=3.8
{needs}Provides-Extra: more
Description-Content-Type: text/markdown

# A test
"""
wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
files = {f"{name}/__init__.py": f"version = '{version}'\n", f"{info}/METADATA": metadata, f"{info}/WHEEL": wheel}
record = "".join(f"{file},,\n" for file in files) + f"{info}/RECORD,,\n"
with zipfile.ZipFile(f"{name}-{version}-py3-none-any.whl", "w") as archive:
    for file, content in [*files.items(), (f"{info}/RECORD", record)]:
        archive.writestr(zipfile.ZipInfo(file, (2026, 1, 1, 0, 0, 0)), content)
"#;

/// Verifies the provenance of a file by PyPI's own verifier, as the publisher that it names, with a trusted root and an issuer that
/// are not the public ones: `ROOT PROVENANCE FILE ISSUER`.
pub const ATTESTATIONS: &str = r"
import pathlib, sys
from pypi_attestations import Distribution, Provenance
from sigstore.models import TrustedRoot
from sigstore.verify import Verifier, policy
root, provenance, dist, issuer = sys.argv[1:]
trusted = TrustedRoot.from_file(root)
Verifier.production = classmethod(lambda cls, *, offline=False: cls(trusted_root=trusted))
of_issuer = policy.OIDCIssuerV2
policy.OIDCIssuerV2 = lambda _public: of_issuer(issuer)
provenance = Provenance.model_validate_json(pathlib.Path(provenance).read_text())
for bundle in provenance.attestation_bundles:
    for attestation in bundle.attestations:
        kind, _ = attestation.verify(bundle.publisher, Distribution.from_file(pathlib.Path(dist)), offline=True)
        print(bundle.publisher.kind, kind)
";

/// A folder with a wheel in it, and the wheel's name.
pub async fn wheel(client: &Client, name: &str, version: &str) -> (PathBuf, String) {
    let folder = client.project(&format!("dist-{name}-{version}"), &[("build.py", BUILD)]);
    client.run_program(&client.python(), &folder, &[], &["build.py", name, version]).await.succeeded();
    (folder, format!("{name}-{version}-py3-none-any.whl"))
}
