//! What goes in comes out: sizes, texts, metadata.

use domain::{CommandId, Role, StreamId, UserId};
use uuid::Uuid;

use super::{Subject, assert_contiguous, event, events, json, options, read, stream};
use crate::{CommandStamp, StoreError, StreamState};

pub async fn a_large_batch_is_one_piece(subject: &Subject) {
    let stream = stream("sample");
    let written = subject
        .store
        .append_to_stream(&stream, &options(StreamState::NoStream), events(1_000))
        .await
        .unwrap();
    assert_eq!(written.next_expected_version, 999);
    let read = read(&*subject.store, &stream).await;
    assert_eq!(read.len(), 1_000);
    assert_contiguous(&read);
}

pub async fn large_and_empty_events_come_back_as_they_went(subject: &Subject) {
    let stream = stream("sample");
    let large = format!("{{\"text\":\"{}\"}}", "x".repeat(500_000));
    let written = vec![
        event("{}"),
        event(&large),
        event("[]"),
        event("\"\""),
        event("null"),
        event("0.1"),
    ];
    let expected: Vec<_> = written.iter().map(|event| json(&event.data)).collect();
    subject
        .store
        .append_to_stream(&stream, &options(StreamState::Any), written)
        .await
        .unwrap();
    let read: Vec<_> = read(&*subject.store, &stream)
        .await
        .iter()
        .map(|event| json(&event.data))
        .collect();
    assert_eq!(read, expected);
}

pub async fn a_commit_above_the_limit_is_refused_and_leaves_nothing(subject: &Subject) {
    let stream = stream("sample");
    let huge = vec![event(&format!("\"{}\"", "x".repeat(3_000_000)))];
    let refused = subject
        .store
        .append_to_stream(&stream, &options(StreamState::Any), huge)
        .await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })), "{refused:?}");
    assert!(read(&*subject.store, &stream).await.is_empty());
}

pub async fn unicode_ids_and_texts_come_back_as_they_went(subject: &Subject) {
    let stream = StreamId::parse(&format!("prüfung-日本語 🦀 \\ \" ' ; -- {}", Uuid::new_v4())).unwrap();
    let texts = [
        "日本語",
        "🦀 ferris",
        "tab\tnewline\nreturn\r",
        "back\\slash \\n \\. \\N",
        "e\u{301}",
        "\u{202e}rtl",
        "'; drop table",
    ];
    let written = texts
        .iter()
        .map(|text| event(&serde_json::to_string(text).unwrap()))
        .collect();
    subject
        .store
        .append_to_stream(&stream, &options(StreamState::NoStream), written)
        .await
        .unwrap();
    let read = read(&*subject.store, &stream).await;
    assert_eq!(
        read.iter().map(|event| json(&event.data)).collect::<Vec<_>>(),
        texts.map(serde_json::Value::from)
    );
    assert!(read.iter().all(|event| event.stream == stream));
}

pub async fn text_that_postgresql_cannot_store_is_refused_and_leaves_nothing(subject: &Subject) {
    let stream = stream("sample");
    for data in [r#""a\u0000b""#, r#"{"\u0000":1}"#, r#"["\ud800"]"#] {
        let refused = subject
            .store
            .append_to_stream(&stream, &options(StreamState::Any), vec![event(data)])
            .await;
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{data}: {refused:?}");
    }
    // An escaped backslash before the same letters is ordinary text.
    subject
        .store
        .append_to_stream(&stream, &options(StreamState::Any), vec![event(r#""\\u0000 \u00e9""#)])
        .await
        .unwrap();
    assert_eq!(read(&*subject.store, &stream).await.len(), 1);
}

pub async fn metadata_comes_back_as_it_went(subject: &Subject) {
    let stream = stream("sample");
    let mut append = options(StreamState::Any);
    append.stamp = CommandStamp {
        command_id: CommandId::parse("order:17/\"a\"").unwrap(),
        command_hash: u128::MAX - 1,
        actor: UserId::new(Uuid::new_v4()),
        role: Role::Admin,
        correlation_id: "correlation-✓".to_owned(),
        causation_id: Some(Uuid::new_v4()),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        provenance: Some("git:owner/name".to_owned()),
    };
    let sent = events(2);
    subject
        .store
        .append_to_stream(&stream, &append, sent.clone())
        .await
        .unwrap();
    let read = read(&*subject.store, &stream).await;
    for (read, sent) in read.iter().zip(&sent) {
        assert_eq!(read.metadata, append.stamp);
        assert_eq!(read.id, sent.id);
        assert_eq!(read.time, sent.time);
    }
    assert_eq!(read.len(), 2);
}
