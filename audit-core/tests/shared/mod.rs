//! What the tests of the policy file share.

use audit_core::Policy;

/// What a person reads about a policy that is wrong.
pub fn errors(text: &str) -> String {
    match Policy::parse(text, "audit.yml") {
        Ok(policy) => panic!("the policy was accepted: {policy:#?}"),
        Err(errors) => errors.to_string(),
    }
}
