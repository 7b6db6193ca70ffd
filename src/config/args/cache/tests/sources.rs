//! Where keys come from, by which variables are set.

use super::{bucket, keys, with};
use crate::config::{
    Authorization, ContainerKeys, Endpoint, KeySource, Scheme, Secret, WebIdentity,
};

const NONE: [(&str, &str); 2] = [
    ("SIDEKICK_CACHE_ACCESS_KEY", ""),
    ("SIDEKICK_CACHE_SECRET_KEY", ""),
];
const VARIABLES: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "A"),
    ("AWS_SECRET_ACCESS_KEY", "B"),
    ("AWS_SESSION_TOKEN", "C"),
];
const ROLE: [(&str, &str); 2] = [
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
    ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r"),
];
const HOME: [(&str, &str); 1] = [("HOME", "/home/u")];
const ECS: [(&str, &str); 1] = [("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/id")];
const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";

/// Where keys come from when none are set for the cache alone.
fn source(set: &[&[(&str, &str)]]) -> KeySource {
    bucket(&[&NONE[..], &set.concat()].concat()).keys
}

fn endpoint(text: &str) -> Endpoint {
    text.parse().unwrap()
}

fn profile(file: &str, name: &str, otherwise: Option<KeySource>) -> KeySource {
    KeySource::Profile {
        file: file.into(),
        name: name.to_owned(),
        otherwise: otherwise.map(Box::new),
    }
}

fn agent(service: &str, path: &str, authorization: Option<Authorization>) -> KeySource {
    KeySource::Container(Box::new(ContainerKeys {
        service: endpoint(service),
        path: path.to_owned(),
        authorization,
    }))
}

fn instance() -> KeySource {
    KeySource::Instance {
        service: endpoint("http://169.254.169.254"),
    }
}

#[test]
fn each_source_is_asked_after_those_that_the_aws_tools_ask_before() {
    let all = [&VARIABLES[..], &ROLE, &HOME, &ECS];
    assert_eq!(source(&all), keys("A", "B", Some("C")));
    assert!(matches!(source(&all[1..]), KeySource::WebIdentity(_)));
    let ecs = agent("http://169.254.170.2", "/v2/id", None);
    let at_home = "/home/u/.aws/credentials";
    assert_eq!(
        source(&all[2..]),
        profile(at_home, "default", Some(ecs.clone()))
    );
    assert_eq!(source(&all[3..]), ecs);
    assert_eq!(source(&[]), instance());
    assert_eq!(
        source(&[&HOME]),
        profile(at_home, "default", Some(instance()))
    );
}

#[test]
fn who_names_a_profile_or_its_file_means_it() {
    let file = ("AWS_SHARED_CREDENTIALS_FILE", "/f");
    let name = ("AWS_PROFILE", "p");
    assert_eq!(
        source(&[&HOME, &[file, name], &ECS]),
        profile("/f", "p", None)
    );
    assert_eq!(source(&[&[file], &ECS]), profile("/f", "default", None));
    assert_eq!(
        source(&[&HOME, &[name], &ECS]),
        profile("/home/u/.aws/credentials", "p", None)
    );
}

#[test]
fn a_role_is_asked_for_in_its_region() {
    let role = |more: &[(&str, &str)]| match source(&[&ROLE, more]) {
        KeySource::WebIdentity(identity) => identity,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        *role(&[]),
        WebIdentity {
            token_file: "/token".into(),
            role: "arn:aws:iam::1:role/r".to_owned(),
            session: "sidekick".to_owned(),
            service: endpoint("https://sts.us-east-1.amazonaws.com"),
        }
    );
    let named = role(&[("AWS_ROLE_SESSION_NAME", "pod-7")]);
    assert_eq!(named.session, "pod-7");
    for (set, service) in [
        (
            &[("AWS_REGION", "eu-west-1"), ("AWS_DEFAULT_REGION", "x")][..],
            "https://sts.eu-west-1.amazonaws.com",
        ),
        (
            &[("AWS_DEFAULT_REGION", "cn-north-1")],
            "https://sts.cn-north-1.amazonaws.com.cn",
        ),
        (
            &[("SIDEKICK_CACHE_REGION", "eu-north-1")],
            "https://sts.eu-north-1.amazonaws.com",
        ),
        (
            &[
                ("AWS_ENDPOINT_URL_STS", "http://minio:9000/"),
                ("AWS_REGION", "x"),
            ],
            "http://minio:9000",
        ),
    ] {
        assert_eq!(role(set).service.label(), service);
    }
}

