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

/// A folder with a wheel in it, and the wheel's name.
pub async fn wheel(client: &Client, name: &str, version: &str) -> (PathBuf, String) {
    let folder = client.project(&format!("dist-{name}-{version}"), &[("build.py", BUILD)]);
    client.run_program(&client.python(), &folder, &[], &["build.py", name, version]).await.succeeded();
    (folder, format!("{name}-{version}-py3-none-any.whl"))
}
