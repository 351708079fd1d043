//! Whole lists, page by page.

use serde_json::{Value, json};

use crate::client::Client;

/// The largest page.
const PAGE: usize = 100;

/// All nodes of a list; `field` is `tasks` or `messages(conversationId: "..")`, `nodes` the fields of a node.
pub async fn all(client: &Client, field: &str, nodes: &str) -> Vec<Value> {
    let (name, arguments) = field.split_once('(').unwrap_or((field, ")"));
    let query = format!(
        "query($after: String) {{ {name}(first: {PAGE}, after: $after, {arguments} \
         {{ totalCount nodes {{ {nodes} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    );
    let (mut found, mut after) = (Vec::new(), Value::Null);
    loop {
        let mut page = client.graphql(&query, json!({"after": after})).await[name].take();
        found.append(page["nodes"].as_array_mut().unwrap());
        if page["pageInfo"]["hasNextPage"] == false {
            assert_eq!(
                page["totalCount"],
                json!(found.len()),
                "{field}: the total is what the pages hold"
            );
            return found;
        }
        after = page["pageInfo"]["endCursor"].take();
    }
}
