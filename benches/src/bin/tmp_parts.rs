#![allow(warnings)]
use base64::Engine as _;
use benches::measure::*;
use benches::raw::RawSignature;
use benches::scene::*;
use std::hint::black_box as bb;
use std::time::{Duration, Instant};
fn main() {
    let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let scene = rt.block_on(Scene::new(oidc_core::testing::SigningAlgorithm::Rs256));
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(scene.token.split('.').nth(1).unwrap())
        .unwrap();
    let raw = RawSignature::of(&scene.issuer, &scene.token);
    let verified = scene.verify(&scene.token).unwrap();
    let claims = oidc_core::Claims::parse(payload.clone()).unwrap();
    let names: Vec<String> = claims.iter().map(|(n, _)| n.to_owned()).collect();
    let bad = format!("{}x", scene.token.replacen("ey", "!!", 1));
    let rej = benches::samples::rejected(&scene).into_iter().find(|s| s.case == "issuer").unwrap().token;
    let s = vec![
        Subject::new("1raw", || {
            bb(raw.verify());
        }),
        Subject::new("2claims", || {
            bb(oidc_core::Claims::parse(bb(payload.clone())).unwrap());
            bb(raw.verify());
        }),
        Subject::new("3gets", || {
            for n in &names {
                bb(claims.get(bb(n)));
            }
            bb(raw.verify());
        }),
        Subject::new("4match", || {
            bb(scene.publisher.check(&verified)).unwrap();
            bb(raw.verify());
        }),
        Subject::new("5reject", || {
            bb(scene.verifier.verify_cached(bb(&rej)).is_err());
            bb(raw.verify());
        }),
        Subject::new("6verify_cached", || {
            bb(scene.verifier.verify_cached(bb(&scene.token))).unwrap();
        }),
        Subject::new("7verify", || {
            bb(scene.verify(bb(&scene.token))).unwrap();
        }),
        Subject::new("8match", || {
            bb(scene.verify_and_match());
        }),
    ];
    let r = interleaved(s, 2001, Duration::from_micros(300));
    let mut base = 0.0;
    for n in ["1raw", "2claims", "3gets", "4match", "5reject", "6verify_cached", "7verify", "8match"] {
        let mut v = r.nanoseconds(n);
        v.sort_by(f64::total_cmp);
        let m = v[v.len() / 2];
        if n == "1raw" {
            base = m;
        }
        println!("{n} {m:.0} +{:.0}", m - base);
    }
}
