//! A request over HTTP, part by part.

use axum::body::Body;
use axum::http::{Method, Request};
use uuid::Uuid;

use crate::world::{Reply, World};

/// A request that is right but for what a test changes.
pub(crate) struct Call<'w> {
    pub(crate) world: &'w World,
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl<'w> Call<'w> {
    pub(crate) fn post(world: &'w World, body: impl ToString) -> Self {
        let headers = vec![
            (
                "authorization",
                format!("Bearer {}", world.token("user", Uuid::new_v4())),
            ),
            ("content-type", "application/json".to_owned()),
        ];
        Self {
            world,
            method: Method::POST,
            uri: "/graphql".to_owned(),
            headers,
            body: body.to_string(),
        }
    }

    pub(crate) fn get(world: &'w World, query_string: &str) -> Self {
        Self {
            method: Method::GET,
            uri: format!("/graphql?{query_string}"),
            ..Self::post(world, "")
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.retain(|(present, _)| *present != name);
        self.headers.push((name, value.to_string()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(present, _)| *present != name);
        self
    }

    pub(crate) async fn reply(self) -> Reply {
        let mut request = Request::builder().method(self.method).uri(self.uri);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        self.world.send(request.body(Body::from(self.body)).unwrap()).await
    }
}
