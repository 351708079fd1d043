//! The rule of free texts.

use domain::text::{NUMBER_MAX, TextProblem, check, check_blank_allowed};

#[test]
fn a_length_counts_unicode_scalar_values() {
    for five in ["abcde", "äöüß€", "🦀🦀🦀🦀🦀", "e\u{301}e\u{301}e"] {
        assert_eq!(check(five, 5), Ok(()));
        assert_eq!(check(five, 4), Err(TextProblem::TooLong { limit: 4 }));
    }
}

#[test]
fn white_space_alone_says_nothing() {
    for blank in ["", " ", "\t\r\n", "\u{a0}\u{2003}"] {
        assert_eq!(check(blank, 5), Err(TextProblem::Blank));
        assert_eq!(check_blank_allowed(blank, 5), Ok(()));
    }
}

#[test]
fn nul_is_refused_and_other_control_characters_are_not() {
    assert_eq!(check("a\0", 5), Err(TextProblem::HasNul));
    assert_eq!(check_blank_allowed("\0", 5), Err(TextProblem::HasNul));
    assert_eq!(check("a\tb\n\u{1b}", 5), Ok(()));
}

#[test]
fn the_largest_number_is_that_of_a_bigint() {
    assert_eq!(NUMBER_MAX, 9_223_372_036_854_775_807);
}
