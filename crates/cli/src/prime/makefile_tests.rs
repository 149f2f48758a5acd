use super::*;

/// The operations of a Makefile as `name: run, line`.
fn found(text: &str) -> Vec<String> {
    let show =
        |it: &GuardedOperation| format!("{}: {}, {}", it.names.join(","), it.run, it.line.unwrap());
    operations(text, "Makefile").iter().map(show).collect()
}

#[test]
fn recipes_are_run_by_their_target() {
    let text = "\
# lokt guard no -- a
LOKT ?= ./bin/lokt
OTHER := x
.PHONY: build test
build: deps
\t@echo building
\t@lokt guard build \\
\t  -- cargo build

test lint: ; lokt guard test -- cargo test
deploy:
\t-$(LOKT) guard deploy-$(ENV) -- ./deploy

late::
\t${LOKT} guard $@ -- a
\t$(OTHER) guard y -- b
hash:
\tlokt guard h-$$(git rev-parse HEAD) -- a
";
    assert_eq!(
        found(text),
        [
            "build: make build, 7",
            "test: make test, 10",
            "deploy-${ENV}: make deploy, 12",
            "late: make late, 15",
            "h-$(…): make hash, 18",
        ]
    );
}

#[test]
fn a_recipe_in_the_line_of_its_rule_may_have_a_prefix() {
    let text =
        "c: ; @lokt guard at -- x\nd: ; -lokt guard dash -- x\ne: ;+ @lokt guard plus -- x\n";
    assert_eq!(found(text), ["at: make c, 1", "dash: make d, 2", "plus: make e, 3"]);
}

#[test]
fn a_line_that_goes_on_keeps_its_dashes() {
    let text = "a:\n\tlokt guard x --wait \\\n\t-- b \\\n\t--flag\n";
    assert_eq!(operations(text, "Makefile")[0].instead_of.as_deref(), Some("b --flag"));
}

#[test]
fn what_is_no_rule_is_passed_over() {
    assert!(
        found("\tlokt guard x -- a\n  a: b\nX = a:b\n$(foreach a,b,$(eval $(a)))\n$").is_empty()
    );
}
