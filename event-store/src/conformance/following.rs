//! Followers and readers of the whole log.

use std::collections::{BTreeSet, HashSet};

use super::{Subject, events, follow_until, options, read_all_until, stream};
use crate::{Cut, StreamState};

pub async fn a_follower_catches_up_then_goes_on_live_without_gap_or_repeat(subject: &Subject) {
    let streams: Vec<_> = (0..20).map(|_| stream("sample")).collect();
    for stream in &streams {
        subject
            .store
            .append_to_stream(stream, &options(StreamState::Any), events(2))
            .await
            .unwrap();
    }
    let follower = follow_until(&*subject.store, Cut::start(), 80);
    let writer = async {
        for stream in &streams {
            subject
                .store
                .append_to_stream(stream, &options(StreamState::Any), events(2))
                .await
                .unwrap();
        }
    };
    let ((caught, _), ()) = tokio::join!(follower, writer);
    assert_eq!(caught.len(), 80);
    for stream in &streams {
        let revisions: Vec<_> = caught
            .iter()
            .filter(|event| event.stream == *stream)
            .map(|event| event.revision)
            .collect();
        assert_eq!(revisions, [0, 1, 2, 3]);
    }
}

pub async fn followers_of_some_partitions_share_the_log_without_gap_or_repeat(subject: &Subject) {
    let all: BTreeSet<u32> = (0..subject.store.partitions()).collect();
    let (even, odd): (BTreeSet<u32>, BTreeSet<u32>) = all.iter().partition(|partition| *partition % 2 == 0);
    let streams: Vec<_> = (0..40).map(|_| stream("sample")).collect();
    let append = async |times: usize| {
        for stream in streams.iter().cycle().take(streams.len() * times) {
            subject
                .store
                .append_to_stream(stream, &options(StreamState::Any), events(1))
                .await
                .unwrap();
        }
    };
    append(2).await;
    let follow = async |partitions: &BTreeSet<u32>| {
        let of_them = |stream: &&domain::StreamId| partitions.contains(&stream.partition(subject.store.partitions()));
        let wanted = streams.iter().filter(of_them).count() * 3;
        let mut follow = subject
            .store
            .follow_partitions(Cut::start(), partitions.clone())
            .await
            .unwrap();
        let (mut seen, mut cut) = (Vec::new(), Cut::start());
        while seen.len() < wanted {
            let batch = follow.next().await.unwrap();
            assert!(batch.cut.iter().all(|(partition, _)| partitions.contains(&partition)));
            seen.extend(batch.events);
            cut.merge(&batch.cut);
        }
        assert!(seen.iter().all(|event| partitions.contains(&event.at.partition)));
        assert!(seen.iter().all(|event| event.at.offset < cut.next(event.at.partition)));
        seen
    };
    let (seen_even, seen_odd, ()) = tokio::join!(follow(&even), follow(&odd), append(1));
    let seen: Vec<_> = seen_even.iter().chain(&seen_odd).collect();
    for stream in &streams {
        let revisions: Vec<_> = seen
            .iter()
            .filter(|event| event.stream == *stream)
            .map(|event| event.revision)
            .collect();
        assert_eq!(revisions, [0, 1, 2]);
    }
}

pub async fn a_follower_resumes_at_its_cut(subject: &Subject) {
    let stream = stream("sample");
    subject
        .store
        .append_to_stream(&stream, &options(StreamState::Any), events(5))
        .await
        .unwrap();
    let (first, cut) = follow_until(&*subject.store, Cut::start(), 5).await;
    subject
        .store
        .append_to_stream(&stream, &options(StreamState::Any), events(5))
        .await
        .unwrap();
    let other = (subject.reopen)().await;
    let (second, _) = follow_until(&*other, cut, 5).await;
    let ids: HashSet<_> = first.iter().chain(&second).map(|event| event.id).collect();
    assert_eq!(ids.len(), 10);
    assert_eq!(
        second.iter().map(|event| event.revision).collect::<Vec<_>>(),
        [5, 6, 7, 8, 9]
    );
}

pub async fn a_level_follower_is_not_behind(subject: &Subject) {
    let stream = stream("sample");
    subject
        .store
        .append_to_stream(&stream, &options(StreamState::Any), events(3))
        .await
        .unwrap();
    let end = subject.store.end().await.unwrap();
    assert!(subject.store.behind(&end, &Cut::start()) > 0);
    let mut follow = subject.store.follow(Cut::start()).await.unwrap();
    let mut cut = Cut::start();
    while !cut.covers(&end) {
        cut.merge(&follow.next().await.unwrap().cut);
    }
    assert_eq!(subject.store.behind(&end, &cut), 0);
}

pub async fn read_all_has_positions_in_order_without_gap(subject: &Subject) {
    for _ in 0..10 {
        subject
            .store
            .append_to_stream(&stream("sample"), &options(StreamState::Any), events(7))
            .await
            .unwrap();
    }
    let all = read_all_until(&*subject.store, 70).await;
    for (event, position) in all.iter().zip(1..) {
        assert_eq!(event.position.map(|position| position.0), Some(position));
    }
}

pub async fn nobody_is_behind_on_an_empty_log(subject: &Subject) {
    let end = subject.store.end().await.unwrap();
    let mut cut = Cut::start();
    if subject.store.behind(&end, &cut) > 0 {
        // A log may begin with records that are no events.
        cut.merge(
            &subject
                .store
                .follow(Cut::start())
                .await
                .unwrap()
                .next()
                .await
                .unwrap()
                .cut,
        );
    }
    while subject.store.behind(&end, &cut) > 0 {
        cut.merge(
            &subject
                .store
                .follow(cut.clone())
                .await
                .unwrap()
                .next()
                .await
                .unwrap()
                .cut,
        );
    }
    assert!(cut.covers(&end));
}
