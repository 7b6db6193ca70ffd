//! Each source end to end, from the request for keys to one that is signed with them.

use std::fs;
use std::time::Duration;

use super::super::authority::Authority;
use super::super::granter::{Granter, Reply, credentials, document};
use super::super::run;
use super::super::server::SECRET;
use super::{HOUR, Scratch, Watched, agent, instance, metadata, role, says, session, until};
use crate::config::{Authorization, KeySource};
use crate::store::Store as _;

#[test]
fn a_role_is_taken_on_with_the_token_that_is_in_the_file_now() {
    run(async {
        let sts = Granter::start(|asked| {
            let is_second = asked.body.ends_with(b"&WebIdentityToken=header.second");
            says(if is_second {
                credentials("ASIA2", HOUR)
            } else {
                credentials("ASIA1", Duration::from_secs(3))
            })
        });
        let token = Scratch::new("header.first+\n");
        let watched = Watched::start(role(&sts, &token.0));
        assert!(!watched.store.is_up(), "there are no keys yet");
        watched.until_up().await;
        assert_eq!(watched.signed_by(), session("ASIA1"));
        let asked = sts.asked.borrow()[0].clone();
        assert_eq!((&*asked.method, &*asked.path), ("POST", "/"));
        assert_eq!(
            asked.fields["content-type"],
            "application/x-www-form-urlencoded"
        );
        assert_eq!(
            String::from_utf8(asked.body).unwrap(),
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15\
             &RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=pod-7\
             &WebIdentityToken=header.first%2B"
        );

        fs::write(&token.0, "header.second").unwrap();
        until(|| watched.signed_by() == session("ASIA2")).await;
        assert_eq!(*watched.told.borrow(), [None], "nobody noticed");
    });
}

#[test]
fn an_agent_is_shown_the_token_that_is_in_the_file_now() {
    run(async {
        let granter = Granter::start(|asked| match &*asked.fields["authorization"] {
            "Bearer one" => says(document("ASIA1", Duration::from_secs(3))),
            "Bearer two" => says(document("ASIA2", HOUR)),
            _ => Reply::Says(401, String::new()),
        });
        let token = Scratch::new("Bearer one\n");
        let shown = Authorization::File(token.0.clone());
        let watched = Watched::start(agent(&granter, Some(shown)));
        watched.until_up().await;
        assert_eq!(watched.signed_by(), session("ASIA1"));
        fs::write(&token.0, "Bearer two").unwrap();
        until(|| watched.signed_by() == session("ASIA2")).await;
        for asked in &*granter.asked.borrow() {
            assert_eq!((&*asked.method, &*asked.path), ("GET", "/v1/keys?id=7"));
        }
    });
}

#[test]
fn a_machine_without_the_profile_asks_its_metadata_service() {
    run(async {
        let granter = Granter::start(|asked| metadata(asked, || says(document("ASIA1", HOUR))));
        let watched = Watched::start(KeySource::Profile {
            file: "/nowhere/credentials".into(),
            name: "default".to_owned(),
            otherwise: Some(Box::new(instance(&granter))),
        });
        watched.until_up().await;
        assert_eq!(watched.signed_by(), session("ASIA1"));
        assert_eq!(granter.asked.borrow().len(), 3);
        assert!(
            granter.asked.borrow()[1..]
                .iter()
                .all(|asked| asked.fields["x-aws-ec2-metadata-token"] == "metadata-token")
        );
    });
}

#[test]
fn a_profile_that_is_there_is_used_before_the_metadata_service_and_followed() {
    run(async {
        let granter = Granter::start(|_| Reply::Hangs);
        let text = |key| format!("[p]\naws_access_key_id={key}\naws_secret_access_key={SECRET}\n");
        let file = Scratch::new(&text("AKIA1"));
        let source = KeySource::Profile {
            file: file.0.clone(),
            name: "p".to_owned(),
            otherwise: Some(Box::new(instance(&granter))),
        };
        let watched = Watched::checked(source, Duration::from_secs(1));
        assert!(watched.store.is_up(), "its keys are at hand");
        watched.until_up().await;
        assert_eq!(watched.signed_by(), ("AKIA1".to_owned(), None));
        fs::write(&file.0, text("AKIA2")).unwrap();
        until(|| watched.signed_by() == ("AKIA2".to_owned(), None)).await;
        assert!(granter.asked.borrow().is_empty());
    });
}

#[test]
fn a_token_goes_by_tls_to_a_service_that_is_trusted_and_to_no_other() {
    run(async {
        let authority = Authority::new("house");
        let sts = || {
            let config = authority.server("127.0.0.1");
            Granter::start_secure(config, |_| says(credentials("ASIA1", HOUR)))
        };
        let token = Scratch::new("hunter2");
        let trusted = sts();
        let watched = Watched::trusting(role(&trusted, &token.0), authority.trust());
        watched.until_up().await;
        assert_eq!(watched.signed_by(), session("ASIA1"));

        let stranger = sts();
        let trust = Authority::new("another").trust();
        let watched = Watched::trusting(role(&stranger, &token.0), trust);
        let line = watched.first_line().await;
        assert!(line.contains("gives none: TLS: "), "{line}");
        assert!(line.contains("trust it with --cacert"), "{line}");
        assert!(stranger.asked.borrow().is_empty());
    });
}
