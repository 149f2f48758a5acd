use super::*;

fn read(raw: &Value, config: &Value) -> Result<ToolSubprocessPlan, SubprocessConfigError> {
    let environment = ToolEnvironment::new(vec![("PATH".into(), "relative:/usr/bin:/bin".into())]);
    let (raw, config) = (raw.as_object().unwrap(), config.as_object().unwrap());
    ToolSubprocessPlan::new(raw, config, environment, Path::new("/"))
}

fn message_of(config: &Value) -> String {
    read(config, config).unwrap_err().to_string()
}

#[test]
fn a_config_becomes_a_process() {
    let config = json!({
        "command": "sh", "args": ["-c", "x y", 1, true], "cwd": "usr", "env": {"A": 1, "B": "{b}"},
        "input_data": {"a": [1]}, "timeout": 0.5,
    });
    let process = read(&config, &config).unwrap();
    let words: Vec<_> = process.words.iter().skip(1).collect();
    assert_eq!(words, ["-c", "x y", "1", "true"]);
    assert!(process.words[0].to_str().unwrap().ends_with("bin/sh"), "{:?}", process.words[0]);
    assert_eq!(process.folder, Path::new("/usr"));
    assert_eq!(process.environment.get("A"), Some("1".as_ref()));
    assert_eq!(process.input.as_deref(), Some(br#"{"a":[1]}"#.as_slice()));
    assert_eq!(process.timeout, Duration::from_millis(500));
    let config = json!({"command": "/bin/sh", "input_data": null});
    let process = read(&config, &config).unwrap();
    assert_eq!((process.input, process.timeout), (None, TIMEOUT));
}

#[test]
fn what_cannot_be_started_is_refused_before_the_start() {
    for (config, expected) in [
        (json!({}), "the config has no command"),
        (json!({"command": 1}), "command must be a text, not a number"),
        (json!({"command": "sh", "args": "-c"}), "args must be a list, not a text"),
        (json!({"command": "sh", "args": [[1]]}), "args[0] must be a text, a number or a boolean"),
        (json!({"command": "sh", "args": ["a\0"]}), "args[0] contains a NUL byte"),
        (json!({"command": "sh", "env": {"A=": "x"}}), "must be the name of a variable"),
        (json!({"command": "sh", "env": {"A": "\0"}}), "variable A contains a NUL byte"),
        (
            json!({"command": "sh", "timeout": 0}),
            "timeout must be a number of seconds above 0, not 0",
        ),
        (json!({"command": "sh", "timeout": "1"}), "timeout must be"),
        (json!({"command": "sh", "timeout": 1e300}), "timeout must be"),
        (json!({"command": "sh", "cwd": "none/such"}), "cwd /none/such is no folder"),
        (json!({"command": "no-such-program"}), "command not found: no-such-program"),
        (json!({"command": "./no-such"}), "command not found: ./no-such"),
    ] {
        let message = message_of(&config);
        assert!(message.contains(expected), "{config}: {message}");
    }
}

#[test]
fn parameters_too_long_for_an_argument_go_to_the_input() {
    let raw = json!({"command": "sh", "args": ["-p", "{params_json}"]});
    let with = |size| json!({"command": "sh", "args": ["-p", "x".repeat(size)]});
    let fits = read(&raw, &with(MAX_ARGUMENT)).unwrap();
    assert_eq!((fits.words[2].len(), fits.input), (MAX_ARGUMENT, None));
    let long = read(&raw, &with(MAX_ARGUMENT + 1)).unwrap();
    assert_eq!(long.words[2], "-");
    assert_eq!(long.input.unwrap().len(), MAX_ARGUMENT + 1);
}

#[test]
fn any_other_long_argument_is_refused_with_its_size() {
    let long = "x".repeat(MAX_ARGUMENT + 1);
    let config = json!({"command": "sh", "args": [long]});
    assert_eq!(message_of(&config), "args[0] has 131072 bytes; the kernel takes 131071");
    let variable = json!({"command": "sh", "env": {"A": long}});
    assert_eq!(message_of(&variable), "variable A has 131074 bytes; the kernel takes 131071");
    let raw = json!({"command": "sh", "args": ["p={params_json}"]});
    assert!(read(&raw, &config).is_err(), "it is more than the parameters");
    let raw = json!({"args": ["{params_json}"]});
    let config = json!({"command": "sh", "args": [long], "input_data": ""});
    let error = read(&raw, &config).unwrap_err();
    assert!(matches!(error, SubprocessConfigError::InputTaken { .. }), "{error}");
}

#[test]
fn data_is_one_json_object_and_nothing_else() {
    let with = |bytes: &[u8], truncated| SubprocessResult {
        ending: CommandEnd::Exited(0),
        stopped: None,
        stdout: CapturedStream { bytes: bytes.to_vec(), truncated },
        stderr: CapturedStream::default(),
        duration: Duration::ZERO,
    };
    assert!(with(b" {\"a\": 1}\n", false).data().is_some());
    for other in [b"[1]".as_slice(), b"{} {}", b"text {}", b"", b"\xff"] {
        assert_eq!(with(other, false).data(), None, "{other:?}");
    }
    assert_eq!(with(b"{}", true).data(), None, "a part is not the whole");
}
