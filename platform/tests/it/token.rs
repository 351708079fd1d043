use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use platform::clock;
use platform::token::{SigningKey, SigningKeyError, TokenError};
use serde_json::{Value, json};
use uuid::Uuid;

const SECRET: &[u8; 32] = b"a secret of exactly 32 bytes 123";
const HOUR: Duration = Duration::from_hours(1);

fn key() -> SigningKey {
    SigningKey::from_secret(SECRET)
}

/// A token that is right, but for the changed claims.
fn token_with(algorithm: Algorithm, changes: &Value) -> String {
    let now = clock::now().timestamp();
    let mut claims = json!({
        "iss": "coding-agent", "aud": "coding-agent", "sub": Uuid::nil(), "role": "user",
        "iat": now, "nbf": now, "exp": now + 60,
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    encode(&Header::new(algorithm), &claims, &EncodingKey::from_secret(SECRET)).unwrap()
}

fn refusal(changes: &Value) -> TokenError {
    key().verify(&token_with(Algorithm::HS256, changes)).unwrap_err()
}

#[test]
fn a_minted_token_is_verified_with_its_claims() {
    let subject = Uuid::now_v7();

    let token = key().mint(subject, "admin", HOUR).unwrap();
    let claims = key().verify(&token).unwrap();

    assert_eq!((claims.subject, claims.role.as_str()), (subject, "admin"));
    let seconds_left = (claims.expires_at - clock::now()).num_seconds();
    assert!((3_590..=3_600).contains(&seconds_left), "{seconds_left}");
}

#[test]
fn a_token_of_another_key_or_with_changed_claims_has_a_bad_signature() {
    let token = key().mint(Uuid::nil(), "user", HOUR).unwrap();
    let other = SigningKey::from_secret(&[1; 32]);
    assert_eq!(other.verify(&token).unwrap_err(), TokenError::BadSignature);

    let admin = key().mint(Uuid::nil(), "admin", HOUR).unwrap();
    let (head, _) = token.rsplit_once('.').unwrap();
    let (_, signature_of_admin) = admin.rsplit_once('.').unwrap();
    assert_eq!(
        key().verify(&format!("{head}.{signature_of_admin}")).unwrap_err(),
        TokenError::BadSignature
    );
}

#[test]
fn a_token_outside_its_time_is_refused() {
    let now = clock::now().timestamp();

    assert_eq!(refusal(&json!({"exp": now - 60})), TokenError::Expired);
    assert_eq!(refusal(&json!({"nbf": now + 60})), TokenError::NotYetValid);
    assert!(
        key()
            .verify(&token_with(Algorithm::HS256, &json!({"nbf": now + 2})))
            .is_ok(),
        "clocks differ a little"
    );
}

#[test]
fn a_token_that_is_not_ours_is_refused() {
    for changes in [
        json!({"iss": "another"}),
        json!({"aud": "another"}),
        json!({"iss": null}),
        json!({"aud": null}),
        json!({"nbf": null}),
        json!({"exp": null}),
        json!({"role": null}),
        json!({"sub": "nobody"}),
        json!({"exp": "soon"}),
    ] {
        assert_eq!(refusal(&changes), TokenError::Malformed, "{changes}");
    }
    for text in ["", "a.b.c", "Bearer", "ü.ü.ü", &"a".repeat(5_000)] {
        assert_eq!(key().verify(text).unwrap_err(), TokenError::Malformed);
    }
}

#[test]
fn only_the_pinned_algorithm_is_accepted() {
    let other_algorithm = token_with(Algorithm::HS512, &json!({}));
    assert_eq!(key().verify(&other_algorithm).unwrap_err(), TokenError::Malformed);

    // {"alg":"none"} with the claims of a good token and no signature.
    let good = token_with(Algorithm::HS256, &json!({}));
    let claims = good.split('.').nth(1).unwrap();
    let unsigned = format!("eyJhbGciOiJub25lIn0.{claims}.");
    assert_eq!(key().verify(&unsigned).unwrap_err(), TokenError::Malformed);
}

#[test]
fn a_key_file_is_made_once_private_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folder/signing.key");

    let token = SigningKey::load_or_create(&path)
        .unwrap()
        .mint(Uuid::nil(), "user", HOUR)
        .unwrap();

    assert!(SigningKey::load_or_create(&path).unwrap().verify(&token).is_ok());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        fs::read_dir(path.parent().unwrap()).unwrap().count(),
        1,
        "drafts are removed"
    );
}

#[test]
fn processes_that_start_together_share_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signing.key");

    let keys: Vec<_> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| SigningKey::load_or_create(&path).unwrap()))
            .collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    });

    let token = keys[0].mint(Uuid::nil(), "user", HOUR).unwrap();
    assert!(keys.iter().all(|key| key.verify(&token).is_ok()));
}

#[test]
fn a_key_file_that_others_may_read_is_refused_with_the_mend() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signing.key");
    SigningKey::load_or_create(&path).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();

    let error = SigningKey::load_or_create(&path).unwrap_err();

    let path = path.display();
    let words = format!("signing key file {path} is open to others (mode 640): run chmod 600 {path}");
    assert_eq!(error.to_string(), words);
}

#[test]
fn a_file_without_a_key_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signing.key");
    for content in ["", "c2hvcnQ=", "not base64 at all"] {
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();

        let error = SigningKey::load_or_create(&path).unwrap_err();

        assert!(matches!(error, SigningKeyError::NotAKey { .. }), "{error:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn a_key_prints_nothing_of_itself() {
    assert_eq!(format!("{:?}", key()), "SigningKey");
}
