use std::fmt;

use serde_json::{Value, json};

use crate::codes;
use crate::json::{self, Bounds};
use crate::refusal::Refusal;

/// The media type of the bundles that this crate makes: version 0.3.
pub const BUNDLE_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// The bounds of a bundle. Those of public registries have 5 to 30 kB, and fewer than 200 values.
pub(crate) const BOUNDS: Bounds = Bounds {
    bytes: 256 * 1024,
    depth: 12,
    values: 1024,
    exclusive: &[
        &["dsseEnvelope", "messageSignature"],
        &["certificate", "x509CertificateChain", "publicKey"],
    ],
};

/// A Sigstore bundle as text: a statement, its signature, the signing certificate and the log's proof. It holds no
/// secret.
///
/// A bundle of this type is not verified; `Verifier` does that. It converts to and from the form that PyPI has for it
/// (PEP 740).
///
/// ```
/// use oidc_provenance::Bundle;
///
/// let attestation = br#"{
///     "version": 1,
///     "verification_material": { "certificate": "MIIC", "transparency_entries": [{ "logIndex": "1" }] },
///     "envelope": { "statement": "e30=", "signature": "MEUC" }
/// }"#;
/// let bundle = Bundle::from_pep_740(attestation)?;
/// assert!(bundle.as_str().contains(r#""rawBytes":"MIIC""#));
/// assert_eq!(bundle.to_pep_740()?, serde_json::from_slice::<serde_json::Value>(attestation).unwrap());
/// # Ok::<(), oidc_provenance::Refusal>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Bundle(String);

impl Bundle {
    /// A bundle from its JSON text, which is parsed when the bundle is verified.
    pub fn new(json: impl Into<String>) -> Self {
        Self(json.into())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Converts one of PyPI's attestation objects to a bundle of version 0.3. Nothing is lost.
    ///
    /// # Errors
    ///
    /// When it is too large, or not an object of version 1 with the members that PEP 740 names and no others.
    pub fn from_pep_740(attestation: &[u8]) -> Result<Self, Refusal> {
        let value = read(attestation)?;
        let [version, material, envelope] =
            members(&value, ["version", "verification_material", "envelope"])?;
        let [certificate, entries] = members(material, ["certificate", "transparency_entries"])?;
        let [statement, signature] = members(envelope, ["statement", "signature"])?;
        if version != &json!(1) {
            return Err(unreadable("`version` is not 1"));
        }
        let bundle = json!({
            "mediaType": BUNDLE_TYPE,
            "verificationMaterial": { "certificate": { "rawBytes": certificate }, "tlogEntries": entries },
            "dsseEnvelope": {
                "payload": statement,
                "payloadType": crate::PAYLOAD_TYPE,
                "signatures": [{ "sig": signature }],
            },
        });
        Ok(Self(bundle.to_string()))
    }

    /// Converts the bundle to PyPI's attestation object.
    ///
    /// ```
    /// use oidc_provenance::{Bundle, codes};
    ///
    /// let of_nothing = Bundle::new(r#"{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}"#);
    /// assert_eq!(of_nothing.to_pep_740().unwrap_err().code(), codes::PROVENANCE_BUNDLE);
    /// ```
    ///
    /// # Errors
    ///
    /// When the bundle is not of version 0.3, holds no statement, or holds something that PEP 740 has no place for:
    /// timestamps of an authority.
    pub fn to_pep_740(&self) -> Result<Value, Refusal> {
        let bundle = read(self.0.as_bytes())?;
        let part = |pointer: &str| bundle.pointer(pointer).filter(|value| !value.is_null()).cloned();
        let timestamps = part("/verificationMaterial/timestampVerificationData/rfc3161Timestamps");
        if timestamps.is_some_and(|all| all != json!([])) {
            return Err(unreadable("the form has no place for its timestamps"));
        }
        let needed =
            |pointer: &str| part(pointer).ok_or_else(|| unreadable(&format!("`{pointer}` is missing")));
        Ok(json!({
            "version": 1,
            "verification_material": {
                "certificate": needed("/verificationMaterial/certificate/rawBytes")?,
                "transparency_entries": needed("/verificationMaterial/tlogEntries")?,
            },
            "envelope": {
                "statement": needed("/dsseEnvelope/payload")?,
                "signature": needed("/dsseEnvelope/signatures/0/sig")?,
            },
        }))
    }
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bundle ({} bytes)", self.0.len())
    }
}

fn read(text: &[u8]) -> Result<Value, Refusal> {
    let text = json::check(text, BOUNDS).map_err(|why| unreadable(&why))?;
    serde_json::from_str(text).map_err(|why| unreadable(&why.to_string()))
}

/// The members of an object that has these and no others.
fn members<'v, const N: usize>(object: &'v Value, names: [&str; N]) -> Result<[&'v Value; N], Refusal> {
    if object.as_object().is_none_or(|members| members.len() != N) {
        return Err(unreadable(&format!("expected an object of {}", names.join(", "))));
    }
    match names.iter().find(|name| object.get(**name).is_none()) {
        None => Ok(names.map(|name| object.get(name).unwrap_or(&Value::Null))),
        Some(name) => Err(unreadable(&format!("`{name}` is missing"))),
    }
}

fn unreadable(why: &str) -> Refusal {
    Refusal::of(codes::PROVENANCE_BUNDLE, "attestation", format!("the attestation can't be converted: {why}"))
}
