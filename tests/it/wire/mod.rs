//! Replays the transcripts of `tests/wire`; each file is one claim and one test.

mod replay;
mod transcript;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire")
}

/// A test for each transcript, named by its file, and one that the list is complete.
macro_rules! transcripts {
    ($($guarantee:ident { $($claim:ident)* })*) => {
        $(mod $guarantee {
            $(#[test]
            fn $claim() {
                let file = concat!(stringify!($guarantee), "/", stringify!($claim), ".txt");
                super::replay::replay(&super::folder().join(file));
            })*
        })*

        #[test]
        fn every_transcript_is_replayed() {
            let listed: BTreeSet<&str> =
                [$($(concat!(stringify!($guarantee), "/", stringify!($claim), ".txt")),*),*].into();
            assert_listed(&listed);
        }
    };
}

fn assert_listed(listed: &BTreeSet<&str>) {
    let mut found = BTreeSet::new();
    let folders = folder().read_dir().expect("tests/wire is readable");
    for folder in folders
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.is_dir())
    {
        for entry in folder.read_dir().expect("a folder of transcripts") {
            let path = entry.expect("readable").path();
            let below = path.strip_prefix(self::folder()).expect("below tests/wire");
            found.insert(below.to_string_lossy().into_owned());
        }
    }
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    let missing: Vec<_> = found.difference(listed).collect();
    assert!(
        missing.is_empty(),
        "transcripts that nobody replays: {missing:?}"
    );
}

transcripts! {
    forwarding {
        target_reaches_the_backend_as_it_came
        request_fields_keep_order_case_and_values
        response_fields_keep_order_case_and_values
        status_and_reason_pass_untouched
        absolute_form_becomes_origin_form
        absolute_form_without_a_path_becomes_a_slash
        asterisk_form_passes
        methods_unknown_to_us_pass
    }
    hop_by_hop {
        fields_named_in_connection_stop_on_the_way_in
        fields_named_in_connection_stop_on_the_way_out
        keep_alive_fields_stop_on_the_way_in
        keep_alive_fields_stop_on_the_way_out
        close_of_the_backend_stays_with_the_backend
        close_of_the_client_stays_with_the_client
        trailers_pass_on_the_way_in
        trailers_pass_on_the_way_out
    }
    interim {
        continue_comes_from_the_backend
        final_answer_instead_of_continue_arrives_with_no_body_sent
        early_hints_pass_before_the_answer
        several_interim_answers_pass_in_order
    }
    early_answer {
        refusal_reaches_the_client_in_the_middle_of_its_upload
        answer_and_upload_stream_at_once
        head_before_the_upload_ends_keeps_the_connection
    }
    framing {
        head_response_carries_no_body_but_its_length
        head_response_may_announce_chunks
        no_content_ends_with_its_head
        not_modified_ends_with_its_head_and_keeps_its_length
        request_without_length_has_no_body
        get_may_carry_a_body
        chunk_sizes_may_have_zeros_capitals_and_extensions
        short_length_body_is_cut_for_the_client
        missing_last_chunk_is_missing_for_the_client
        half_a_chunk_is_never_made_whole
        reset_in_a_body_is_a_cut_for_the_client
        bad_chunk_in_an_answer_is_a_cut_for_the_client
        bytes_behind_an_answer_belong_to_nobody
    }
    keep_alive {
        requests_of_one_connection_share_a_backend_connection
        pipelined_requests_are_answered_in_order
        pipelined_request_begins_where_the_body_before_ends
        closed_idle_backend_connection_is_replaced
    }
    http10 {
        client_without_keep_alive_gets_the_end_after_its_answer
        keep_alive_is_honoured
        client_gets_no_chunks
        client_gets_no_interim_answer
        body_until_close_ends_with_the_backend
        upload_by_length_passes
    }
    upgrade {
        bytes_pass_both_ways_after_101
        each_side_ends_for_itself
        bytes_right_behind_101_are_not_lost
        refused_upgrade_is_an_ordinary_answer
    }
    trickle {
        each_chunk_down_arrives_by_itself
        each_byte_down_arrives_by_itself
        each_byte_up_arrives_by_itself
        each_chunk_up_arrives_by_itself
        heads_may_come_in_pieces
    }
    strict {
        length_beside_chunked_is_refused
        chunked_beside_length_is_refused
        bare_line_feeds_are_refused
        second_request_is_refused_after_the_first_is_answered
        started_head_is_not_waited_for_forever
        idle_connection_is_closed_without_a_word
    }
}