#[test]
fn an_agent_is_asked_at_the_address_it_is_at() {
    for (uri, service, path) in [
        (
            "http://169.254.170.23/v1/credentials",
            "http://169.254.170.23",
            "/v1/credentials",
        ),
        ("http://[fd00:ec2::23]/v1", "http://[fd00:ec2::23]", "/v1"),
        ("http://169.254.170.2", "http://169.254.170.2", "/"),
        (
            "http://localhost:51678/c?id=a@b",
            "http://localhost:51678",
            "/c?id=a@b",
        ),
        ("http://127.3.2.1/", "http://127.3.2.1", "/"),
        ("http://[::1]:8?id=7", "http://[::1]:8", "/?id=7"),
        ("https://keys.example/k", "https://keys.example", "/k"),
    ] {
        assert_eq!(source(&[&[(FULL, uri)]]), agent(service, path, None));
    }
    let both = source(&[&ECS, &[(FULL, "http://169.254.170.23/v1")]]);
    assert_eq!(both, agent("http://169.254.170.2", "/v2/id", None));
}

#[test]
fn an_agent_is_shown_a_token_and_rather_the_one_in_a_file() {
    let token = ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic a=");
    let file = ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/t");
    let shown = |set: &[(&str, &str)]| match source(&[&ECS, set]) {
        KeySource::Container(agent) => agent.authorization,
        other => panic!("{other:?}"),
    };
    let given = Authorization::Given(Secret::new("Basic a="));
    assert_eq!(shown(&[token]), Some(given));
    let in_file = Some(Authorization::File("/t".into()));
    assert_eq!(shown(&[token, file]), in_file);
}

#[test]
fn the_metadata_service_can_be_elsewhere_or_off() {
    let elsewhere = (
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "http://[fd00:ec2::254]/",
    );
    let KeySource::Instance { service } = source(&[&[elsewhere]]) else {
        panic!("the metadata service");
    };
    assert_eq!(service.label(), "http://[fd00:ec2::254]");
    assert_eq!(service.scheme, Scheme::Http);
    for off in ["true", "TRUE"] {
        let off = ("AWS_EC2_METADATA_DISABLED", off);
        let at_home = profile("/home/u/.aws/credentials", "default", None);
        assert_eq!(source(&[&HOME, &[off]]), at_home);
    }
    let on = ("AWS_EC2_METADATA_DISABLED", "false");
    assert_eq!(source(&[&[on]]), instance());
}

#[test]
fn what_cannot_be_asked_is_refused_with_its_cure_and_no_token() {
    let token = ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "hunter2\r\nX: y");
    for (set, variable, cure) in [
        (&ROLE[..1], "AWS_ROLE_ARN", "set it too"),
        (
            &[ROLE[0], ("AWS_ROLE_ARN", "a b")],
            "AWS_ROLE_ARN",
            "remove it",
        ),
        (
            &[ROLE[0], ROLE[1], ("AWS_ROLE_SESSION_NAME", "a\n")],
            "AWS_ROLE_SESSION_NAME",
            "remove it",
        ),
        (
            &[ROLE[0], ROLE[1], ("AWS_REGION", "a/b")],
            "AWS_REGION",
            "like us-east-1",
        ),
        (
            &[ROLE[0], ROLE[1], ("AWS_ENDPOINT_URL_STS", "sts:443")],
            "AWS_ENDPOINT_URL_STS",
            "write http://sts:443",
        ),
        (&[ECS[0], token], token.0, "the token alone"),
        (&[(FULL, "http://10.0.0.1/k")], FULL, "write https://"),
        (
            &[(FULL, "http://169.254.169.254/k")],
            FULL,
            "write https://",
        ),
        (&[(FULL, "http://keys.example/k")], FULL, "write https://"),
        (
            &[(FULL, "http://localhost.example/")],
            FULL,
            "write https://",
        ),
        (&[(FULL, "/k")], FULL, "scheme is missing"),
        (
            &[(FULL, "http://u:hunter2@127.0.0.1/k")],
            FULL,
            "no user name",
        ),
        (&[(FULL, "http://127.0.0.1/a b")], FULL, "no blanks"),
        (&[(FULL, "http://127.0.0.1/a#b")], FULL, "the path"),
        (
            &[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "k\r\n")],
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "begins with `/`",
        ),
        (
            &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://_a._tcp.b")],
            "AWS_EC2_METADATA_SERVICE_ENDPOINT",
            "name and port",
        ),
    ] {
        let line = with(&[&NONE[..], set].concat())
            .expect_err(variable)
            .to_string();
        assert!(line.contains(&format!("`{variable}`")), "{line}");
        assert!(line.contains(cure), "{line}");
        assert!(!line.contains('\n') && !line.contains("hunter2"), "{line}");
    }
}
