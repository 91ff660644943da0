//! The standards, point by point: each test names the section that it holds the verifier against.

mod rfc_7515;
mod rfc_7517;
mod rfc_7519;
mod rfc_8725;
