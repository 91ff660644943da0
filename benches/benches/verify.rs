//! Criterion benches of the verifier, for work on the code.
#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;

use benches::peers::{CratesIo, JsonWebToken, use_aws_lc};
use benches::raw::RawSignature;
use benches::samples;
use benches::scene::Scene;
use criterion::{Criterion, criterion_group, criterion_main};
use oidc_core::testing::SigningAlgorithm;

#[allow(clippy::expect_used, reason = "a bench sets itself up")]
fn verify(criterion: &mut Criterion) {
    use_aws_lc();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for algorithm in [SigningAlgorithm::Rs256, SigningAlgorithm::Es256] {
        let scene = runtime.block_on(Scene::new(algorithm));
        let raw = RawSignature::of(&scene.issuer, &scene.token);
        let mut group = criterion.benchmark_group(algorithm.name());
        group.bench_function("raw", |bencher| bencher.iter(|| black_box(&raw).verify()));
        group.bench_function("verify_and_match", |bencher| {
            bencher.iter(|| black_box(&scene).verify_and_match());
        });
        group.finish();
    }

    let scene = runtime.block_on(Scene::new(SigningAlgorithm::Rs256));
    let mut group = criterion.benchmark_group("peers");
    let peer = JsonWebToken::new(&scene.issuer);
    group.bench_function("jsonwebtoken", |bencher| {
        bencher.iter(|| peer.verify_and_match(black_box(&scene.token)));
    });
    let peer = CratesIo::new(&scene.issuer);
    group.bench_function("crates_io_flow", |bencher| {
        bencher.iter(|| runtime.block_on(peer.verify_and_match(black_box(&scene.token))));
    });
    group.finish();

    // From an issuer's second token on its header is known, whatever claims come with it.
    assert!(scene.verify_and_match());
    let mut group = criterion.benchmark_group("reject");
    for sample in samples::rejected(&scene) {
        group.bench_function(sample.case, |bencher| bencher.iter(|| scene.verify(black_box(&sample.token))));
    }
    group.finish();

    let mut group = criterion.benchmark_group("reject_late");
    for sample in samples::rejected_late(&scene) {
        group.bench_function(sample.case, |bencher| bencher.iter(|| scene.verify(black_box(&sample.token))));
    }
    group.finish();
}

criterion_group!(benches, verify);
criterion_main!(benches);
