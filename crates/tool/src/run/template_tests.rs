use super::*;
use proptest::prelude::*;
use serde_json::json;
use std::path::Path;

fn expand(config: &Value, parameters: &Value) -> Result<Value, ConfigTemplateError> {
    let parameters = ToolParameterValues::new(parameters.as_object().unwrap().clone());
    let environment = [("HOME", "/home/me"), ("EMPTY", ""), ("TRICK", "{secret} ${HOME}")];
    let environment = ToolEnvironment::new(environment.map(|(k, v)| (k.into(), v.into())).to_vec());
    let reserved =
        BuiltInTemplateVariables::new(Path::new("/p (1)"), Path::new("/u"), "/s", &parameters)
            .unwrap();
    let reserved = reserved.with_tool(Path::new("/t/x.py")).unwrap();
    let template = TemplateValueSources {
        environment: &environment,
        reserved: &reserved,
        parameters: Some(&parameters),
    };
    template.object(config.as_object().unwrap(), "").map(Value::Object)
}

#[test]
fn the_table_of_templates() {
    let parameters = json!({
        "n": 1.50, "list": [1, "a"], "text": "a ${HOME} {project_path}", "secret": "s",
        "project_path": "/elsewhere", "null": null,
    });
    for (text, expected) in [
        ("${HOME}/x", json!("/home/me/x")),
        ("${NONE:-d}", json!("d")),
        ("${NONE:-}", json!("")),
        ("${EMPTY:-d}", json!("d")),
        ("${EMPTY}", json!("")),
        ("${NONE:-{n}}", json!("{n}")),
        ("${", json!("${")),
        ("${HOME", json!("${HOME")),
        ("${1}${a.b}$$", json!("${1}${a.b}$$")),
        ("$HOME", json!("$HOME")),
        ("{n}", json!(1.50)),
        ("{list}", json!([1, "a"])),
        ("{null}", json!(null)),
        ("x{list}", json!("x[1,\"a\"]")),
        ("{n}{n}", json!("1.51.5")),
        ("{text}", json!("a ${HOME} {project_path}")),
        ("<{text}>", json!("<a ${HOME} {project_path}>")),
        ("{project_path}", json!("/p (1)")),
        ("{unknown} {1} {} {a b}", json!("{unknown} {1} {} {a b}")),
        ("{{secret}}", json!("{s}")),
        ("${TRICK}", json!("{secret} ${HOME}")),
        ("{\"a\": \"{secret}\"}", json!("{\"a\": \"s\"}")),
    ] {
        let config = json!({"args": [text]});
        let found = expand(&config, &parameters).map(|it| it["args"][0].clone());
        assert_eq!(found, Ok(expected), "{text:?}");
    }
}

#[test]
fn a_missing_variable_is_named_with_its_place() {
    let error = expand(&json!({"args": ["a", {"b": "${NO}"}]}), &json!({})).unwrap_err();
    let message = "args[1].b needs the environment variable NO, which is not set";
    assert_eq!(error.to_string(), message);
}

#[test]
fn keys_are_never_filled_in() {
    let config = json!({"env": {"{text}": "v", "${HOME}": "w"}});
    assert_eq!(expand(&config, &json!({"text": "PATH"})), Ok(config.clone()));
}

#[test]
fn a_parameter_cannot_change_the_shape_of_an_address() {
    let parameters = json!({"q": "a&b=/../ü?#", "all": "https://x/?a=b", "n": 1});
    for (url, expected) in [
        ("https://x/{q}/{n}", "https://x/a%26b%3D%2F..%2F%C3%BC%3F%23/1"),
        ("{all}", "https://x/?a=b"),
        ("https://x{project_path}", "https://x/p (1)"),
    ] {
        let found = expand(&json!({"url": url, "body": {"url": "-{q}"}}), &parameters).unwrap();
        assert_eq!(found["url"], json!(expected), "{url}");
        assert_eq!(found["body"]["url"], json!("-a&b=/../ü?#"), "only the address is encoded");
    }
}

#[test]
fn the_same_name_is_found_wherever_it_stands() {
    let config = json!({"a": ["x", {"b": "-{tool_path}-"}]});
    assert!(mentions(config.as_object().unwrap(), "tool_path"), "inside a text inside a list");
    let config = json!({"{tool_path}": ["tool_path"]});
    assert!(!mentions(config.as_object().unwrap(), "tool_path"), "a key is no use of it");
}

proptest! {
    #[test]
    fn a_parameter_with_any_text_arrives_unchanged(text in any::<String>(), other in "[${}a-zA-Z:-]{0,12}") {
        for text in [text, other] {
            let parameters = json!({"p": text, "a": "inner"});
            let config = json!({"whole": "{p}", "part": "<{p}>", "all": "{params_json}"});
            let found = expand(&config, &parameters).unwrap();
            prop_assert_eq!(&found["whole"], &json!(text.clone()));
            prop_assert_eq!(&found["part"], &json!(format!("<{text}>")));
            let all: Value = serde_json::from_str(found["all"].as_str().unwrap()).unwrap();
            prop_assert_eq!(all, parameters);
        }
    }

    #[test]
    fn any_text_of_a_config_is_read_without_trouble(text in "[${}a:-]{0,20}") {
        let _ = expand(&json!({"x": text}), &json!({"a": 1}));
    }
}
