//! Questions as bytes, each with the answer that was checked.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use super::case::{About, LoadCase, SentAs};
use super::same_answers;
use super::served::Served;
use crate::system::HttpConnection;

/// So many that the same row is asked for again only after a while; all of them are in the memory of the database.
const TASKS: i64 = 500;

/// What is written to the connection, and what must come back.
#[derive(Clone)]
pub(super) struct Question {
    pub(super) request: Vec<u8>,
    pub(super) answer: Answer,
}

/// An answer that was checked.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) bytes: Vec<u8>,
    json: Value,
}

/// The questions of a case to each server, in the same order.
pub(super) struct Questions {
    pub(super) ours: Arc<[Question]>,
    pub(super) postgraphile: Option<Arc<[Question]>>,
}

/// Asks everybody everything once and holds the answers against each other.
pub(super) async fn checked(case: &LoadCase, served: &Served) -> Result<Questions> {
    let variables = variables(case.about, served).await?;
    let token = served.log.installation.token("analyst")?;
    let mut ours = Vec::new();
    let mut connection = HttpConnection::open(served.program.port).await?;
    for variables in &variables {
        let request = request(case.ours, case.sent_as, variables.as_ref(), Some(&token));
        ours.push(ask(&mut connection, request).await.context("asking the program")?);
    }
    for (question, data) in &ours {
        let ids = same_answers::ids(data);
        ensure!(
            ids >= case.least_ids,
            "an answer has {ids} ids instead of {}: {}",
            case.least_ids,
            String::from_utf8_lossy(&question.answer.bytes)
        );
    }
    let postgraphile = match &served.postgraphile {
        None => None,
        Some(instance) => {
            let mut connection = HttpConnection::open(instance.port).await?;
            let mut questions = Vec::new();
            for (variables, (_, data)) in variables.iter().zip(&ours) {
                let request = request(case.postgraphile, SentAs::Text, variables.as_ref(), None);
                let (question, theirs) = ask(&mut connection, request).await.context("asking PostGraphile")?;
                same_answers::check(data, &theirs).context("PostGraphile answers something else")?;
                questions.push(question);
            }
            Some(questions.into())
        }
    };
    Ok(Questions {
        ours: ours.into_iter().map(|(question, _)| question).collect(),
        postgraphile,
    })
}

async fn variables(about: About, served: &Served) -> Result<Vec<Option<Value>>> {
    match about {
        About::Newest => Ok(vec![None]),
        About::AnyTask => {
            // Of all ages and in no order.
            let schema = &served.schema;
            let sql = format!("select id::text from {schema}.task order by md5(id::text) limit $1");
            let ids: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
                .bind(TASKS)
                .fetch_all(&served.log.pool)
                .await?;
            Ok(ids.into_iter().map(|id| Some(json!({ "id": id }))).collect())
        }
    }
}

fn request(document: &str, sent_as: SentAs, variables: Option<&Value>, token: Option<&str>) -> Vec<u8> {
    let body = match sent_as {
        SentAs::Text => json!({ "query": document, "variables": variables }).to_string(),
    };
    let authorization = token.map_or_else(String::new, |token| format!("authorization: Bearer {token}\r\n"));
    format!(
        "POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/graphql-response+json\r\n{authorization}\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The question with its answer, and the data of that.
async fn ask(connection: &mut HttpConnection, request: Vec<u8>) -> Result<(Question, Value)> {
    let answered = connection.exchange(&request).await?;
    let text = String::from_utf8_lossy(&answered.body);
    ensure!(answered.status == 200, "it answers {}: {text}", answered.status);
    let json: Value = serde_json::from_slice(&answered.body).context("an answer that is not JSON")?;
    ensure!(json.get("errors").is_none(), "it answers {text}");
    let data = json.get("data").cloned().context("an answer without data")?;
    let bytes = answered.body.to_vec();
    let answer = Answer { bytes, json };
    Ok((Question { request, answer }, data))
}

impl Answer {
    /// Is this the answer again? Nearly always its bytes are; else the members of an object may come in another order.
    pub(super) fn is_said_by(&self, bytes: &[u8]) -> bool {
        self.bytes == bytes || serde_json::from_slice::<Value>(bytes).is_ok_and(|json| json == self.json)
    }
}
