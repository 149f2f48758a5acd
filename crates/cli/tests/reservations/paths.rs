//! What an argument means: existing paths, subfolders, links, worktrees.

use super::{reserved, run, sandbox};
use std::{fs, os::unix::fs::symlink};

#[test]
fn an_argument_that_names_an_existing_path_is_that_path() {
    let it = sandbox();
    fs::create_dir_all(it.folder().join("app/[id]")).unwrap();
    fs::write(it.folder().join("app/[id]/page.tsx"), "").unwrap();
    run(&it, "ada", "reserve app/[id]/page.tsx").ok();
    run(&it, "bob", "reserve app/i/page.tsx").ok();
    run(&it, "cid", "reserve app/[id]").expect(2);
    assert_eq!(reserved(&it), [r"ada: app/\[id]/page.tsx", "bob: app/i/page.tsx"]);
}

#[test]
fn an_argument_is_taken_from_the_working_folder_and_stored_from_the_root() {
    let it = sandbox();
    fs::create_dir_all(it.folder().join("src/deep")).unwrap();
    let in_folder = |words: &[&str]| {
        it.lokt(words.iter().copied()).owner("ada").folder(it.folder().join("src/deep")).in_time()
    };
    let absolute = it.folder().join("top");
    in_folder(&["reserve", "./x", "../y", "*.rs", absolute.to_str().unwrap()]).ok();
    assert_eq!(reserved(&it), ["ada: src/deep/x src/y src/deep/*.rs top"]);
    for outside in ["../../../z", "/etc/passwd", "", "a[", "{a"] {
        in_folder(&["reserve", outside]).expect(64);
    }
    in_folder(&["reserve"]).expect(64);
}

#[test]
fn a_link_counts_as_its_name_and_as_what_it_leads_to() {
    let it = sandbox();
    let at = |path: &str| it.folder().join(path);
    fs::create_dir_all(at("real/sub")).unwrap();
    symlink("real", at("by-name")).unwrap();
    symlink(at("real/sub"), at("absolute")).unwrap();
    symlink("../real/new", at("real/dangling")).unwrap();
    symlink("/etc", at("outside")).unwrap();
    symlink("loop", at("loop")).unwrap();
    run(&it, "ada", "reserve by-name/f").ok();
    run(&it, "bob", "reserve real/f").expect(2);
    run(&it, "bob", "reserve by-name/f").expect(2);
    run(&it, "ada", "reserve absolute/g real/dangling").ok();
    for taken in ["real/sub/g", "absolute", "real/new"] {
        run(&it, "bob", &format!("reserve {taken}")).expect(2);
        run(&it, "bob", &format!("reservations --check {taken}")).expect(2);
    }
    run(&it, "bob", "reserve outside/passwd loop").ok();
    run(&it, "ada", "unreserve by-name/f").ok();
    run(&it, "bob", "reserve real/f").ok();
}

#[test]
fn bytes_of_a_path_are_kept() {
    let it = sandbox();
    let line = "touch $'a\\xff[x]'; lokt reserve $'a\\xff[x]' && lokt reservations --json";
    let list = it.shell(line).owner("ada").in_time().ok().out;
    let json: serde_json::Value = serde_json::from_str(list.lines().nth(1).unwrap()).unwrap();
    assert_eq!(json[0]["patterns"][0]["bytes"], "Yf9cW3hd", "{list}");
    it.shell("lokt reservations --check $'a\\xff[x]'").owner("bob").in_time().expect(2);
}

#[test]
fn the_scope_of_a_tree_is_one_worktree() {
    let it = sandbox();
    let line = "set -e; git init -q main; cd main
        git -c user.name=a -c user.email=a@b commit -q --allow-empty -m first; git worktree add -q ../two";
    it.shell(line).in_time().ok();
    let at = |folder: &str, owner: &str, line: &str| {
        let call = it.lokt(line.split(' ')).owner(owner).without("LOKT_ROOT");
        call.folder(it.folder().join(folder)).in_time()
    };
    at("main", "ada", "reserve src --scope tree").ok();
    at("two", "bob", "reserve src --scope tree").ok();
    at("main", "cid", "reserve src/x --scope tree").expect(2).says("reserved by ada");
    at("two", "cid", "reserve src/x").expect(2);
    at("two", "cid", "reservations --check src/x").expect(2);
    at("two", "bob", "reservations --check src/x").ok();
    at("main", "ada", "unreserve --all").ok();
    at("main", "ada", "reserve docs").ok();
    at("two", "bob", "reserve docs/x --scope tree").expect(2);
    let id = fs::read_to_string(it.folder().join("main/.git/lokt-repository-id")).unwrap();
    let list = at("main", "ada", "reservations --json").ok().json();
    let trees: Vec<&str> =
        list.as_array().unwrap().iter().filter_map(|it| it["tree"].as_str()).collect();
    assert_eq!(trees, [format!("{}/worktrees/two", id.trim())]);
}

#[test]
fn without_git_a_folder_outside_of_the_project_is_refused() {
    let it = sandbox();
    let call = it.lokt(["reserve", "x"]).folder("/");
    call.in_time().fails_with(1, "/ is outside the project");
}
