//! npm's own Sigstore libraries, as they come with it.

use std::path::Path;

use serde_json::Value;

use crate::clients::{Client, Output, Tool};

/// The beginning of a script, which finds npm's modules and reads the script's input.
const PRELUDE: &str = r"
const { createRequire } = require('node:module');
const { realpathSync } = require('node:fs');
const [npm, input] = process.argv.slice(2);
const load = createRequire(realpathSync(npm));
const given = JSON.parse(input);
const fail = (error) => { console.error(`${error.code}: ${error.message}: ${error.cause?.message}`); process.exit(1); };
";

/// Signs a statement at an instance, and prints the bundle.
pub const SIGN: &str = r"
const { DSSEBundleBuilder, FulcioSigner, RekorWitness } = load('@sigstore/sign');
const { bundleToJSON } = load('@sigstore/bundle');
const common = { retry: 0, timeout: 20000 };
const signer = new FulcioSigner({ ...common, fulcioBaseURL: given.url, identityProvider: { getToken: async () => given.token } });
const witnesses = [new RekorWitness({ ...common, rekorBaseURL: given.url, fetchOnConflict: given.fetch })];
new DSSEBundleBuilder({ signer, witnesses })
  .create({ data: Buffer.from(given.statement), type: 'application/vnd.in-toto+json' })
  .then((bundle) => console.log(JSON.stringify(bundleToJSON(bundle))), fail);
";

/// Verifies a bundle with a trusted root, and prints the identity that signed.
pub const VERIFY: &str = r"
const { Verifier, toTrustMaterial, toSignedEntity } = load('@sigstore/verify');
const { TrustedRoot } = load('@sigstore/protobuf-specs');
const { bundleFromJSON } = load('@sigstore/bundle');
try {
  const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(given.root)));
  const { identity } = verifier.verify(toSignedEntity(bundleFromJSON(given.bundle)));
  console.log(`${identity.subjectAlternativeName} ${identity.extensions.issuer}`);
} catch (error) { fail(error); }
";

/// Reads the trusted root from an instance's TUF repository.
pub const TRUSTED_ROOT: &str = r"
const { getTrustedRoot } = load('@sigstore/tuf');
const { TrustedRoot } = load('@sigstore/protobuf-specs');
getTrustedRoot({ mirrorURL: given.url, rootPath: given.root, cachePath: given.cache, retry: 0 })
  .then((root) => console.log(JSON.stringify(TrustedRoot.toJSON(root))), fail);
";

/// npm, for its modules.
#[derive(Debug)]
pub struct JavaScript(Client);

impl JavaScript {
    /// npm's modules, for a test that needs npm.
    pub async fn find() -> Self {
        Self(Tool::Npm.find().await)
    }

    pub fn home(&self) -> &Path {
        self.0.home()
    }

    /// Runs one of the scripts above.
    pub async fn run(&self, script: &str, given: &Value) -> Output {
        let folder = self.0.project("script", &[("script.cjs", &format!("{PRELUDE}{script}"))]);
        let npm = self.0.program().to_string_lossy().into_owned();
        let arguments = ["script.cjs", &npm, &given.to_string()];
        // Whatever goes to another host than loopback fails.
        let variables = [("HTTPS_PROXY", "http://127.0.0.1:9"), ("NO_PROXY", "127.0.0.1")];
        self.0.run_program(Path::new("node"), &folder, &variables, &arguments).await
    }
}
