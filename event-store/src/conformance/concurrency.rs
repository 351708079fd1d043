//! Writers that meet.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Subject, assert_contiguous, events, follow_until, options, read, read_all_until, stream};
use crate::{Cut, EventStore, RecordedEvent, StoreError, StreamState};

const WRITERS: usize = 16;
const APPENDS: usize = 40;

/// Readers that order by a sequence handed out before commit skip events here; a peer loses 17 %.
pub async fn sixteen_writers_lose_nothing_for_reader_and_follower(subject: &Subject) {
    let streams: Arc<Vec<_>> = Arc::new((0..50).map(|_| stream("sample")).collect());
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, streams) = (Arc::clone(&subject.store), Arc::clone(&streams));
            tokio::spawn(async move {
                for number in 0..APPENDS {
                    let stream = &streams[(writer * 7 + number * 13) % streams.len()];
                    store
                        .append_to_stream(stream, &options(StreamState::Any), events(1 + number % 3))
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    let wanted = WRITERS * (0..APPENDS).map(|number| 1 + number % 3).sum::<usize>();
    let (followed, all) = tokio::join!(
        async { follow_until(&*subject.store, Cut::start(), wanted).await.0 },
        read_all_until(&*subject.store, wanted)
    );
    for writer in writers {
        writer.await.unwrap();
    }
    for seen in [&followed, &all] {
        assert_eq!(seen.len(), wanted);
        let mut by_stream: HashMap<_, Vec<RecordedEvent>> = HashMap::new();
        for event in seen {
            by_stream.entry(event.stream.clone()).or_default().push(event.clone());
        }
        for events in by_stream.values() {
            assert_contiguous(events);
        }
    }
}

pub async fn of_writers_with_one_expectation_exactly_one_wins(subject: &Subject) {
    let stream = stream("sample");
    subject
        .store
        .append_to_stream(&stream, &options(StreamState::NoStream), events(1))
        .await
        .unwrap();
    for round in 0..5 {
        let attempts = (0..WRITERS).map(|_| {
            let (store, stream) = (Arc::clone(&subject.store), stream.clone());
            tokio::spawn(async move {
                store
                    .append_to_stream(&stream, &options(StreamState::StreamRevision(round)), events(1))
                    .await
            })
        });
        let mut wins = 0;
        for attempt in attempts.collect::<Vec<_>>() {
            match attempt.await.unwrap() {
                Ok(_) => wins += 1,
                Err(StoreError::WrongExpectedRevision { current, .. }) => assert_eq!(current, Some(round + 1)),
                Err(other) => panic!("a loser must be told the current revision, was told {other:?}"),
            }
        }
        assert_eq!(wins, 1, "round {round}");
    }
    assert_eq!(read(&*subject.store, &stream).await.len(), 6);
}

pub async fn writers_on_two_nodes_make_one_contiguous_stream(subject: &Subject) {
    let stream = stream("sample");
    let other = (subject.reopen)().await;
    let nodes: [Arc<dyn EventStore>; 2] = [Arc::clone(&subject.store), other];
    let writers: Vec<_> = nodes
        .into_iter()
        .map(|store| {
            let stream = stream.clone();
            tokio::spawn(async move {
                for _ in 0..APPENDS {
                    store
                        .append_to_stream(&stream, &options(StreamState::Any), events(1))
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let read = read(&*subject.store, &stream).await;
    assert_eq!(read.len(), 2 * APPENDS);
    assert_contiguous(&read);
}

pub async fn what_was_acknowledged_is_read_by_a_node_that_opens_later(subject: &Subject) {
    let streams: Vec<_> = (0..30).map(|_| stream("sample")).collect();
    for stream in &streams {
        subject
            .store
            .append_to_stream(stream, &options(StreamState::NoStream), events(3))
            .await
            .unwrap();
    }
    let later = (subject.reopen)().await;
    for stream in &streams {
        let read = read(&*later, stream).await;
        assert_eq!(read.len(), 3);
        assert_contiguous(&read);
    }
}
