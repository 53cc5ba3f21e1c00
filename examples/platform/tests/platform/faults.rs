//! Every fault has exactly one test, and faults can be combined.

use std::collections::HashSet;

use miracl_platform::Fault;

use crate::app::{claims, start};
use crate::ask::{Ask, Place};
use crate::verify::header;
use crate::{
    answer_faults, callback_faults, degrees, id_token_faults, key_faults, logout_token_faults,
    userinfo_faults,
};

#[test]
fn every_fault_is_tested() {
    let mut tested: Vec<Fault> = Vec::new();
    tested.extend(answer_faults::in_answers().iter().map(|(fault, ..)| *fault));
    tested.extend(
        callback_faults::in_callbacks()
            .iter()
            .map(|(fault, _)| *fault),
    );
    tested.extend(userinfo_faults::TESTED);
    tested.extend(degrees::TESTED);
    tested.extend(id_token_faults::in_claims().iter().map(|(fault, _)| *fault));
    tested.extend(
        id_token_faults::in_refreshed_claims()
            .iter()
            .map(|(fault, _)| *fault),
    );
    tested.extend(id_token_faults::IN_FORM);
    tested.extend(key_faults::TESTED);
    tested.extend(
        logout_token_faults::in_claims()
            .iter()
            .map(|(fault, _)| *fault),
    );
    tested.extend(logout_token_faults::TESTED);
    for fault in Fault::ALL {
        let times = tested.iter().filter(|other| *other == fault).count();
        assert_eq!(times, 1, "{}", fault.name());
    }
    let different: HashSet<_> = tested.into_iter().collect();
    assert_eq!(different.len(), Fault::ALL.len());
}

#[tokio::test]
async fn several_faults_at_once_are_all_there_and_go_away_together() {
    let platform = start().await;
    let token = Ask::new(&platform, Place::Token).await;
    let discovery = Ask::new(&platform, Place::Discovery).await;
    platform.set_faults([
        Fault::DiscoveryNoContent,
        Fault::TokenWithoutExpiresIn,
        Fault::IdTokenWrongAudience,
        Fault::IdTokenHmacWithSecret,
    ]);
    assert_eq!(discovery.send().await.unwrap().status, 204);
    let tokens = token.send().await.unwrap().json();
    assert_eq!(tokens.get("expires_in"), None);
    let id_token = tokens["id_token"].as_str().unwrap();
    assert_eq!(claims(id_token)["aud"], "another-client");
    assert_eq!(header(id_token)["alg"], "HS256");
    platform.set_faults([]);
    assert_eq!(discovery.send().await.unwrap().status, 200);
}
