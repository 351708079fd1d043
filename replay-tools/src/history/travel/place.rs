//! Where to go: the texts that name a place in the log.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use event_store::{Cut, PositionToken};
use projections::travel::{LocatedCut, complete_token, locate};

use super::{TravelSources, TravelToolError};
use crate::progress::Meter;

/// A place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Its end.
    Now,
    /// What a token names.
    Token(Box<PositionToken>),
    /// What the log had taken by then.
    At(DateTime<Utc>),
    /// The same, before now.
    Ago(Duration),
}

impl Place {
    /// `now`, `2h ago`, `2026-05-04`, `2026-05-04T10:00:00Z`, or a position token.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "now" {
            return Ok(Self::Now);
        }
        if let Some(amount) = text.strip_suffix("ago") {
            return duration(amount).map(Self::Ago);
        }
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::At(at.to_utc()));
        }
        let midnight = NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .and_then(|day| day.and_hms_opt(0, 0, 0));
        if let Some(midnight) = midnight {
            return Ok(Self::At(midnight.and_utc()));
        }
        PositionToken::decode(text).map(|token| Self::Token(Box::new(token))).map_err(|_| {
            "expected a position token, `now`, `2h ago`, a day (2026-05-04, from midnight UTC) or a time with its zone \
             (2026-05-04T10:00:00Z)"
                .to_owned()
        })
    }

    /// The cut, and how sure it is where it was found by a time.
    pub(super) async fn cut(
        &self,
        sources: &TravelSources,
        meter: &Meter,
    ) -> Result<(Cut, Option<LocatedCut>), TravelToolError> {
        let TravelSources { store, pool, .. } = sources;
        let at = match self {
            Self::Now => {
                let end = store.end().await.map_err(projections::travel::TravelError::from)?;
                return Ok((end, None));
            }
            Self::Token(token) => return Ok(complete_token(pool, &**store, token).await?),
            Self::At(at) => *at,
            Self::Ago(ago) => {
                // By the clock of the database, as the recorded times of its log are.
                sqlx::query_scalar("select clock_timestamp() - make_interval(secs => $1)")
                    .bind(ago.as_secs_f64())
                    .fetch_one(pool)
                    .await?
            }
        };
        let located = locate(pool, &**store, at, |done, total| {
            meter.set("summing up times of recording", done, total);
        })
        .await?;
        Ok((located.cut.clone(), Some(located)))
    }
}

/// `90s`, `30m`, `2h`, `7 days`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let refused = || "expected a number and a unit, such as 90s, 30m, 24h, 7d".to_owned();
    let text = text.trim();
    let unit_at = text
        .find(|character: char| !character.is_ascii_digit())
        .ok_or_else(refused)?;
    let (amount, unit) = text.split_at(unit_at);
    let amount: u32 = amount.parse().map_err(|_| refused())?;
    let seconds = match unit.trim() {
        "s" | "sec" | "second" | "seconds" => 1,
        "m" | "min" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 7 * 86_400,
        _ => return Err(refused()),
    };
    let seconds = u64::from(amount) * seconds;
    if seconds == 0 {
        return Err(refused());
    }
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use event_store::LogEpoch;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_place_is_a_token_a_time_or_the_end() {
        assert_eq!(Place::parse("now"), Ok(Place::Now));
        assert_eq!(Place::parse("2h ago"), Ok(Place::Ago(Duration::from_hours(2))));
        assert_eq!(Place::parse("3 days ago"), Ok(Place::Ago(Duration::from_hours(72))));
        let at = |place: Result<Place, String>| match place {
            Ok(Place::At(at)) => at.to_rfc3339(),
            other => panic!("{other:?}"),
        };
        assert_eq!(at(Place::parse("2026-05-04")), "2026-05-04T00:00:00+00:00");
        assert_eq!(
            at(Place::parse("2026-05-04T10:00:00+02:00")),
            "2026-05-04T08:00:00+00:00"
        );
        let token = PositionToken {
            epoch: LogEpoch(Uuid::from_u128(7)),
            cut: std::iter::once((1, 5)).collect(),
            stream: None,
        };
        assert_eq!(Place::parse(&token.encode()), Ok(Place::Token(Box::new(token))));
        for refused in [
            "",
            "yesterday",
            "2026-05-04T10:00:00",
            "2 ago",
            "ago",
            "h ago",
            "-1h ago",
            "2x ago",
        ] {
            assert!(Place::parse(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_duration_has_a_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("2 weeks"), Ok(Duration::from_hours(24 * 14)));
        for refused in ["", "5", "0h", "h", "99999999999d", "1.5h"] {
            assert!(duration(refused).is_err(), "{refused}");
        }
    }
}
