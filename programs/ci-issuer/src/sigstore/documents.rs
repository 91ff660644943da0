//! The documents that tell clients whom to trust and where to ask.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::authority::Authority;
use super::key::SigningKey;
use super::timestamps::TimestampAuthority;

const TRUSTED_ROOT: &str = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";
const SIGNING_CONFIG: &str = "application/vnd.dev.sigstore.signingconfig.v0.2+json";
const TRUST_CONFIG: &str = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json";
const KEY: &str = "PKIX_ECDSA_P256_SHA_256";
/// The path of the timestamp authority.
pub(super) const TIMESTAMP: &str = "/api/v1/timestamp";
/// The operator of the services.
const OPERATOR: &str = "ci-issuer";

/// The services that the documents describe.
pub(super) struct Described<'a> {
    /// The URL of all services.
    pub(super) url: &'a str,
    /// Since when the keys are valid.
    pub(super) since: &'a str,
    pub(super) authority: &'a Authority,
    pub(super) certificate_log: &'a SigningKey,
    pub(super) log: &'a SigningKey,
    pub(super) timestamps: &'a TimestampAuthority,
}

impl Described<'_> {
    /// The trusted root: the keys that a bundle is verified with.
    pub(super) fn trusted_root(&self) -> Value {
        json!({
            "mediaType": TRUSTED_ROOT,
            "tlogs": [self.log(self.log)],
            "certificateAuthorities": [self.authority("sigstore intermediate", "", self.authority.chain())],
            "ctlogs": [self.log(self.certificate_log)],
            "timestampAuthorities": [self.authority("timestamps", TIMESTAMP, self.timestamps.chain())],
        })
    }

    fn authority(&self, name: &str, path: &str, chain: [&[u8]; 2]) -> Value {
        json!({
            "subject": { "organization": OPERATOR, "commonName": name },
            "uri": format!("{}{path}", self.url),
            "certChain": { "certificates": chain.map(bytes) },
            "validFor": { "start": self.since },
        })
    }

    fn log(&self, key: &SigningKey) -> Value {
        json!({
            "baseUrl": self.url,
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": STANDARD.encode(key.spki()),
                "keyDetails": KEY,
                "validFor": { "start": self.since },
            },
            "logId": { "keyId": STANDARD.encode(key.id()) },
        })
    }

    /// The signing configuration: where a bundle is made. As in the public one, the log's version 2 is not among it.
    pub(super) fn signing_config(&self) -> Value {
        let service = |path: &str| {
            json!({
                "url": format!("{}{path}", self.url),
                "majorApiVersion": 1,
                "validFor": { "start": self.since },
                "operator": OPERATOR,
            })
        };
        json!({
            "mediaType": SIGNING_CONFIG,
            "caUrls": [service("")],
            "oidcUrls": [],
            "rekorTlogUrls": [service("")],
            "rekorTlogConfig": { "selector": "ANY" },
            "tsaUrls": [service(TIMESTAMP)],
            "tsaConfig": { "selector": "ANY" },
        })
    }

    /// Both in one file, as Python's client takes them.
    pub(super) fn trust_config(&self) -> Value {
        json!({
            "mediaType": TRUST_CONFIG,
            "trustedRoot": self.trusted_root(),
            "signingConfig": self.signing_config(),
        })
    }
}

fn bytes(content: &[u8]) -> Value {
    json!({ "rawBytes": STANDARD.encode(content) })
}

/// An npm registry's keys in the form that npm looks for at `HOST/keys.json` in the TUF repository, made from what the registry
/// answers at `/-/npm/v1/keys`.
///
/// `since` is when the keys began to be used.
pub(super) fn npm_keys(keys: &Value, since: &str) -> Value {
    let listed = keys.pointer("/keys").and_then(Value::as_array).into_iter().flatten();
    let for_each_use = |key: &Value| {
        let valid = match key.get("expires").filter(|end| end.is_string()) {
            Some(end) => json!({ "start": since, "end": end }),
            None => json!({ "start": since }),
        };
        let public = json!({ "rawBytes": key.get("key"), "keyDetails": KEY, "validFor": valid });
        let entry =
            |usage: &str| json!({ "keyId": key.get("keyid"), "keyUsage": usage, "publicKey": public });
        ["npm:signatures", "npm:attestations"].map(entry)
    };
    let keys: Vec<Value> = listed.flat_map(for_each_use).collect();
    json!({ "keys": keys })
}
