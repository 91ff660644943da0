//! The demonstration does what it says.

#[test]
fn the_demo_publishes_once_and_explains_one_refusal() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_demo")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("@acme/widget@1.0.0 is published"), "{text}");
    assert!(["status 403", "publish.yml", "nightly.yml"].iter().all(|word| text.contains(word)), "{text}");
}
