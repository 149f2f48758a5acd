use super::*;

fn read(text: &str) -> Result<Vec<GuardRule>, String> {
    read_rules(Path::new("lokt.toml"), text).map_err(|it| it.to_string())
}

#[test]
fn a_file_of_rules_is_read() {
    let text = "root = '.lokt'\n\n[[guard]]\ncommand = \"npm run build*\"\nname = \"build\"\nwait = true\n\n\
                [[guard]]\ncommand = 'make deploy'\nnames = [\"build\", \"deploy\"]\nmax_hold = \"10m\"\n\n\
                [[guard]]\ncommand = 'make test'\nname = 'test'\nonce = true\n";
    let rules = read(text).unwrap();
    let shown: Vec<String> = rules
        .iter()
        .map(|it| {
            let names: Vec<&str> = it.names.iter().map(LockName::as_str).collect();
            let (command, names) = (it.pattern.as_str(), names.join(","));
            format!("{} {command} {names} {} {} {:?}", it.line, it.waits, it.is_once, it.max_hold)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "3 npm run build* build true false None",
            "8 make deploy build,deploy false false Some(\"10m\")",
            "13 make test test false true None",
        ]
    );
    assert_eq!(read(""), Ok(Vec::new()));
    assert_eq!(read("root = 'x'\n"), Ok(Vec::new()));
}

#[test]
fn what_is_not_understood_is_an_error_with_its_file_line_and_key() {
    for (text, told) in [
        ("[[guard]]\nname = 'x'\n", "line 1: this [[guard]] has no \"command\""),
        ("[[guard]]\ncommand = 'x'\n", "line 1: this [[guard]] has no \"name\""),
        ("[[guard]]\ncommand = 'x'\nnmae = 'y'\n", "line 3: \"nmae\" is not a key of [[guard]]"),
        ("[[guard]]\ncommand = 'a; b'\nname = 'y'\n", "line 2: \"command\": \"a; b\" is not one"),
        ("[[guard]]\ncommand = 3\nname = 'y'\n", "line 2: \"command\" is not a string"),
        ("[[guard]]\ncommand = 'x'\nname = 'a b'\n", "line 3: \"name\": "),
        ("[[guard]]\ncommand = 'x'\nname = '-a'\n", "line 3: \"name\": \"-a\" would be read"),
        ("[[guard]]\ncommand = 'x'\nnames = []\n", "line 3: \"names\" is empty"),
        ("[[guard]]\ncommand = 'x'\nnames = 'a'\n", "line 3: \"names\" is not a list"),
        (
            "[[guard]]\ncommand = 'x'\nnames = ['a', 'a']\n",
            "line 3: \"names\": \"a\" is there twice",
        ),
        ("[[guard]]\ncommand = 'x'\nname = 'a'\nnames = ['b']\n", "are the same key twice"),
        ("[[guard]]\ncommand = 'x'\nname = 'a'\nwait = 'yes'\n", "line 4: \"wait\" is neither"),
        ("[[guard]]\ncommand = 'x'\nname = 'a'\nmax_hold = '0'\n", "line 4: \"max_hold\": "),
        ("[[guard]]\ncommand = 'x'\nname = 'a'\nmax_hold = 5\n", "line 4: \"max_hold\" is not"),
        ("[[guard]]\ncommand = 'x'\nnames = ['a', 'b']\nonce = true\n", "line 1: \"once\" is for"),
        ("[guard]\ncommand = 'x'\n", "line 1: \"guard\" is not a list"),
        ("guard = ['x']\n", "line 1: \"guard\" is not a list"),
        ("\n[results]\n", "line 2: the key \"results\" is not known"),
        ("\n[[guard]\n", "line 2: "),
        ("[[guard]]\ncommand = 'x'\ncommand = 'y'\n", "line 3: "),
    ] {
        let why = read(text).expect_err(text);
        assert!(why.starts_with("lokt.toml: ") && why.contains(told), "{text:?}: {why}");
    }
}
