//! The one place where the wall clock is read. Only the edge may call it: decisions get their time as data.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};

/// The time now, cut to whole microseconds.
///
/// PostgreSQL keeps microseconds: a finer time would come back from the database as another value than the one that
/// was decided on. A clock set before 1970 reads as 1970.
pub fn now() -> DateTime<Utc> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX);
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}
