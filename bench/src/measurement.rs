//! One figure, the limit beside it, and whether it is as wanted.

use serde::Serialize;

/// The head of the table whose rows are [`Measurement::table_row`].
pub(crate) const TABLE_HEAD: &str =
    "bench     case                                          value             limit  ratio  target                met";

/// What was measured. The names are those of the JSON output.
#[derive(Debug, Serialize)]
pub(crate) struct Measurement {
    bench: &'static str,
    case: String,
    value: f64,
    unit: &'static str,
    limit: Option<f64>,
    limit_name: Option<&'static str>,
    ratio: Option<f64>,
    target: Option<String>,
    met: Option<bool>,
}

/// What is wanted of a figure.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
    Below(f64),
    /// At most so many times the limit.
    TimesLimit(f64),
    /// At least so many times the limit.
    AtLeastTimesLimit(f64),
}

impl Measurement {
    /// A figure alone.
    pub(crate) fn new(bench: &'static str, case: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            bench,
            case: case.into(),
            value: rounded(value),
            unit,
            limit: None,
            limit_name: None,
            ratio: None,
            target: None,
            met: None,
        }
    }

    /// A figure that cannot be measured: the program has no such command. The value is null.
    pub(crate) fn not_there(bench: &'static str, case: impl Into<String>, unit: &'static str, target: Target) -> Self {
        Self::new(bench, case, f64::NAN, unit).wanted(target)
    }

    /// Beside it what the machine can do, in the same unit.
    pub(crate) fn against(mut self, limit_name: &'static str, limit: f64) -> Self {
        self.limit = Some(rounded(limit));
        self.limit_name = Some(limit_name);
        self.ratio = (limit > 0.0).then(|| rounded(self.value / limit));
        self
    }

    /// What it should be. A multiple of the limit needs [`Self::against`] first.
    pub(crate) fn wanted(mut self, target: Target) -> Self {
        let unit = self.unit;
        let (text, met) = match target {
            Target::AtLeast(bound) => (format!(">= {bound} {unit}"), self.value >= bound),
            Target::AtMost(bound) => (format!("<= {bound} {unit}"), self.value <= bound),
            Target::Below(bound) => (format!("< {bound} {unit}"), self.value < bound),
            Target::TimesLimit(times) => (
                format!("<= {times} x limit"),
                self.ratio.is_some_and(|ratio| ratio <= times),
            ),
            Target::AtLeastTimesLimit(times) => (
                format!(">= {times} x limit"),
                self.ratio.is_some_and(|ratio| ratio >= times),
            ),
        };
        self.target = Some(text);
        self.met = Some(met);
        self
    }

    /// For people.
    pub(crate) fn table_row(&self) -> String {
        let limit = self.limit.map_or_else(String::new, |limit| limit.to_string());
        let ratio = self.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        let met = match self.met {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "",
        };
        let value = if self.value.is_nan() {
            "not there".to_owned()
        } else {
            self.value.to_string()
        };
        let row = format!(
            "{:<9} {:<38} {value:>12} {:<10} {limit:>9} {ratio:>6}  {:<21} {met}",
            self.bench,
            self.case,
            self.unit,
            self.target.as_deref().unwrap_or_default(),
        );
        let limit_name = self
            .limit_name
            .map_or_else(String::new, |name| format!("  (limit: {name})"));
        format!("{row:<118}{limit_name}").trim_end().to_owned()
    }
}

/// A count as a figure.
pub(crate) fn as_float(count: u64) -> f64 {
    // Far below the 2^52 where a double begins to count in steps.
    #[allow(clippy::cast_precision_loss)]
    let count = count as f64;
    count
}

/// Three places are more than any of this repeats to.
fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
