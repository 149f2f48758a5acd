//! Metadata of leases: what an agent stores for others.

use lokt_testkit::Sandbox;
use serde_json::json;

fn sandbox() -> Sandbox {
    Sandbox::new(env!("CARGO_BIN_EXE_lokt"))
}

#[test]
fn metadata_is_in_the_record_and_every_command_finds_it() {
    let it = sandbox();
    it.lokt(["lock", "test-result", "--meta", "path=/tmp/out.txt", "--meta", "commit=abc123"])
        .run()
        .ok();
    let expected = json!({"path": "/tmp/out.txt", "commit": "abc123"});
    assert_eq!(it.record("test-result")["metadata"], expected);
    let status = it.lokt(["status", "test-result", "--json"]).run().ok().json();
    assert_eq!(status["metadata"], expected);
    let value = it.lokt(["get-meta", "test-result", "path"]).run().ok();
    assert_eq!(
        (value.out.as_str(), value.err.as_str()),
        ("/tmp/out.txt\n", ""),
        "the value, nothing else"
    );
}

#[test]
fn an_absent_key_is_an_error_that_lists_the_present_keys() {
    let it = sandbox();
    it.lokt(["get-meta", "nothing", "path"]).run().fails_with(3, "lock \"nothing\" is not held");
    it.lokt(["lock", "x", "--meta", "a=1", "--meta", "b=2"]).run().ok();
    let missing = it.lokt(["get-meta", "x", "c"]).run().fails_with(3, "no metadata key \"c\"");
    assert!(missing.err.contains("its keys: a, b") && missing.out.is_empty(), "{missing:#?}");
}

#[test]
fn any_text_is_a_value() {
    let it = sandbox();
    let odd = "a=b \"quoted\" $HOME `x` ünï 🎉\ttab\nline two\\n";
    let pair = format!("odd={odd}");
    it.lokt(["lock", "x", "--meta", "empty=", "--meta", &pair, "--meta", "k=1", "--meta", "k=2"])
        .run()
        .ok();
    assert_eq!(
        it.lokt(["get-meta", "x", "empty"]).run().ok().out,
        "\n",
        "an empty value is a value"
    );
    assert_eq!(it.lokt(["get-meta", "x", "odd"]).run().ok().out, format!("{odd}\n"));
    assert_eq!(
        it.lokt(["get-meta", "x", "k"]).run().ok().out,
        "2\n",
        "the last of equal keys wins"
    );
}

#[test]
fn any_json_object_is_metadata() {
    let it = sandbox();
    let object = r#"{"n": 1.50, "deep": {"list": [1, null]}, "t": "text", "big": 123456789012345678901234567890}"#;
    it.lokt(["lock", "x", "--meta-json", object, "--meta", "t=later"]).run().ok();
    assert_eq!(
        it.lokt(["get-meta", "x", "n"]).run().ok().out,
        "1.50\n",
        "numbers keep their digits"
    );
    assert_eq!(
        it.lokt(["get-meta", "x", "big"]).run().ok().out,
        "123456789012345678901234567890\n"
    );
    assert_eq!(it.lokt(["get-meta", "x", "deep"]).run().ok().out, "{\"list\":[1,null]}\n");
    assert_eq!(it.lokt(["get-meta", "x", "t"]).run().ok().out, "later\n");
    for bad in ["[1]", "{", "7"] {
        it.lokt(["lock", "y", "--meta-json", bad]).run().fails_with(64, "meta-json");
    }
    it.lokt(["lock", "y", "--meta", "no-equals-sign"]).run().fails_with(64, "KEY=VALUE");
}

#[test]
fn a_large_value_arrives_whole() {
    let it = sandbox();
    let large = "x".repeat(100_000);
    it.lokt(["lock", "x", "--meta", &format!("large={large}")]).run().ok();
    assert_eq!(it.lokt(["get-meta", "x", "large"]).run().ok().out.len(), 100_001);
}

#[test]
fn a_renewal_keeps_metadata_unless_new_is_given() {
    let it = sandbox();
    it.lokt(["lock", "x", "--meta", "a=1"]).run().ok();
    let first = it.record("x");
    let renewed = it.lokt(["lock", "x", "--ttl", "5m", "--json"]).run().ok().json();
    assert_eq!((&renewed["status"], &renewed["renewed"]), (&json!("acquired"), &json!(true)));
    assert_eq!(it.record("x")["metadata"], json!({"a": "1"}));
    assert_eq!(it.record("x")["lock_id"], first["lock_id"], "a renewal is the same acquisition");
    it.lokt(["lock", "x", "--meta", "b=2"]).run().ok();
    assert_eq!(it.record("x")["metadata"], json!({"b": "2"}));
    assert_eq!(it.record("x")["ttl_sec"], 300, "the lifetime is kept where none is given");
}

#[test]
fn another_agent_finds_a_cached_result_until_it_expires() {
    let it = sandbox();
    std::fs::write(it.folder().join("lint.txt"), "no findings").unwrap();
    let file = format!("file={}", it.folder().join("lint.txt").display());
    it.lokt(["lock", "lint-result", "--meta", &file, "--ttl", "600"]).run().ok();
    assert_eq!(it.record("lint-result")["ttl_sec"], 600, "a number without a unit means seconds");
    let cat = "cat $(lokt get-meta lint-result file)";
    assert_eq!(it.shell(cat).owner("other").run().ok().out, "no findings");
    it.lokt(["lock", "short", "--ttl", "50ms", "--meta", "a=1"]).run().ok();
    // The next owner is in the queue behind it, and enters as soon as it has expired.
    it.lokt(["guard", "short", "--wait", "--", "true"]).owner("other").run().ok();
    it.lokt(["get-meta", "short", "a"]).run().fails_with(3, "is not held");
}

#[test]
fn digits_and_escapes_of_metadata_are_kept_to_the_byte() {
    let it = sandbox();
    for value in
        ["1e400", "1.0", "-0", "12345678901234567890123", r#"{"$serde_json::private::Number":"x"}"#]
    {
        let object = format!(r#"{{"k":{value},"other":"\u00e9"}}"#);
        it.lokt(["lock", "x", "--meta-json", &object]).run().ok();
        for renewal in [&["lock", "x", "--ttl", "5m"][..], &["guard", "x", "--", "true"]] {
            it.lokt(renewal.iter().copied()).run().ok();
        }
        let record = std::fs::read_to_string(it.record_path("x")).unwrap_or_default();
        assert!(record.contains(&format!("\"metadata\": {object}")), "{record}");
        assert_eq!(it.lokt(["get-meta", "x", "k"]).run().ok().out, format!("{value}\n"));
        assert_eq!(it.lokt(["get-meta", "x", "other"]).run().ok().out, "é\n");
        let status = it.lokt(["status", "x", "--json"]).run().ok();
        assert!(status.out.contains(&format!("\"metadata\":{object}")), "{status:#?}");
        it.lokt(["unlock", "x"]).run().ok();
    }
}
