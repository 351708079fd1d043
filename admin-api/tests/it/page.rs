//! The page: shown to those who may, with nothing that a browser could run.

use axum::body::Body;
use axum::http::Request;

use crate::routes::park;
use crate::world::{Answer, World};

const PAGE: &str = "/admin/projections";

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

async fn sign_in(world: &World, token: &str, from: &str) -> Answer {
    let request = Request::post("/admin/session")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", from)
        .body(Body::from(format!("token={token}")));
    world.send(request.unwrap()).await
}

async fn with_cookie(world: &World, path: &str, cookie: &str) -> Answer {
    let request = Request::get(path).header("cookie", cookie).body(Body::empty());
    world.send(request.unwrap()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_shows_generations_processes_and_parked_streams_and_runs_nothing() {
    let world = World::new().await;
    park(&world, "task-<script>").await;
    sqlx::query(
        "insert into control.projector (generation, name, seen_at) values (1, 'host/77', now() - interval '1 hour')",
    )
    .execute(&world.pool)
    .await
    .unwrap();
    let page = world.ask("GET", PAGE, Some("analyst"), "").await;
    assert_eq!(page.status, 200, "{page:?}");
    for part in [
        "read_models_1",
        "serving",
        "100 %",
        "conversation v",
        "host/77",
        "class=\"bad\">died, 36",
        "it does not &lt;b&gt;fit",
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    assert!(page.text.contains("task-&lt;script&gt;") && !page.text.contains("<script"));
    assert!(header(&page, "content-security-policy").starts_with("default-src 'none'; style-src 'self'"));
    assert_eq!(header(&page, "cache-control"), "no-store");
    let style = world.ask("GET", "/admin/style.css", None, "").await;
    assert!(header(&style, "content-type").starts_with("text/css"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_is_shown_with_its_progress() {
    let world = World::new().await;
    let asked = sqlx::query(
        "with new as ( \
             insert into control.generation (schema_name, fingerprint, epoch, models, state, purpose, created_at) \
             select 'read_models_7', 'another', epoch, models, 'building', 'rebuild', now() - interval '10 seconds' from control.generation \
             returning id) \
         insert into control.checkpoint (generation, partition, next_offset) select new.id, number, 11 from new, generate_series(0, 3) number",
    );
    asked.execute(&world.pool).await.unwrap();
    let page = world.ask("GET", PAGE, Some("admin"), "").await;
    for part in ["value=\"50\"", "50 %", "records/s", "s to go"] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_begins_with_a_token_and_lets_a_browser_look_and_nothing_else() {
    let world = World::new().await;
    let closed = world.ask("GET", PAGE, None, "").await;
    assert_eq!(closed.status, 401);
    assert!(closed.text.contains("action=\"/admin/session\"") && !closed.text.contains("read_models"));

    let begun = sign_in(&world, &world.token("admin"), "same-origin").await;
    assert_eq!((begun.status, header(&begun, "location")), (303, PAGE), "{begun:?}");
    let cookie = header(&begun, "set-cookie").to_owned();
    for part in ["Path=/admin", "HttpOnly", "SameSite=Strict", "Max-Age="] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap();
    let page = with_cookie(&world, PAGE, &format!("other=1; {cookie}")).await;
    assert_eq!(page.status, 200);
    let api = with_cookie(&world, "/api/admin/projections", cookie).await;
    assert_eq!(
        (api.status, api.code()),
        (401, "auth.missing-token"),
        "a cookie does nothing"
    );

    let ended = world.ask("POST", "/admin/session/end", None, "").await;
    assert!(header(&ended, "set-cookie").contains("Max-Age=0"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_refused_to_other_roles_bad_tokens_and_other_sites() {
    let world = World::new().await;
    for (token, from, status) in [
        (world.token("user"), "same-origin", 403),
        (world.token("service"), "same-origin", 403),
        ("nonsense".to_owned(), "same-origin", 401),
        (world.token("admin"), "cross-site", 403),
    ] {
        let refused = sign_in(&world, &token, from).await;
        assert_eq!(refused.status, status);
        assert_eq!(header(&refused, "set-cookie"), "");
    }
    let page = with_cookie(&world, PAGE, "coding-agent-admin=nonsense").await;
    assert_eq!(page.status, 401);
    let user = world.ask("GET", PAGE, Some("user"), "").await;
    assert_eq!(user.status, 403);
}
