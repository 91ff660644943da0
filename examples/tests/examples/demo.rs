//! The demonstration does what it says.

#[tokio::test]
async fn the_demo_publishes_once_and_explains_one_refusal() {
    let mut out = Vec::new();
    examples::demo::run(&mut out).await.unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("@acme/widget@1.0.0 is published"), "{text}");
    assert!(
        text.contains("status 403") && text.contains("publish.yml") && text.contains("nightly.yml"),
        "{text}"
    );
}
