use super::*;
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt};
use tempfile::TempDir;

/// A project with some programs, and the variables that are set.
struct InterpreterTestFixture {
    folder: TempDir,
    environment: ToolEnvironment,
}

impl InterpreterTestFixture {
    fn new(programs: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for program in programs {
            let path = folder.path().join(program);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "#!/bin/sh\necho \"$PWD/bin/asked\"; echo more\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut environment = ToolEnvironment::default();
        environment.set("PATH", folder.path().join("bin"));
        environment.set("HOME", folder.path().join("home"));
        Self { folder, environment }
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.set(name, value);
        self
    }

    fn find(&self, order: &Value) -> Result<String, String> {
        let item = ToolItemId::new("web/x").unwrap();
        let interpreter = InterpreterLookupConfig::new(&item, order.as_object().unwrap());
        let found = interpreter.and_then(|it| it.find(&self.environment, self.folder.path()));
        let root = self.folder.path().to_str().unwrap();
        found
            .map(|path| path.into_string().unwrap().replace(root, ""))
            .map_err(|error| error.to_string().replace(root, ""))
    }
}

#[test]
fn each_lookup_finds_its_program() {
    let fixture = InterpreterTestFixture::new(&[
        ".venv/bin/python3",
        "env/bin/python",
        "bin/tool",
        "bin/asked",
        "node_modules/.bin/node",
        "deep/local/b",
        "home/.pyenv/versions/3.12.1/bin/python",
        "home/.nvm/versions/node/v20.1.0/bin/node",
        "home/.rbenv/versions/3.3/bin/ruby",
        "home/.asdf/installs/erlang/27/bin/erl",
        "home/.asdf/installs/aaa/26/bin/erl",
    ]);
    for (order, expected) in [
        (json!({"type": "venv_python"}), "/.venv/bin/python3"),
        (json!({"type": "venv_python", "venv_path": "env"}), "/env/bin/python"),
        (json!({"type": "system_binary", "binary": "tool"}), "/bin/tool"),
        (json!({"type": "node_modules"}), "/node_modules/.bin/node"),
        (
            json!({"type": "local_binary", "binary": "x", "candidates": ["a", "b"],
                   "search_roots": ["none", "deep"], "search_paths": ["bin", "local"]}),
            "/deep/local/b",
        ),
        (json!({"type": "local_binary", "binary": "bin/tool"}), "/bin/tool"),
        (
            json!({"type": "version_manager", "manager": "pyenv", "version": "3.12.1"}),
            "/home/.pyenv/versions/3.12.1/bin/python",
        ),
        (
            json!({"type": "version_manager", "manager": "nvm", "version": "20.1.0"}),
            "/home/.nvm/versions/node/v20.1.0/bin/node",
        ),
        (
            json!({"type": "version_manager", "manager": "rbenv", "version": 3.3}),
            "/home/.rbenv/versions/3.3/bin/ruby",
        ),
        (
            json!({"type": "version_manager", "manager": "asdf", "version": 27, "binary": "erl"}),
            "/home/.asdf/installs/erlang/27/bin/erl",
        ),
        (json!({"type": "command", "resolve_cmd": ["tool", "x"]}), "/bin/asked"),
    ] {
        let mut order = order;
        order["var"] = json!("X");
        assert_eq!(fixture.find(&order).as_deref(), Ok(expected), "{order}");
    }
}

#[test]
fn the_lookup_comes_first_then_the_callers_choice_then_the_fallback() {
    let order = json!({"type": "venv_python", "var": "PY", "fallback": "python3"});
    let all = [".venv/bin/python", "bin/python3", "bin/mine"];
    assert_eq!(
        InterpreterTestFixture::new(&all).set("PY", "mine").find(&order).unwrap(),
        "/.venv/bin/python"
    );
    let without = InterpreterTestFixture::new(&all[1..]);
    assert_eq!(without.find(&order).unwrap(), "/bin/python3");
    assert_eq!(without.set("PY", "mine").find(&order).unwrap(), "/bin/mine");
    assert_eq!(
        InterpreterTestFixture::new(&all).set("PY", "").find(&order).unwrap(),
        "/.venv/bin/python"
    );
}

#[test]
fn a_choice_that_cannot_be_run_is_not_passed_over() {
    let order = json!({"type": "venv_python", "var": "PY", "fallback": "python3"});
    let fixture = InterpreterTestFixture::new(&["bin/python3"]).set("PY", "/none/python");
    let message = fixture.find(&order).unwrap_err();
    assert_eq!(
        message,
        "web/x needs PY, which is set to \"/none/python\", and that is no executable file"
    );
}

#[test]
fn where_there_is_none_everything_that_was_looked_at_is_listed() {
    let order = json!({"type": "venv_python", "var": "PY", "fallback": "python3"});
    assert_eq!(
        InterpreterTestFixture::new(&[]).find(&order).unwrap_err(),
        "no interpreter for PY of web/x: looked for /.venv/bin/python, /.venv/bin/python3, \
         $PY (not set), python3 on PATH (/bin)"
    );
    let order = json!({"type": "command", "resolve_cmd": ["false"], "var": "X"});
    let message =
        InterpreterTestFixture::new(&[]).set("PATH", "/usr/bin:/bin").find(&order).unwrap_err();
    assert!(message.contains("what `false` says (it failed with exit status: 1)"), "{message}");
}

#[test]
fn a_virtual_environments_link_is_not_resolved() {
    let fixture = InterpreterTestFixture::new(&["bin/python3.12"]);
    let link = fixture.folder.path().join(".venv/bin/python");
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(fixture.folder.path().join("bin/python3.12"), &link).unwrap();
    let order = json!({"type": "venv_python", "var": "PY"});
    assert_eq!(fixture.find(&order).as_deref(), Ok("/.venv/bin/python"));
}

#[test]
fn what_is_no_executable_file_is_no_interpreter() {
    let fixture = InterpreterTestFixture::new(&[]);
    let folder = fixture.folder.path();
    fs::create_dir_all(folder.join(".venv/bin/python")).unwrap();
    fs::write(folder.join(".venv/bin/python3"), "").unwrap();
    let order = json!({"type": "venv_python", "var": "PY"});
    assert!(fixture.find(&order).is_err(), "a folder and a plain file are passed over");
}

#[test]
fn a_wrong_order_names_the_item_and_the_field() {
    for (order, expected) in [
        (json!({"type": "venv_python"}), "env_config.interpreter of web/x has no var"),
        (json!({"var": "X"}), "env_config.interpreter of web/x has no type"),
        (json!({"var": "X", "type": "conda"}), "env_config.interpreter.type of web/x must be"),
        (json!({"var": "X", "type": "system_binary"}), "has no binary"),
        (json!({"var": "X", "type": "local_binary"}), "has no binary"),
        (json!({"var": "X", "type": "command", "resolve_cmd": []}), "has no resolve_cmd"),
        (json!({"var": "X", "type": "command", "resolve_cmd": "w"}), "must be a list of texts"),
        (json!({"var": "X", "type": "version_manager", "manager": "x"}), "must be pyenv, nvm"),
        (json!({"var": "X", "type": "version_manager", "manager": "nvm"}), "has no version"),
        (json!({"var": "X=", "type": "venv_python"}), "must be the name of a variable"),
        (json!({"var": ["X"], "type": "venv_python"}), "var of web/x must be a text, not an array"),
    ] {
        let message = InterpreterTestFixture::new(&[]).find(&order).unwrap_err();
        assert!(message.contains(expected), "{order}: {message}");
    }
}

#[test]
fn a_tilde_in_a_variable_is_the_home_folder_and_never_one_of_the_project() {
    let programs = [
        "home/bin/python",
        "home/envs/versions/3.12.1/bin/python",
        "~/bin/python",
        "~other/python",
    ];
    let fixture = || InterpreterTestFixture::new(&programs);
    let order = json!({"type": "system_binary", "binary": "nowhere", "var": "RYE_PYTHON"});
    let found = fixture().set("RYE_PYTHON", "~/bin/python").find(&order);
    assert_eq!(found.as_deref(), Ok("/home/bin/python"));
    assert!(fixture().set("RYE_PYTHON", "~other/python").find(&order).is_err());
    let order =
        json!({"type": "version_manager", "manager": "pyenv", "var": "PY", "version": "3.12.1"});
    let found = fixture().set("PYENV_ROOT", "~/envs").find(&order);
    assert_eq!(found.as_deref(), Ok("/home/envs/versions/3.12.1/bin/python"));
}
