//! What every kind of repository must do, whatever it keeps its files in: a folder, S3, Azure.
//!
//! Each case gets a fresh repository of the kind under test. Google's store is missing, because nothing that can be
//! installed here speaks its protocol as the client of `object_store` does.

mod faults;
mod files;
mod parts;
mod support;

macro_rules! conformance {
    ($kind:ident: $($room:ident: [$($case:ident,)*])*) => {
        mod $kind {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    if let Some(kept) = crate::support::$kind() {
                        crate::$room::$case(kept).await;
                    }
                }
            )*)*
        }
    };
}

macro_rules! every_kind {
    ($kind:ident: $($room:ident: [$($case:ident,)*])*) => {
        conformance! {
            $kind:
            files: [
                an_empty_repository_lists_nothing,
                what_can_be_written_can_be_listed,
                files_of_every_size_come_back,
                names_are_kept_as_they_are,
                listings_are_sorted_and_one_level_deep,
                an_upload_replaces_what_was_there,
                tags_tell_versions_apart,
                a_reader_never_gets_two_versions,
                any_range_can_be_read,
                a_broken_upload_stores_nothing,
                an_upload_that_is_given_up_stores_nothing,
                deleting_takes_files_folders_and_nothing_else,
                uploads_at_once_do_not_mix,
                a_folder_may_be_huge,
                neighbours_are_told_apart,
                only_what_was_announced_is_stored,
                a_digest_is_that_of_the_whole_file,
            ]
            $($room: [$($case,)*])*
        }
    };
}

every_kind! {
    folder:
    files: [taken_names_are_refused,]
    parts: [
        parts_come_in_any_order,
        a_multipart_upload_replaces_a_file,
        an_upload_in_parts_can_fail_and_go_on,
        a_part_that_is_not_the_announced_one_is_not_there,
        an_aborted_upload_is_gone,
        impossible_uploads_in_parts_are_refused,
    ]
}

every_kind! {
    s3:
    files: [a_name_may_be_a_file_and_a_folder,]
    parts: [
        parts_come_in_any_order,
        a_multipart_upload_replaces_a_file,
        parts_in_a_bucket_can_be_wrong_and_go_on,
        an_aborted_upload_is_gone,
        impossible_uploads_in_parts_are_refused,
    ]
}

every_kind! {
    azure:
    files: [a_name_may_be_a_file_and_a_folder,]
    parts: [parts_are_not_taken,]
}
