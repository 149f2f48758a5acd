use serde_json::{Map, Value};

/// Merges the configs of a chain, given from the primitive to the tool: whole values are replaced, and the
/// tool has the last word.
pub fn merge<'a>(configs: impl IntoIterator<Item = &'a Map<String, Value>>) -> Map<String, Value> {
    let mut merged = Map::new();
    for config in configs {
        merged.extend(config.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_tool_replaces_whole_values() {
        let primitive = json!({"timeout": 300, "env": {"A": "1", "B": "2"}});
        let tool = json!({"env": {"A": "3"}, "command": "x"});
        let both = [primitive.as_object().unwrap(), tool.as_object().unwrap()];
        assert_eq!(
            Value::Object(merge(both)),
            json!({"timeout": 300, "env": {"A": "3"}, "command": "x"}),
            "the merge is shallow"
        );
    }
}
